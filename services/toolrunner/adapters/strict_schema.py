"""JSON Schema by jsonschema; a reference to another document is never followed.

Schemas come from servers and arguments from a model, and this runs on the event loop: patterns are
RE2's, in linear time, and a check that takes too many steps is given up.
"""

import json
from collections.abc import Callable, Iterator, Mapping
from contextvars import ContextVar
from itertools import islice
from typing import Any

import re2
from jsonschema import Draft202012Validator
from jsonschema.exceptions import SchemaError, ValidationError
from jsonschema.validators import extend
from pydantic import JsonValue
from referencing import Registry
from referencing.exceptions import Unresolvable

MOST_STEPS = 20_000
MOST_ERRORS = 50
MOST_MEMORY = 1024 * 1024
_COMPARED = ("const", "default", "enum", "examples")
_steps: ContextVar[Iterator[int]] = ContextVar("_steps")
Errors = Iterator[ValidationError]
Keyword = Callable[..., Errors | None]
"""Called with validator, the keyword's value, instance and schema."""


class _TooMuch(Exception):
    """The check takes more steps than it may."""


def _compiled(pattern: str) -> Any:
    # google-re2 keeps compiled patterns itself.
    options = re2.Options()
    options.max_mem, options.log_errors = MOST_MEMORY, False
    return re2.compile(pattern, options)


def _pattern(validator: Any, pattern: Any, *held: Any) -> Errors:
    instance, _ = held
    if validator.is_type(instance, "string") and not _compiled(pattern).search(instance):
        yield ValidationError(f"{instance!r} does not match {pattern!r}")


def _pattern_properties(validator: Any, patterns: Any, *held: Any) -> Errors:
    instance, _ = held
    for pattern, schema in patterns.items() if validator.is_type(instance, "object") else ():
        for name in filter(_compiled(pattern).search, instance):
            yield from validator.descend(instance[name], schema, path=name, schema_path=pattern)


def _additional(validator: Any, further: Any, *held: Any) -> Errors:
    instance, schema = held
    if not validator.is_type(instance, "object"):
        return
    patterns = [_compiled(pattern) for pattern in schema.get("patternProperties", ())]
    for name in instance:
        if name in schema.get("properties", ()) or any(one.search(name) for one in patterns):
            continue
        if further is False:
            problem = f"Additional properties are not allowed ({name!r} was unexpected)"
            yield ValidationError(problem)
        else:
            yield from validator.descend(instance[name], further, path=name)


def _unique(validator: Any, wanted: Any, *held: Any) -> Errors:
    instance, _ = held
    is_asked = wanted and validator.is_type(instance, "array")
    if is_asked and len({json.dumps(one, sort_keys=True) for one in instance}) < len(instance):
        yield ValidationError(f"{instance!r} has non-unique elements")


def _counted(keyword: Keyword) -> Keyword:
    def check(validator: Any, value: Any, *held: Any) -> Errors:
        if next(_steps.get(), None) is None:
            raise _TooMuch
        yield from keyword(validator, value, *held) or ()

    return check


_OURS: dict[str, Keyword] = {
    "pattern": _pattern,
    "patternProperties": _pattern_properties,
    "additionalProperties": _additional,
    "uniqueItems": _unique,
}
_KEYWORDS: dict[str, Keyword] = {**Draft202012Validator.VALIDATORS, **_OURS}
_extend: Any = extend
_Validator: Any = _extend(
    Draft202012Validator, {name: _counted(check) for name, check in _KEYWORDS.items()}
)


class StrictSchema:
    """Checks arguments against a tool's schema."""

    def problem(self, schema: Mapping[str, JsonValue], arguments: Mapping[str, JsonValue]) -> str:
        """The worst problem in one sentence, empty when the arguments fit."""
        validator = _Validator(schema, registry=Registry())
        _steps.set(iter(range(MOST_STEPS)))
        try:
            each = islice(validator.iter_errors(arguments), MOST_ERRORS)
            found = sorted(each, key=lambda error: [str(part) for part in error.path])
        except Unresolvable as error:
            return f"the tool's schema refers to what is not in it: {error}"
        except (_TooMuch, RecursionError):
            return "they take too many steps to check against the tool's schema"
        except re2.error:
            return "the tool's schema has a pattern that is not RE2's"
        return _sentence(found[0]) if found else ""

    def schema_problem(self, schema: Mapping[str, JsonValue]) -> str:
        """Why this is no schema, or none that can be checked; empty when it is one."""
        try:
            Draft202012Validator.check_schema(schema)
        except SchemaError as error:
            return f"its schema is none: {error.message[:200]}"
        except RecursionError:
            return "its schema is nested too deep"
        return _pattern_problem(schema)


def _pattern_problem(schema: Mapping[str, JsonValue]) -> str:
    left: list[JsonValue] = [dict(schema)]
    named: set[str] = set()
    while left:
        part = left.pop()
        if isinstance(part, list):
            left += part
        elif isinstance(part, dict):
            left += [value for name, value in part.items() if name not in _COMPARED]
            named |= set(part)
            if problem := _not_linear(_patterns(part)):
                return problem
    if {"patternProperties", "unevaluatedProperties"} <= named:
        return "its schema has patternProperties beside unevaluatedProperties"
    return ""


def _patterns(part: Mapping[str, JsonValue]) -> list[str]:
    own, named = part.get("pattern"), part.get("patternProperties")
    found = [own] if isinstance(own, str) else []
    return [*found, *(named if isinstance(named, dict) else ())]


def _not_linear(patterns: list[str]) -> str:
    for pattern in patterns:
        try:
            _compiled(pattern)
        except re2.error:
            return f"its schema has a pattern that is not RE2's: {pattern[:100]!r}"
    return ""


def _sentence(error: ValidationError) -> str:
    where = ".".join(str(part) for part in error.absolute_path)
    return f"{where}: {error.message}"[:300] if where else error.message[:300]
