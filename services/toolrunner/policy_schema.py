"""The Cedar schema of the tools, and requests that fit it: generated from their definitions.

One action per tool, `<server>__<tool>`, in the groups of its kind (`read`, `external_write`,
`mutate`), of its server (`kubernetes`), and of both (`kubernetes:read`). Its context is `input`,
the typed arguments, and `facts`, which the toolrunner alone sets.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Literal

from pydantic import JsonValue

from services.toolrunner.policy import Facts, Scope
from services.toolrunner.policy_resource import (
    KINDS,
    TYPES,
    Resource,
    ResourceRule,
    ResourceType,
    resource_types,
    server_of,
)
from services.toolrunner.policy_types import CedarType, arguments_type
from services.toolrunner.ports import Tool

Group = Literal["read", "external_write", "mutate"]
GROUPS: tuple[Group, ...] = ("read", "external_write", "mutate")
AGENT: dict[str, JsonValue] = {"type": "Agent", "id": "diagnoser"}
ROLE: dict[str, JsonValue] = {"type": "Role", "id": "diagnoser"}
_TEXT, _WHOLE, _FLAG = CedarType("String"), CedarType("Long"), CedarType("Boolean")
_FACTS = {
    "pinned": _FLAG,
    "calls_used": _WHOLE,
    "calls_allowed": _WHOLE,
    "seconds_left": _WHOLE,
    "repeated": _FLAG,
    "namespaces": CedarType("Set", element=_TEXT),
    "repository": _TEXT,
}
FACTS = CedarType("Record", attributes=_FACTS, required=frozenset(_FACTS))


@dataclass(frozen=True)
class Action:
    """What the policy knows of one tool."""

    tool: str
    group: Group
    input: CedarType
    resources: tuple[ResourceType, ...]

    @property
    def server(self) -> str:
        """The server that offers it."""
        return server_of(self.tool)

    @property
    def groups(self) -> frozenset[str]:
        """Every action group that it is in."""
        # A tool of our own is on no server.
        shared = {self.server, f"{self.server}:{self.group}"} if "__" in self.tool else set()
        return frozenset({self.group, *shared})


@dataclass(frozen=True)
class Reading:
    """How an operator reads tools: the resource rule of a server, the group of a tool."""

    resources: Mapping[str, ResourceRule]
    groups: Mapping[str, Group]
    said: frozenset[str] = frozenset()
    """Servers whose resource rule the settings say; the others are those that we know."""


def actions_of(tools: Iterable[Tool], reading: Reading) -> dict[str, Action]:
    """An action for each tool whose arguments Cedar can say; the others are never permitted."""
    found = {}
    for tool in tools:
        kind = arguments_type(tool.input_schema)
        if kind is not None:
            group = reading.groups.get(tool.name, "read" if tool.read_only else "mutate")
            rule = reading.resources.get(server_of(tool.name))
            types = resource_types(kind.attributes, required=kind.required, rule=rule)
            found[tool.name] = Action(tool.name, group, kind, types)
    return found


def schema_of(actions: Mapping[str, Action], *, names: Iterable[str] = ()) -> dict[str, JsonValue]:
    """The schema as Cedar's JSON. `names`: action names that are declared, and apply to nothing."""
    declared: dict[str, JsonValue] = {name: {} for name in (*names, *GROUPS)}
    for server in sorted({action.server for action in actions.values() if "__" in action.tool}):
        declared |= {server: {}}
        for group in GROUPS:
            declared[f"{server}:{group}"] = {"memberOf": [{"id": group}, {"id": server}]}
    for action in actions.values():
        declared[action.tool] = _declared(action)
    return {"": {"entityTypes": _entity_types(), "actions": declared}}


def _declared(action: Action) -> dict[str, JsonValue]:
    context = CedarType(
        "Record",
        attributes={"input": action.input, "facts": FACTS},
        required=frozenset({"input", "facts"}),
    )
    return {
        "memberOf": [{"id": name} for name in sorted(action.groups)],
        "appliesTo": {
            "principalTypes": ["Agent"],
            "resourceTypes": list(action.resources),
            "context": context.described(),
        },
    }


def _entity_types() -> dict[str, JsonValue]:
    types: dict[str, JsonValue] = {"Role": {}, "Agent": {"memberOfTypes": ["Role"]}}
    for kind in TYPES:
        attributes = {"name": _TEXT, "lower": _TEXT} | (
            {"configured": _FLAG} if kind in KINDS else {}
        )
        record = CedarType("Record", attributes=attributes, required=frozenset(attributes))
        types[kind] = {"shape": record.described()}
    return types


@dataclass(frozen=True)
class Request:
    """One question to Cedar, with the entities that it is about."""

    question: dict[str, JsonValue]
    entities: list[dict[str, JsonValue]]


def request_of(
    action: Action,
    arguments: Mapping[str, JsonValue],
    *,
    resource: Resource,
    facts: Facts,
    scope: Scope,
) -> Request:
    """Whether our agent may do that with those arguments, as Cedar asks it."""
    uid: dict[str, JsonValue] = {"type": resource.kind, "id": resource.name}
    attributes: dict[str, JsonValue] = {"name": resource.name, "lower": resource.lower}
    if resource.kind in KINDS:
        attributes["configured"] = resource.configured
    known: dict[str, JsonValue] = {
        "pinned": facts.pinned,
        "calls_used": facts.calls_used,
        "calls_allowed": facts.calls_allowed,
        "seconds_left": facts.seconds_left,
        "repeated": facts.repeated,
        "namespaces": list(scope.namespaces),
        "repository": scope.repository,
    }
    return Request(
        question={
            "principal": AGENT,
            "action": {"type": "Action", "id": action.tool},
            "resource": uid,
            "context": {"input": action.input.value(dict(arguments)), "facts": known},
        },
        entities=[
            {"uid": uid, "attrs": attributes, "parents": []},
            {"uid": AGENT, "attrs": {}, "parents": [ROLE]},
            {"uid": ROLE, "attrs": {}, "parents": []},
        ],
    )
