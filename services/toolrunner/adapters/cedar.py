"""Decisions by Cedar: policies and schema parsed once, each request checked against the schema.

Allowed is only what Cedar allows without any error: an erroring `forbid` is skipped by Cedar, so an
Allow beside an error may be a denial that failed.
"""

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

import cedarpy
from pydantic import JsonValue

from bus.cleaning import clean
from bus.errors import NotConfigured
from services.toolrunner.policy import Decision, Facts, Mode, Scope
from services.toolrunner.policy_names import (
    lint_entities,
    lint_forbids,
    lint_resources,
    unknown_names,
)
from services.toolrunner.policy_probes import probes, too_wide
from services.toolrunner.policy_reason import forbidden, not_permitted, not_permitted_on
from services.toolrunner.policy_resource import Resource, resource_of, server_of
from services.toolrunner.policy_rules import (
    Rule,
    is_asleep,
    lint,
    lint_actions,
    lint_groups,
    rules_of,
    strangers,
)
from services.toolrunner.policy_schema import (
    Reading,
    Request,
    actions_of,
    request_of,
    schema_of,
)
from services.toolrunner.policy_text import too_deep
from services.toolrunner.policy_where import where_wrong
from services.toolrunner.ports import Tool

MAX_SAID = 400
TOO_NESTED = "a condition is nested too deep: make several rules or `when` clauses of it"
BUILT_IN = "(built in)"
"""In the place of a file's name, for rules that every policy has."""


@dataclass(frozen=True)
class PolicyText:
    """Cedar policies as their files hold them, by file name."""

    files: Mapping[str, str]

    @property
    def whole(self) -> str:
        """All of them as one text, in the order of names."""
        return "\n".join(self.files[name] for name in sorted(self.files))


@dataclass(frozen=True)
class Evaluated:
    """What Cedar answered: allowed without an error or not, by which rules, and every error."""

    allowed: bool
    keys: tuple[str, ...]
    errors: tuple[str, ...]


def parsed(text: PolicyText) -> list[Rule]:
    """The rules of those files. Raises NotConfigured with a sentence for each problem of any."""
    problems: list[str] = []
    files: dict[str, str] = {}
    number = 0
    for name in sorted(text.files):
        try:
            count = _count(text.files[name])
        except ValueError as error:
            problems.append(f"{name}{error}")
            continue
        files |= {f"policy{number + k}": name for k in range(count)}
        number += count
    if problems:
        raise NotConfigured("; ".join(problems))
    rules = rules_of(json.loads(cedarpy.policies_to_json_str(text.whole)), files=files)
    if all(rule.file == BUILT_IN for rule in rules):
        raise NotConfigured("no *.cedar file holds a rule, so that nothing would be permitted")
    if problems := [*lint(rules), *lint_entities(rules)]:
        raise NotConfigured("; ".join(problems))
    return rules


def _count(text: str) -> int:
    """How many policies the text holds. Raises ValueError with what follows the file's name."""
    if problem := too_deep(text):
        raise ValueError(f": {problem}")
    if problem := _problem_of(text):
        where = where_wrong(text, _problem_of)
        if problem == TOO_NESTED:
            raise ValueError(f": {problem} ({where})")
        raise ValueError(f" cannot be parsed: {where}: {problem}")
    own = json.loads(cedarpy.policies_to_json_str(text))
    return len(own["staticPolicies"]) + len(own["templates"])


def _problem_of(text: str) -> str:
    """What the parser says is wrong with those policies; empty when nothing is."""
    try:
        cedarpy.PolicySet.from_json_str(cedarpy.policies_to_json_str(text))
    except RecursionError:
        return TOO_NESTED
    except ValueError as error:
        said = _one_line(error)
        is_nested = said.startswith("error serializing/deserializing policy set")
        return TOO_NESTED if is_nested else said
    return ""


