"""Checking arguments costs little, whatever schema a server has and whatever a model sends."""

import json

import pytest
from pydantic import JsonValue

from services.toolrunner.adapters.strict_schema import StrictSchema
from services.toolrunner.arguments import canonical_arguments
from services.toolrunner.catalogue import catalogue_of
from services.toolrunner.ports import Tool
from tests.toolrunner.policies import Permits

CHECK = StrictSchema()
Schema = dict[str, JsonValue]


def of_text(**words: JsonValue) -> Schema:
    return {"properties": {"a": {"type": "string", **words}}}


def test_a_pattern_that_backtracks_forever_elsewhere_is_answered() -> None:
    """Seen: 6 s on the event loop for 27 characters; each further one doubled it."""
    text = "a" * 5_000 + "!"
    assert CHECK.problem(of_text(pattern="^(a+)+$"), {"a": text}).startswith("a: 'aaa")
    assert not CHECK.problem(of_text(pattern="^(a+)+$"), {"a": text[:-1]})
    named: Schema = {"patternProperties": {"^(a+)+$": {}}, "additionalProperties": False}
    assert CHECK.problem(named, {text: 1}).startswith("Additional properties are not allowed")
    assert not CHECK.problem(named, {text[:-1]: 1})


def test_pattern_properties_check_what_they_are_about() -> None:
    schema: Schema = {
        "properties": {"n": {"type": "integer"}},
        "patternProperties": {"^x-": {"type": "string"}},
        "additionalProperties": {"type": "boolean"},
    }
    assert not CHECK.problem(schema, {"n": 1, "x-a": "b", "other": True})
    for wrong in ({"n": "1"}, {"x-a": 1}, {"other": 1}):
        assert CHECK.problem(schema, dict(wrong))


@pytest.mark.parametrize(
    "schema",
    [
        of_text(pattern="(?=a)b"),
        of_text(pattern="("),
        {"properties": {"a": {"items": {"anyOf": [{"patternProperties": {r"(a)\1": {}}}]}}}},
        {"patternProperties": {"a": {}}, "unevaluatedProperties": False},
    ],
)
def test_a_tool_with_a_pattern_that_cannot_be_checked_in_linear_time_is_not_offered(
    schema: Schema, caplog: pytest.LogCaptureFixture
) -> None:
    gate = Permits(("a__x", "a__y"))
    tools = [Tool("a__x", "", schema), Tool("a__y", "", of_text(default="("))]
    assert set(catalogue_of(tools, gate, check=CHECK).schemas) == {"a__y"}
    assert "a__x is not offered" in caplog.text
    assert "pattern" in caplog.text or "is not a 'regex'" in caplog.text


def test_a_pattern_of_an_earlier_release_that_is_not_re2s_refuses_the_call() -> None:
    """The catalogue that an investigation pinned outlives the release that published it."""
    assert "not RE2's" in CHECK.problem(of_text(pattern="(?=a)b"), {"a": "b"})


@pytest.mark.parametrize("many", [[1, 2, 1], [{"a": [1]}, {"a": [1]}], ["x", *range(900), "x"]])
def test_repeated_items_are_found_without_comparing_each_with_each(many: JsonValue) -> None:
    schema: Schema = {"properties": {"a": {"uniqueItems": True}}}
    assert CHECK.problem(schema, {"a": many})
    assert not CHECK.problem(schema, {"a": [1, True, "1", [1], {"a": 1}, None, 0, False]})


def test_a_schema_that_branches_at_each_level_is_given_up_after_a_bounded_number_of_steps() -> None:
    again: JsonValue = {"$ref": "#/$defs/Node"}
    node: JsonValue = {"type": "object", "properties": {"n": {"anyOf": [again, again]}}}
    schema: Schema = {"properties": {"a": again}, "$defs": {"Node": node}}
    deep: JsonValue = 1
    for _ in range(28):
        deep = {"n": deep}
    assert "too many steps" in CHECK.problem(schema, {"a": deep})
    assert not CHECK.problem(schema, {"a": {"n": {"n": {}}}})


def test_a_schema_that_refers_to_itself_forever_refuses_the_call() -> None:
    schema: Schema = {"properties": {"a": {"$ref": "#/$defs/B"}}, "$defs": {"B": {}}}
    schema["$defs"] = {"B": {"$ref": "#/$defs/B"}}
    assert "too many steps" in CHECK.problem(schema, {"a": 1})


def nested(depth: int) -> dict[str, JsonValue]:
    inner: JsonValue = 1
    for _ in range(depth - 1):
        inner = {"a": inner}
    return {"a": inner}


@pytest.mark.parametrize("depth", [33, 200, 20_000])
def test_arguments_that_are_nested_too_deep_are_refused_in_a_sentence(depth: int) -> None:
    """Seen: 200 deep with a recursive schema ended `judge` by a RecursionError."""
    assert canonical_arguments(nested(depth)).problem == "nested more than 32 deep"
    assert not canonical_arguments(nested(32)).problem


def test_more_than_1000_values_are_refused() -> None:
    assert canonical_arguments({"a": [1] * 1_000}).problem == "more than 1000 values"
    assert not canonical_arguments({"a": [1] * 999}).problem
    assert json.loads(canonical_arguments({"a": [{"b": 1.0}]}).text) == {"a": [{"b": 1}]}
