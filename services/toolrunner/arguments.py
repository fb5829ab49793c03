"""A call's arguments in their one canonical form, and limits that hold whatever the tool."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from pydantic import JsonValue

from services.toolrunner.catalogue import canonical

MAX_BYTES = 16_384
MOST_DEEP = 32
MOST_VALUES = 1_000
MOST_INTEGER = 2**63 - 1


@dataclass(frozen=True)
class Arguments:
    """Arguments as canonical JSON says them, that JSON, and why they have none."""

    values: Mapping[str, JsonValue]
    text: str
    problem: str = ""

    def types(self, schema: Mapping[str, JsonValue]) -> dict[str, str]:
        """The type of each argument that the schema names, and how many others there are.

        Values are left out, and so is a name that the model made up: it could be one.
        """
        properties = schema.get("properties")
        known = set(properties) if isinstance(properties, dict) else set()
        named = {name: _type(value) for name, value in self.values.items() if name in known}
        others = len(self.values) - len(named)
        return named | ({"(unknown)": str(others)} if others else {})


def canonical_arguments(given: Mapping[str, JsonValue]) -> Arguments:
    """The arguments with whole numbers as integers, however they were written.

    So equal calls are equal bytes. What cannot be said, or is too large, has a problem.
    """
    if problem := _too_much(given):
        return Arguments({}, "", problem)
    try:
        text = canonical(_plain(dict(given)))
        size = len(text.encode())
    except (ValueError, RecursionError) as error:
        return Arguments({}, "", f"not JSON: {error}")
    if size > MAX_BYTES:
        return Arguments({}, "", f"{size} bytes, more than {MAX_BYTES}")
    values = json.loads(text)
    if _has_huge(values):
        return Arguments(values, text, "an integer does not fit 64 bits")
    return Arguments(values, text)


def _too_much(given: Mapping[str, JsonValue]) -> str:
    """What is nested too deep, or too many values; found without going down itself."""
    level: list[JsonValue] = [dict(given)]
    count = 0
    for _ in range(MOST_DEEP + 1):
        level = [inner for outer in level for inner in _inside(outer)]
        count += len(level)
        if count > MOST_VALUES:
            return f"more than {MOST_VALUES} values"
        if not level:
            return ""
    return f"nested more than {MOST_DEEP} deep"


def _inside(value: JsonValue) -> Iterable[JsonValue]:
    if isinstance(value, dict):
        return value.values()
    return value if isinstance(value, list) else ()


def _plain(value: JsonValue) -> JsonValue:
    if isinstance(value, float) and value.is_integer():
        return int(value)
    if isinstance(value, dict):
        return {name: _plain(inner) for name, inner in value.items()}
    if isinstance(value, list):
        return [_plain(inner) for inner in value]
    return value


def _has_huge(value: JsonValue) -> bool:
    if isinstance(value, dict):
        return any(map(_has_huge, value.values()))
    if isinstance(value, list):
        return any(map(_has_huge, value))
    return isinstance(value, int) and not -MOST_INTEGER - 1 <= value <= MOST_INTEGER


def _type(value: JsonValue) -> str:
    if value is None:
        return "null"
    names = {bool: "boolean", int: "integer", float: "number", str: "string", list: "array"}
    return names.get(type(value), "object")