class CedarPolicy:
    """A policy that fits the tools: it validates, and permits nothing that changes anything."""

    def __init__(
        self, text: PolicyText, tools: Iterable[Tool], *, reading: Reading, scope: Scope
    ) -> None:
        """Raises NotConfigured with a sentence for each problem."""
        rules, tools = parsed(text), list(tools)
        self.actions = actions_of(tools, reading)
        names = [tool.name for tool in tools]
        said = {name: reading.resources[name] for name in sorted(reading.said)}
        problems = [*lint_actions(rules, self.actions), *lint_groups(reading.groups, names)]
        problems += [*lint_forbids(rules, self.actions), *lint_resources(said, self.actions)]
        if problems:
            raise NotConfigured("; ".join(problems))
        self.unknown = tuple(unknown_names(rules, self.actions, resources=said))
        """Sentences about names that may be misspelt, or of a server that comes later."""
        self.asleep = tuple(rule for rule in rules if is_asleep(rule, self.actions))
        self.rules = {rule.key: rule for rule in rules if rule not in self.asleep}
        later = strangers(rules, self.actions)
        self.schema_text = json.dumps(schema_of(self.actions, names=later))
        self._resources, self._scope = reading.resources, scope
        self.schema = cedarpy.Schema.from_json_str(self.schema_text, release_gil=True)
        self._validate(text)
        self.policies = _only(text, self.rules)
        if problems := list(self._too_wide(text, tools)):
            raise NotConfigured("; ".join(problems))

    def may_offer(self, tool: str) -> bool:
        """Whether a rule could permit the tool, for some arguments."""
        action = self.actions.get(tool)
        if action is None or action.group != "read":
            return False
        about = [rule for rule in self.rules.values() if rule.is_about(action)]
        is_forbidden = any(
            rule.effect == "forbid" and not rule.resource_type and not rule.has_conditions
            for rule in about
        )
        return not is_forbidden and any(rule.effect == "permit" for rule in about)

    def resource(self, tool: str, arguments: Mapping[str, JsonValue]) -> Resource:
        """What a call with those canonical arguments is about."""
        rule = self._resources.get(server_of(tool))
        return resource_of(tool, arguments, rule=rule, scope=self._scope)

    def decide(
        self, tool: str, arguments: Mapping[str, JsonValue], *, facts: Facts, mode: Mode
    ) -> Decision:
        """The decision about a call with canonical arguments."""
        action = self.actions.get(tool)
        if action is None:
            return Decision("deny", f"no definition of {tool[:80]} is known here", (), mode)
        if action.group != "read":
            return Decision("deny", f"{tool} changes things; only reads are permitted", (), mode)
        resource = self.resource(tool, arguments)
        request = request_of(action, arguments, resource=resource, facts=facts, scope=self._scope)
        found = self.evaluate(request)
        rules = [self.rules[key] for key in found.keys]
        ids = tuple(rule.id for rule in rules)
        if found.errors:
            reason = "the policy could not be evaluated"
            said = f"{reason}: {clean(found.errors[0])[:MAX_SAID]}"
            return Decision("deny", reason, ids, mode, said=said)
        if found.allowed:
            return Decision("allow", " ".join(rule.reason for rule in rules), ids, mode)
        enforced = mode != "log_only" or not self.may_offer(tool)
        if rules:
            return Decision("deny", forbidden(rules), ids, mode, enforced=enforced)
        every = list(self.rules.values())
        said = not_permitted_on(action, resource, rules=every, scope=self._scope)
        reason = not_permitted(action, rules=every)
        return Decision("deny", reason, (), mode, said=said, enforced=enforced)

    def evaluate(self, request: Request, *, alone: cedarpy.PolicySet | None = None) -> Evaluated:
        """What Cedar says to the request, checked against the schema; `alone`: by those rules."""
        policies = self.policies if alone is None else alone
        try:
            answer = cedarpy.is_authorized(
                request.question, policies, request.entities, self.schema
            )
        except Exception as error:
            return Evaluated(allowed=False, keys=(), errors=(_one_line(error),))
        errors = list(answer.diagnostics.errors)
        if answer.decision is cedarpy.Decision.NoDecision and not errors:
            errors = ["Cedar gave no decision"]
        return Evaluated(
            allowed=answer.decision is cedarpy.Decision.Allow and not errors,
            keys=tuple(sorted(key for key in answer.diagnostics.reasons if key in self.rules)),
            errors=tuple(errors),
        )

    def _too_wide(self, text: PolicyText, tools: Iterable[Tool]) -> Iterator[str]:
        """A sentence for each permit that allows a call about what nobody configured."""
        schemas = {tool.name: tool.input_schema for tool in tools}
        for rule in self.rules.values():
            if rule.effect == "forbid" or rule.names_resource:
                continue
            alone = _only(text, {rule.key: rule})
            about = [action for action in self.actions.values() if rule.is_about(action)]
            tried = (
                (action.tool, kind)
                for action in about
                for kind in action.resources
                if rule.resource_type in ("", kind)
                for request in probes(
                    action,
                    schemas[action.tool],
                    kind=kind,
                    rule=self._resources.get(action.server),
                    scope=self._scope,
                )
                if self.evaluate(request, alone=alone).allowed
            )
            if (found := next(tried, None)) is not None:
                tool, kind = found
                yield too_wide(rule, tool, kind=kind)

    def _validate(self, text: PolicyText) -> None:
        found = cedarpy.validate_policies(text.whole, self.schema, release_gil=True)
        sleeping = {rule.key for rule in self.asleep}
        problems = [
            self._problem(error.policy_id, error.error)
            for error in found.errors
            if error.policy_id not in sleeping
        ]
        if problems or (not found.validation_passed and not found.errors):
            raise NotConfigured("; ".join(problems) or "the policies do not validate")

    def _problem(self, key: str, error: str) -> str:
        rule = self.rules.get(key)
        said = _one_line(error).removeprefix(f"for policy `{key}`, ")
        return f"{rule.words if rule else 'the policies'} does not validate: {said}"


def _only(text: PolicyText, rules: Mapping[str, Rule]) -> cedarpy.PolicySet:
    whole = json.loads(cedarpy.policies_to_json_str(text.whole))
    kept = {key: policy for key, policy in whole["staticPolicies"].items() if key in rules}
    return cedarpy.PolicySet.from_json_str(json.dumps(whole | {"staticPolicies": kept}))


def _one_line(error: object) -> str:
    return " ".join(str(error).split())[:MAX_SAID]
