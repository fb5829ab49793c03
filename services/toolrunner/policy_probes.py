"""Questions that a `permit` has to answer with no: calls about what nobody configured.

Their resource has a name that nobody would write into a rule. Their arguments are made from the
tool's pinned schema: each value of an `enum`, both flags, small and large numbers, and texts that
nobody would write. A permit that allows one says neither which resource, nor which text.
"""

from collections.abc import Iterator, Mapping

from pydantic import JsonValue

from services.toolrunner.policy import Facts, Scope
from services.toolrunner.policy_resource import (
    WORDS,
    Resource,
    ResourceRule,
    ResourceType,
    server_of,
)
from services.toolrunner.policy_rules import Rule
from services.toolrunner.policy_schema import Action, Request, request_of
from services.toolrunner.policy_types import CedarType, resolved, without_null

NOBODY = "zq7x-nobody"
"""How the names begin that nobody would write into a rule."""
MOST_VALUES = 8
"""Of one `enum` that are tried."""
LARGE = 1_000_000
OCCASIONS = (
    Facts(pinned=True, calls_used=0, calls_allowed=40, seconds_left=240),
    Facts(pinned=True, calls_used=12, calls_allowed=40, seconds_left=100),
    Facts(pinned=True, calls_used=39, calls_allowed=40, seconds_left=1, repeated=True),
)
Fields = Mapping[str, JsonValue]


def probes(
    action: Action, schema: Fields, *, kind: ResourceType, rule: ResourceRule | None, scope: Scope
) -> Iterator[Request]:
    """Calls of the tool about a resource of that type, which nobody configured."""
    named = _named(kind, rule)
    resource = Resource(kind, "/".join(named.values()) or _nobody(kind))
    left_out = set(rule.arguments if rule else ()) - set(named) - action.input.required
    for arguments in typical_arguments(action.input, schema):
        given = {name: one for name, one in arguments.items() if name not in left_out} | named
        for facts in OCCASIONS:
            yield request_of(action, given, resource=resource, facts=facts, scope=scope)


def too_wide(rule: Rule, tool: str, *, kind: ResourceType) -> str:
    """What is wrong with a permit that allowed such a call, and how to narrow it."""
    said = f"{rule.words} permits {tool} on a {WORDS[kind]} that nobody configured"
    if kind == "Server":
        return f'{said}: name the server (`resource == Server::"{server_of(tool)}"`)'
    return (
        f"{said}: ask `resource.configured`, or name what is permitted"
        f' (`resource == {kind}::"..."`, `resource.name like "shop-*"`)'
    )


def _nobody(kind: ResourceType) -> str:
    return {"Repository": f"{NOBODY}/{NOBODY}", "LogGroup": f"/{NOBODY}/log"}.get(kind, NOBODY)


def _named(kind: ResourceType, rule: ResourceRule | None) -> dict[str, str]:
    """The arguments that hold the resource's name, by which the call is about it."""
    if rule is None or kind != rule.kind or not rule.arguments:
        return {}
    if len(rule.arguments) == 1:
        return {rule.arguments[0]: _nobody(kind)}
    return dict.fromkeys(rule.arguments, NOBODY)


def typical_arguments(kind: CedarType, schema: Fields) -> Iterator[dict[str, JsonValue]]:
    """Arguments that fit the schema, each value at least once: all of them, then required ones."""
    definitions, properties = schema.get("$defs"), schema.get("properties")
    known = definitions if isinstance(definitions, dict) else {}
    held = properties if isinstance(properties, dict) else {}
    values = {
        name: _values(one, without_null(resolved(held.get(name), known))[0], name=name)
        for name, one in kind.attributes.items()
    }
    for names in dict.fromkeys((frozenset(values), kind.required)):
        for k in range(max((len(values[name]) for name in names), default=1)):
            yield {name: values[name][k % len(values[name])] for name in sorted(names)}


def _values(kind: CedarType, schema: JsonValue, *, name: str) -> list[JsonValue]:
    said = schema if isinstance(schema, dict) else {}
    listed = said.get("enum", [said["const"]] if "const" in said else None)
    if isinstance(listed, list) and listed:
        return listed[:MOST_VALUES]
    if kind.kind == "Boolean":
        return [True, False]
    if kind.kind == "Long":
        return _numbers(said)
    if kind.kind == "Set" and kind.element is not None:
        return [_values(kind.element, said.get("items"), name=name), []]
    if kind.kind == "Record":
        inner = kind.attributes.items()
        return [{each: _values(one, None, name=each)[0] for each, one in inner}]
    return [f"{NOBODY}-{name}"]


def _numbers(schema: Fields) -> list[JsonValue]:
    least, most = schema.get("minimum"), schema.get("maximum")
    first = least if isinstance(least, int) else 0
    last = most if isinstance(most, int) else max(first, LARGE)
    return [first, (first + last) // 2, last]
