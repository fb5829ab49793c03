"""Arguments as Cedar types them: from JSON Schema to Cedar types, and values that fit those.

Cedar has text, 64-bit integers, booleans, sets and records. What JSON Schema can say beyond that
(numbers with fractions, objects with free names, alternatives) becomes one text: its canonical
JSON. A rule can then still ask whether it is there, and compare it whole or by `like`.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from pydantic import JsonValue

RESERVED = frozenset({"__entity", "__extn", "__expr"})
"""Names by which Cedar's JSON says that a value is an entity or an extension."""
MOST_DEEP = 6
_PLAIN: dict[str, Literal["String", "Long", "Boolean"]] = {
    "string": "String",
    "integer": "Long",
    "boolean": "Boolean",
}
_AMBIGUOUS = ("allOf", "oneOf", "not", "if", "patternProperties", "prefixItems", "dependentSchemas")


@dataclass(frozen=True)
class CedarType:
    """One type; `Json` is a String that holds canonical JSON."""

    kind: Literal["String", "Long", "Boolean", "Set", "Record", "Json"]
    element: "CedarType | None" = None
    attributes: Mapping[str, "CedarType"] = field(default_factory=dict)
    required: frozenset[str] = frozenset()

    def described(self) -> dict[str, JsonValue]:
        """The type as Cedar's JSON schema says it."""
        if self.kind == "Set" and self.element is not None:
            return {"type": "Set", "element": self.element.described()}
        if self.kind == "Record":
            attributes: dict[str, JsonValue] = {
                name: {**inner.described(), "required": name in self.required}
                for name, inner in self.attributes.items()
            }
            return {"type": "Record", "attributes": attributes}
        return {"type": "String" if self.kind == "Json" else self.kind}

    def value(self, given: JsonValue) -> JsonValue:
        """The value as Cedar takes it; nulls are left out, and what does not fit stays as it is.

        Cedar itself refuses what does not fit.
        """
        if self.kind == "Json":
            return json.dumps(given, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
        if self.kind == "Set" and isinstance(given, list) and self.element is not None:
            return [self.element.value(one) for one in given]
        if self.kind == "Record" and isinstance(given, dict):
            return {
                name: self.attributes[name].value(one) if name in self.attributes else one
                for name, one in given.items()
                if one is not None or self._takes_null(name)
            }
        return given

    def _takes_null(self, name: str) -> bool:
        # An optional attribute that is null is not there; a required one is Cedar's to refuse.
        return name in self.required


def arguments_type(schema: Mapping[str, JsonValue]) -> CedarType | None:
    """The record of a tool's arguments by its input schema; None for one that Cedar cannot say."""
    definitions = schema.get("$defs")
    known = definitions if isinstance(definitions, dict) else {}
    found = _record(dict(schema) | {"additionalProperties": False}, known, depth=0)
    return None if found.kind != "Record" or _has_reserved(found) else found


def _has_reserved(kind: CedarType) -> bool:
    inner = [*kind.attributes.values(), *([kind.element] if kind.element else [])]
    return bool(RESERVED & set(kind.attributes)) or any(_has_reserved(one) for one in inner)


def _type(schema: JsonValue, known: Mapping[str, JsonValue], *, depth: int) -> CedarType:
    schema, _ = without_null(resolved(schema, known))
    if depth > MOST_DEEP or not isinstance(schema, dict):
        return CedarType("Json")
    if any(word in schema for word in (*_AMBIGUOUS, "anyOf", "$ref")):
        return CedarType("Json")
    named = _named_type(schema)
    if named in _PLAIN:
        return CedarType(_PLAIN[named])
    if named == "array":
        element = _type(schema.get("items", {}), known, depth=depth + 1)
        return CedarType("Set", element=element)
    if named == "object":
        return _record(schema, known, depth=depth)
    return CedarType("Json")


def _record(
    schema: dict[str, JsonValue], known: Mapping[str, JsonValue], *, depth: int
) -> CedarType:
    properties = schema.get("properties", {})
    is_open = schema.get("additionalProperties", False) is not False or not isinstance(
        properties, dict
    )
    if is_open or (depth and not properties) or any(word in schema for word in _AMBIGUOUS):
        return CedarType("Json")
    required = schema.get("required")
    names = {str(name) for name in required} if isinstance(required, list) else set()
    attributes = {}
    for name, inner in properties.items() if isinstance(properties, dict) else ():
        attributes[name] = _type(inner, known, depth=depth + 1)
        if without_null(resolved(inner, known))[1]:
            names.discard(name)
    return CedarType("Record", attributes=attributes, required=frozenset(names & set(attributes)))


def _named_type(schema: Mapping[str, JsonValue]) -> str:
    named = schema.get("type")
    if isinstance(named, str):
        return named
    values = schema["enum"] if "enum" in schema else [schema.get("const")]
    is_text = isinstance(values, list) and values and all(isinstance(one, str) for one in values)
    return "string" if named is None and is_text else ""


def resolved(schema: JsonValue, known: Mapping[str, JsonValue]) -> JsonValue:
    """The schema that a `$ref` stands for; an empty one where that goes in circles."""
    for _ in range(MOST_DEEP):
        if not isinstance(schema, dict) or not isinstance(schema.get("$ref"), str):
            return schema
        schema = known.get(str(schema["$ref"]).removeprefix("#/$defs/"), {})
    return {}


def without_null(schema: JsonValue) -> tuple[JsonValue, bool]:
    """The schema of what is not null, and whether null was allowed."""
    if not isinstance(schema, dict):
        return schema, False
    named, choices = schema.get("type"), schema.get("anyOf")
    if isinstance(named, list) and "null" in named:
        others = [one for one in named if one != "null"]
        return schema | {"type": others[0] if len(others) == 1 else list(others)}, True
    if isinstance(choices, list) and {"type": "null"} in choices:
        rest = [one for one in choices if one != {"type": "null"}]
        plain = {name: value for name, value in schema.items() if name != "anyOf"}
        if len(rest) == 1 and isinstance(rest[0], dict):
            return plain | rest[0], True
        return plain | {"anyOf": rest}, True
    return schema, False
