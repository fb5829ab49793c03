"""Names in rules and settings that fit nothing: a rule about them never applies.

A `permit` like that permits nothing. A `forbid` forbids nothing, and nobody would see it.
"""

import difflib
import re
from collections.abc import Collection, Iterable, Iterator, Mapping

from services.toolrunner.policy_resource import KINDS, ResourceRule, known_rules, server_of
from services.toolrunner.policy_rules import Rule
from services.toolrunner.policy_schema import AGENT, GROUPS, Action

_ALIKE = 0.8
_AGENTS = ("Agent", "Role")
_SEPARATORS = re.compile(r"[-_]+")


def lint_entities(rules: Iterable[Rule]) -> Iterator[str]:
    """What is wrong with agents and resources that rules name, whatever tools there are."""
    for rule in rules:
        for kind, name in rule.entities:
            shown = f'{rule.words} names {kind}::"{name[:80]}"'
            if kind in _AGENTS and name != AGENT["id"]:
                yield f"{shown}: the only agent is `{AGENT['id']}`, so that it would never apply"
            elif kind in KINDS and "*" in name:
                yield (
                    f"{shown}, which is that very name: for all that begin so,"
                    ' ask `resource.name like "..."`'
                )
            elif kind == "Repository" and name != name.lower():
                yield f"{shown}: repositories are named in lower case, so that it would never apply"


def lint_forbids(rules: Iterable[Rule], actions: Mapping[str, Action]) -> Iterator[str]:
    """`forbid` rules about a server that is a known one misspelt, or that cannot be a server's."""
    for rule, name in _unknown_in_forbids(rules, actions):
        if not name.isascii():
            yield f"{rule.words} forbids `{name}`, which holds a letter that no tool's name has"
        elif near := like(_server(name), _servers(actions)):
            yield f"{rule.words} forbids `{name}`, of which no tool is known: `{near}` is"


def unknown_names(
    rules: Iterable[Rule], actions: Mapping[str, Action], *, resources: Iterable[str]
) -> Iterator[str]:
    """What may be a mistake, or of a server that comes later: names in `forbid` and `resources`."""
    for rule, name in _unknown_in_forbids(rules, actions):
        yield f"{rule.words} forbids `{name}`, of which no tool is known, so that it never applies"
    for server in sorted(set(resources) - _servers(actions)):
        yield f"settings.yaml: resources: no tool of a server `{server[:80]}` is known"


def lint_resources(
    resources: Mapping[str, ResourceRule], actions: Mapping[str, Action]
) -> Iterator[str]:
    """Resource rules whose arguments no tool of their server has; a server may still come."""
    for server, rule in resources.items():
        has = [set(one.input.attributes) for one in actions.values() if one.server == server]
        if has and not any(set(rule.arguments) <= names for names in has):
            said = " and ".join(f"`{name[:80]}`" for name in rule.arguments)
            yield f"settings.yaml: resources: no tool of `{server}` has the argument {said}"


def like(name: str, known: Collection[str]) -> str:
    """The known name of which this one seems to be a misspelling; empty when of none.

    Siblings are not: `cluster1` and `cluster2`, or `prod-eu` and `prod-us`.
    """
    cased = [one for one in sorted(known) if one.lower() == name.lower()]
    alike = difflib.get_close_matches(name, sorted(known), cutoff=_ALIKE)
    return next(iter([*cased, *(one for one in alike if _is_misspelt(name, one))]), "")


def _is_misspelt(name: str, known: str) -> bool:
    """Whether each part in which they differ is close to the other's."""
    parts, others = _SEPARATORS.split(name), _SEPARATORS.split(known)
    changed = [pair for pair in zip(parts, others, strict=False) if len(set(pair)) > 1]
    same_length = len(parts) == len(others)
    return same_length and bool(changed) and all(_is_close(one, other) for one, other in changed)


def _is_close(part: str, known: str) -> bool:
    differ_in_letters = re.sub(r"\d+", "", part) != re.sub(r"\d+", "", known)
    return differ_in_letters and bool(difflib.get_close_matches(part, [known], cutoff=_ALIKE))


def _unknown_in_forbids(
    rules: Iterable[Rule], actions: Mapping[str, Action]
) -> Iterator[tuple[Rule, str]]:
    known = _servers(actions)
    for rule in rules:
        if rule.effect != "forbid":
            continue
        servers = [name for kind, name in rule.entities if kind == "Server"]
        for name in (*(rule.actions or ()), *servers):
            if name not in actions and name not in GROUPS and _server(name) not in known:
                yield rule, name


def _server(name: str) -> str:
    return server_of(name).partition(":")[0]


def _servers(actions: Mapping[str, Action]) -> set[str]:
    """Servers with a reviewed tool, and those that we know: their names are no mistakes."""
    return {action.server for action in actions.values()} | set(known_rules(foreign=False))
