"""What the model is told of a tool: its name, its words, and a schema that is short to read.

Every request holds all tools, so what the model can do without is left out: bounds, empty defaults,
and the type of a string (the system prompt says that what has no type is one). The toolrunner
checks arguments against the whole schema and refuses in a sentence that names the bound.
"""

import json
from collections.abc import Mapping
from typing import TypeAlias

from pydantic import JsonValue

from services.reasoner.transcript import Block

Schema: TypeAlias = dict[str, JsonValue]
LEFT_OUT = (
    *("title", "$comment", "$schema", "minLength", "maxLength", "minimum", "maximum", "pattern"),
    *("format", "minItems", "maxItems"),
)
"""Keywords that the model is not told: words for people, and bounds."""
_NOTHING = ('""', "0", "1", "false", "null")
"""Defaults that go without saying, as JSON."""
_NULL = {"type": "null"}


def offered(tool: Mapping[str, JsonValue]) -> Block:
    """The tool as a request names it; the same bytes for the same published tool.

    Raises KeyError or TypeError where it is no tool.
    """
    schema = tool["input_schema"]
    if not isinstance(schema, dict):
        raise TypeError("an input schema is an object")
    return {
        "name": tool["name"],
        "description": str(tool["description"]),
        "input_schema": {**_told(schema), "type": "object"},
    }


def compact(value: object) -> str:
    """JSON without spaces, keys in the order given."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def _told(schema: Schema) -> Schema:
    """A schema for reading; names of arguments stay, whatever they are."""
    told = {name: value for name, value in schema.items() if name not in LEFT_OUT}
    if told.get("additionalProperties") is False:
        del told["additionalProperties"]
    if "default" in told and compact(told["default"]) in _NOTHING:
        del told["default"]
    if told.get("type") == "string":
        del told["type"]
    properties = told.get("properties")
    if isinstance(properties, dict):
        told["properties"] = {name: _inner(value) for name, value in properties.items()}
    if "items" in told:
        told["items"] = _inner(told["items"])
    return told


def _inner(value: JsonValue) -> JsonValue:
    """A schema within one; of `X or null` it is X, for what may be null may be left out."""
    if not isinstance(value, dict):
        return value
    either = value.get("anyOf")
    if isinstance(either, list) and set(value) == {"anyOf"}:
        kept = [inner for inner in either if inner != _NULL]
        if len(kept) == 1:
            return _inner(kept[0])
        return {"anyOf": [_either(inner) for inner in either]}
    return _told(value)


def _either(value: JsonValue) -> JsonValue:
    """One of several: its type is what tells it from the others."""
    told = _inner(value)
    if isinstance(told, dict) and isinstance(value, dict) and value.get("type") == "string":
        return {"type": "string", **told}
    return told
