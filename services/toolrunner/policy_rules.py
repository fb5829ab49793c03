"""Rules as the linter and the reasons need them: who they are, and which tools they are about."""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Literal

from pydantic import JsonValue

from services.toolrunner.policy_conditions import narrows
from services.toolrunner.policy_schema import GROUPS, Action

_ID = re.compile(r"^[A-Za-z0-9._-]{1,64}$")
MAX_REASON = 300
Fields = Mapping[str, JsonValue]


@dataclass(frozen=True)
class Rule:
    """One Cedar policy, without its conditions; `key` is what Cedar calls it."""

    key: str
    file: str
    id: str
    reason: str
    effect: Literal["permit", "forbid"]
    actions: tuple[str, ...] | None
    """The tools and groups that its head names; None: any."""
    resource_type: str = ""
    """The type of resource that its head names; empty: any."""
    has_conditions: bool = False
    says_which: bool = False
    """Its head names one resource, or a condition asks about resource or context."""
    is_template: bool = False
    is_single: bool = False
    """Its head names tools one by one, and no group."""
    names_resource: bool = False
    """Its head names one resource."""
    entities: tuple[tuple[str, str], ...] = ()
    """Type and name of every entity that it names, in head or conditions."""

    @property
    def words(self) -> str:
        """The rule in words, for a sentence about it."""
        return f"{self.file}: rule `{self.id}`" if self.id else f"{self.file}: a rule"

    def is_about(self, action: Action) -> bool:
        """Whether its head lets it decide about that tool, for some resource."""
        named = self.actions is None or bool({action.tool, *action.groups} & set(self.actions))
        return named and (not self.resource_type or self.resource_type in action.resources)


def rules_of(policies: Fields, *, files: Mapping[str, str]) -> list[Rule]:
    """The rules of a policy set as Cedar's JSON; `files` names the file of each key."""
    found = []
    for part, is_template in (("staticPolicies", False), ("templates", True)):
        each = policies.get(part)
        for key, policy in each.items() if isinstance(each, dict) else ():
            if isinstance(policy, dict):
                found.append(_rule(key, policy, file=files.get(key, ""), template=is_template))
    return sorted(found, key=lambda rule: int(rule.key.removeprefix("policy")))


def _rule(key: str, policy: Fields, *, file: str, template: bool) -> Rule:
    notes = _fields(policy.get("annotations"))
    actions, is_single = _actions(_fields(policy.get("action")))
    conditions = policy.get("conditions")
    each = conditions if isinstance(conditions, list) else []
    head = _fields(policy.get("resource"))
    return Rule(
        key=key,
        file=file,
        id=str(notes.get("id") or ""),
        reason=" ".join(str(notes.get("reason") or "").split()),
        effect="permit" if policy.get("effect") == "permit" else "forbid",
        actions=actions,
        resource_type=_resource_type(head),
        has_conditions=any(map(_says_something, each)),
        says_which=_names_one(head) or any(narrows(_fields(one).get("body")) for one in each),
        is_template=template,
        is_single=is_single,
        names_resource=_names_one(head),
        entities=tuple(sorted(set(_entities(policy)))),
    )


def _fields(value: JsonValue) -> Fields:
    return value if isinstance(value, dict) else {}


def _entities(policy: Fields) -> Iterator[tuple[str, str]]:
    left: list[JsonValue] = [dict(policy)]
    while left:
        value = left.pop()
        if isinstance(value, dict):
            kind, name = value.get("type"), value.get("id")
            if isinstance(kind, str) and isinstance(name, str):
                yield kind, name
            left += value.values()
        elif isinstance(value, list):
            left += value


def _says_something(condition: JsonValue) -> bool:
    always = {"when": True, "unless": False}.get(str(_fields(condition).get("kind")))
    return _fields(condition).get("body") != {"Value": always}


def _actions(head: Fields) -> tuple[tuple[str, ...] | None, bool]:
    if head.get("op") == "All":
        return None, False
    many = head.get("entities")
    each = many if isinstance(many, list) else [head.get("entity")]
    names = tuple(str(_fields(one).get("id")) for one in each)
    return names, all("__" in name or name == "read_result" for name in names)


