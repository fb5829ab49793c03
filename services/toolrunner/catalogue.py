"""The catalogue: which tools the model is offered, as canonical JSON in a fixed order."""

import hashlib
import json
import logging
import re
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, replace
from functools import cached_property

from pydantic import JsonValue

from bus.cleaning import clean
from services.toolrunner.policy import Gate
from services.toolrunner.ports import SchemaCheck, Tool
from services.toolrunner.result_pages import (
    READ_RESULT,
    READ_RESULT_DESCRIPTION,
    READ_RESULT_SCHEMA,
)

log = logging.getLogger(__name__)
MAX_DESCRIPTION = 2_000
_NAME = re.compile(r"^[A-Za-z0-9_-]{1,64}$")
OWN = Tool(READ_RESULT, READ_RESULT_DESCRIPTION, READ_RESULT_SCHEMA, read_only=True)


@dataclass(frozen=True)
class Catalogue:
    """One list of tools; the same tools always give the same text and hash."""

    text: str

    @cached_property
    def sha256(self) -> str:
        """The hash under which it is published."""
        return hashlib.sha256(self.text.encode()).hexdigest()

    @cached_property
    def schemas(self) -> Mapping[str, Mapping[str, JsonValue]]:
        """Each offered tool's input schema, by name."""
        return {tool["name"]: tool["input_schema"] for tool in json.loads(self.text)}

    @cached_property
    def read_only(self) -> frozenset[str]:
        """The tools whose server says that they change nothing.

        In a catalogue of a release that did not say so, only our own.
        """
        said = (tool["name"] for tool in json.loads(self.text) if tool.get("read_only") is True)
        return frozenset({READ_RESULT, *said})


def catalogue_of(tools: Iterable[Tool], gate: Gate, *, check: SchemaCheck) -> Catalogue:
    """The catalogue of those tools that the policy could permit; `tools` may hold `OWN`.

    A tool whose name is too long, odd or given twice, or whose schema is none, is left out; a log
    line says so.
    """
    allowed = [tool for tool in tools if gate.may_offer(tool.name)]
    times = Counter(tool.name for tool in allowed)
    offered = []
    for tool in allowed:
        schema = strict(tool.input_schema)
        if problem := _problem(tool, times[tool.name], schema_problem=check.schema_problem(schema)):
            log.error("tool %s is not offered: %s", tool.name[:100], problem)
            continue
        description = clean(tool.description)[:MAX_DESCRIPTION]
        offered.append(replace(tool, description=description, input_schema=schema))
    listed = [asdict(tool) for tool in sorted(offered, key=lambda tool: tool.name)]
    return Catalogue(canonical(listed))


def canonical(value: object) -> str:
    """JSON with sorted keys and no spaces. Raises ValueError for what JSON cannot say."""
    return json.dumps(
        value, ensure_ascii=False, sort_keys=True, separators=(",", ":"), allow_nan=False
    )


def strict(schema: Mapping[str, JsonValue]) -> dict[str, JsonValue]:
    """The schema with unknown arguments refused, also in inner objects that list properties."""
    closed = _closed(dict(schema))
    return closed | {"type": "object", "additionalProperties": False}


def _closed(schema: dict[str, JsonValue]) -> dict[str, JsonValue]:
    properties = schema.get("properties")
    if isinstance(properties, dict):
        inner = {name: _closed_value(value) for name, value in properties.items()}
        schema = {"additionalProperties": False} | schema | {"properties": inner}
    if "items" in schema:
        schema = schema | {"items": _closed_value(schema["items"])}
    return schema


def _closed_value(value: JsonValue) -> JsonValue:
    return _closed(value) if isinstance(value, dict) else value


def _problem(tool: Tool, times: int, *, schema_problem: str) -> str:
    if not _NAME.match(tool.name):
        return "its name is longer than 64 characters or holds others than A-Z a-z 0-9 _ -"
    if times > 1:
        return "two tools have that name"
    return schema_problem
