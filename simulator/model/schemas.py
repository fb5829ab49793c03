"""What the API asks of a tool's schema beyond that it describes an object."""

import json
import re
from collections.abc import Iterator
from functools import lru_cache

from jsonschema import Draft202012Validator, SchemaError

from simulator.model.refusal import Refused
from simulator.model.shapes import Prompt

_COMBINED = ("oneOf", "allOf", "anyOf")
_KEY = re.compile(r"^[a-zA-Z0-9_.-]{1,64}$")


def check_schemas(prompt: Prompt) -> None:
    """Every tool's schema can be used. Raises Refused naming the first that cannot."""
    for position, tool in enumerate(prompt.tools):
        text = json.dumps(tool.input_schema.model_dump(exclude_none=True), sort_keys=True)
        wrong = _wrong(text)
        if wrong:
            raise Refused(f"tools.{position}.custom.input_schema: {wrong}")


@lru_cache(maxsize=512)
def _wrong(text: str) -> str:
    """What is wrong with a schema; the same few come with every request."""
    schema = json.loads(text)
    if any(name in schema for name in _COMBINED):
        return "input_schema does not support oneOf, allOf, or anyOf at the top level"
    try:
        Draft202012Validator.check_schema(schema)
    except SchemaError:
        return (
            "JSON schema is invalid. It must match JSON Schema draft 2020-12 "
            "(https://json-schema.org/draft/2020-12)."
        )
    bad = next((key for key in _keys(schema) if not _KEY.match(key)), None)
    return "" if bad is None else f"Property keys should match pattern '{_KEY.pattern}': {bad!r}"


def _keys(schema: object) -> Iterator[str]:
    """The names of all properties, at every depth."""
    if isinstance(schema, list):
        for part in schema:
            yield from _keys(part)
    if not isinstance(schema, dict):
        return
    properties = schema.get("properties")
    if isinstance(properties, dict):
        yield from properties
    for name, part in schema.items():
        if name not in ("enum", "const", "default", "examples"):
            yield from _keys(part)