def _names_one(head: Fields) -> bool:
    return "entity" in head or "in" in head


def _resource_type(head: Fields) -> str:
    named = head.get("entity_type") or _fields(head.get("entity")).get("type")
    return str(named or "")


def lint(rules: Iterable[Rule]) -> Iterator[str]:
    """What is wrong with rules whatever tools there are, a sentence each."""
    seen: dict[str, str] = {}
    for rule in rules:
        yield from _wrong_notes(rule)
        if rule.id and rule.id in seen:
            yield f"{rule.words} has the @id of another one in {seen[rule.id]}"
        seen.setdefault(rule.id, rule.file)
        if rule.is_template:
            yield f"{rule.words} is a template (?principal, ?resource), which nobody would fill in"
        elif rule.effect == "permit":
            yield from _too_wide(rule)


def _wrong_notes(rule: Rule) -> Iterator[str]:
    if not rule.id:
        yield f"{rule.words} ({rule.key.replace('policy', 'number ', 1)}) has no @id"
    elif not _ID.match(rule.id):
        yield f"{rule.words}: an @id is 1 to 64 of A-Z a-z 0-9 . _ -"
    if not rule.reason:
        yield f"{rule.words} has no @reason, the sentence that the model is told"
    elif len(rule.reason) > MAX_REASON:
        yield f"{rule.words}: its @reason is longer than {MAX_REASON} characters"


def _too_wide(rule: Rule) -> Iterator[str]:
    if rule.actions is None:
        yield f"{rule.words} permits every tool: name tools, or a group such as `read`"
    elif not rule.says_which:
        yield (
            f"{rule.words} does not say which resource it permits: name one (`resource == ...`),"
            " or ask about `resource` or `context` in a condition that is not always true"
        )


def lint_actions(rules: Iterable[Rule], actions: Mapping[str, Action]) -> Iterator[str]:
    """What is wrong with rules for those tools: a tool that is not there, one that changes things.

    A server of which no tool is known may still come; names of its tools are no mistakes.
    """
    servers = {action.server for action in actions.values()}
    for rule in rules:
        for name in rule.actions or ():
            if _is_unknown(name, servers=servers, actions=actions):
                yield f"{rule.words} names `{name}`: there is no such tool or group"
            elif rule.effect == "permit" and (tools := _changing(name, actions)):
                said = ", ".join(sorted(tools)[:5])
                yield f"{rule.words} permits `{name}`, which changes things: {said}"


def lint_groups(groups: Iterable[str], tools: Iterable[str]) -> Iterator[str]:
    """What is wrong with the tools that `groups` of the settings names; a server may still come."""
    known = set(tools)
    servers = {name.partition("__")[0] for name in known}
    for name in groups:
        if name not in known and ("__" not in name or name.partition("__")[0] in servers):
            yield f"settings.yaml: groups: there is no tool `{name[:80]}`"


def _is_unknown(name: str, *, servers: set[str], actions: Mapping[str, Action]) -> bool:
    if name in actions or name in GROUPS:
        return False
    if "__" in name:
        return name.partition("__")[0] in servers
    return ":" in name and name.partition(":")[2] not in GROUPS


def _changing(name: str, actions: Mapping[str, Action]) -> list[str]:
    """Tools that change something, or the group of those, among what a name stands for."""
    if name.partition(":")[2] in GROUPS[1:] or name in GROUPS[1:]:
        return [name]
    named = (action for action in actions.values() if name in {action.tool, *action.groups})
    return [action.tool for action in named if action.group != "read"]


def is_asleep(rule: Rule, actions: Mapping[str, Action]) -> bool:
    """Whether the rule is about no tool that was reviewed, so that it can decide nothing."""
    if rule.is_single:
        return not set(rule.actions or ()) & set(actions)
    return rule.actions is not None and not any(rule.is_about(one) for one in actions.values())


def strangers(rules: Iterable[Rule], actions: Mapping[str, Action]) -> list[str]:
    """Names in rules of tools and groups that may come later with their server."""
    named = {name for rule in rules for name in rule.actions or ()}
    known = {group for action in actions.values() for group in action.groups}
    return sorted(named - set(actions) - known - set(GROUPS))
