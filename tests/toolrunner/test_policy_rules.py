"""What is refused at the start: rules that do not validate, say nothing, or permit too much."""

import json
import os
from pathlib import Path

import pytest
from pydantic import JsonValue

from bus.errors import NotConfigured
from services.toolrunner.adapters.live_policy import LivePolicy
from services.toolrunner.adapters.policy_files import read_policy
from services.toolrunner.policy_resource import ResourceRule
from services.toolrunner.policy_types import arguments_type
from services.toolrunner.ports import Tool
from services.toolrunner.settings import SHIPPED_POLICIES
from tests.toolrunner.policies import FACTS, SCOPE, TOOLS

NOTES = '@id("r") @reason("Why not.")'
PODS = 'action == Action::"kubernetes__list_pods"'
SHOP, SPACE = 'resource == Server::"shop"', 'resource == Namespace::"a"'
REPOSITORY, CLUSTER = 'resource == Repository::"a"', 'resource == Cluster::"a"'
SELL = Tool("shop__sell", "", {"type": "object", "properties": {"item": {"type": "string"}}})


def put(folder: Path, rules: str, settings: str = "") -> LivePolicy:
    (folder / "own.cedar").write_text(rules, encoding="utf-8")
    if settings:
        (folder / "settings.yaml").write_text(settings, encoding="utf-8")
    gate = LivePolicy(str(folder), SCOPE, tools=(*TOOLS, SELL))
    return gate


@pytest.mark.parametrize(
    ("rules", "reason"),
    [
        ("permit (principal, action", "own.cedar cannot be parsed: "),
        ("", "no *.cedar file holds a rule"),
        (f'@reason("r") permit (principal, {PODS}, resource);', "(number 1) has no @id"),
        (f'@id("a b") @reason("r") permit (principal, {PODS}, resource);', "an @id is 1 to 64"),
        (f'@id("r") permit (principal, {PODS}, resource);', "rule `r` has no @reason"),
        (f'@id("r") @reason(" ") forbid (principal, {PODS}, resource);', "has no @reason"),
        (f"{NOTES} forbid (principal, {PODS}, resource);" * 2, "has the @id of another one"),
        (f"{NOTES} permit (principal, action, resource);", "permits every tool"),
        (
            f"{NOTES} permit (principal, action, resource is Namespace)"
            " when { resource.configured };",
            "permits every tool",
        ),
        (
            f'{NOTES} permit (principal, action in Action::"read", resource);',
            "does not say which resource it permits",
        ),
        (f"{NOTES} permit (principal, {PODS}, resource == ?resource);", "is a template"),
        (
            f'{NOTES} permit (principal, action == Action::"shop__sell", {SHOP});',
            "permits `shop__sell`, which changes things",
        ),
        (
            f'{NOTES} permit (principal, action in Action::"shop", {SHOP});',
            "permits `shop`, which changes things: shop__sell",
        ),
        (
            f'{NOTES} permit (principal, action in Action::"mutate", {SHOP});',
            "permits `mutate`, which changes things",
        ),
        (
            f'{NOTES} permit (principal, action == Action::"kubernetes__list_podz", {SPACE});',
            "names `kubernetes__list_podz`: there is no such tool or group",
        ),
        (
            f'{NOTES} permit (principal, action in Action::"kubernetes:reed", {SPACE});',
            "names `kubernetes:reed`: there is no such tool or group",
        ),
        (
            f'{NOTES} forbid (principal, {PODS}, resource) when {{ context.input.nspace == "a" }};',
            "rule `r` does not validate: attribute `input.nspace`",
        ),
        (
            f'{NOTES} forbid (principal, action in Action::"kubernetes:read", resource)'
            ' when { context.input.namespace == "a" };',
            "unable to guarantee safety of access to optional attribute `input.namespace`",
        ),
        (
            f"{NOTES} forbid (principal, {PODS}, resource) when {{ context.facts.pinned < 3 }};",
            "does not validate: ",
        ),
        (f"{NOTES} permit (principal, {PODS}, {REPOSITORY});", "does not validate: "),
        (f"{NOTES} permit (principal, {PODS}, {CLUSTER});", "does not validate: "),
    ],
)
def test_a_rule_that_is_wrong_is_refused_in_a_sentence(
    rules: str, reason: str, tmp_path: Path
) -> None:
    with pytest.raises(NotConfigured) as refused:
        put(tmp_path, rules)
    assert reason in str(refused.value)
    assert str(tmp_path) in str(refused.value)
    assert "\n" not in str(refused.value)


def test_every_problem_is_told_at_once(tmp_path: Path) -> None:
    rules = f"permit (principal, {PODS}, resource); {NOTES} permit (principal, action, resource);"
    with pytest.raises(NotConfigured) as refused:
        put(tmp_path, rules)
    assert str(refused.value).count("; ") == 3


@pytest.mark.parametrize(
    ("settings", "reason"),
    [
        ("mode: loose", "mode: "),
        ("tools: {}", "tools: Extra inputs are not permitted"),
        ("mode: [", "is not YAML"),
        ("resources: {shop: {}}", "a server has one of Namespace, Repository, LogGroup"),
        ("resources: {shop: {Namespace: a, LogGroup: b}}", "a server has one of"),
        ("resources: {shop: {Repository: []}}", "name the argument"),
        ("groups: {shop__sell: all}", "groups.shop__sell"),
        ("groups: {kubernetes__list_podz: read}", "there is no tool `kubernetes__list_podz`"),
        ("groups: {list_pods: read}", "groups: there is no tool `list_pods`"),
        ("mode: 2026-13-45", "settings.yaml: mode: "),
        ("mode: !!int x", "settings.yaml: tags (`!!name`) are not taken"),
        ("mode: 0b_", "settings.yaml holds a value that is none"),
        ("mode: enforce\nmode: log_only", "the key 'mode' stands twice"),
        ("? [a]\n: b", "settings.yaml is not YAML"),
        ("a: &a [x]\nb: *a", "settings.yaml: aliases (`*name`) are not taken"),
        ("[" * 5_000, "settings.yaml: it is nested more than 20 deep"),
        ("mode: enforce " + "#" * 262_144, "holds more than 262144 bytes"),
    ],
)
def test_settings_that_are_wrong_are_refused_in_a_sentence(
    settings: str, reason: str, tmp_path: Path
) -> None:
    with pytest.raises(NotConfigured) as refused:
        put(tmp_path, f"{NOTES} permit (principal, {PODS}, {SPACE});", settings)
    assert reason in str(refused.value)
    assert "\n" not in str(refused.value)


def test_a_file_that_is_not_utf_8_is_named_and_a_byte_order_mark_is_no_problem(
    tmp_path: Path,
) -> None:
    rule = f"{NOTES} permit (principal, {PODS}, resource is Namespace)"
    rule += " when { resource.configured };"
    gate = put(tmp_path, "\ufeff" + rule, "\ufeffmode: log_only")
    assert (gate.mode, gate.may_offer("kubernetes__list_pods")) == ("log_only", True)
    (tmp_path / "other.cedar").write_bytes(b"// \xe9")
    with pytest.raises(NotConfigured, match=r"/other\.cedar is not UTF-8"):
        LivePolicy(str(tmp_path), SCOPE, tools=TOOLS)


def test_what_is_no_file_is_not_read(tmp_path: Path) -> None:
    """A pipe would be waited for, and a device has no end."""
    os.mkfifo(tmp_path / "own.cedar")
    with pytest.raises(NotConfigured, match=r"own\.cedar is not a file"):
        LivePolicy(str(tmp_path), SCOPE, tools=TOOLS)


def test_a_folder_without_a_policy_is_refused(tmp_path: Path) -> None:
    for folder in (tmp_path, tmp_path / "none"):
        with pytest.raises(NotConfigured, match="set NIGHTSHIFT_POLICY_DIR"):
            LivePolicy(str(folder), SCOPE, tools=TOOLS)


def test_a_rule_about_a_server_of_which_no_tool_was_reviewed_waits_for_it(tmp_path: Path) -> None:
    both = f'action in [Action::"far__read", {PODS[10:]}]'
    named = '["far", "boutique"].contains(resource.name)'
    rule = f"{NOTES} permit (principal, {both}, resource) when {{ {named} }};"
    far = 'action in Action::"far:read"'
    other = f'@id("far") @reason("r") permit (principal, {far}, resource == Server::"far");'
    gate = put(tmp_path, rule + other)
    assert [each.id for each in gate.cedar.asleep] == ["far"]
    assert not gate.may_offer("far__read")
    there = (*TOOLS, Tool("far__read", "", {"type": "object"}, read_only=True))
    gate = LivePolicy(str(tmp_path), SCOPE, tools=there)
    assert gate.cedar.asleep == ()
    assert gate.may_offer("far__read")
    assert not gate.may_offer("github__search_code")


def test_a_tool_is_not_offered_where_a_rule_always_forbids_it(tmp_path: Path) -> None:
    permit = f'{NOTES} permit (principal, action in Action::"read", {SPACE});'
    never = f'@id("never") @reason("r") forbid (principal, {PODS}, resource);'
    assert put(tmp_path, permit).may_offer("kubernetes__list_pods")
    gate = put(tmp_path, permit + never)
    assert not gate.may_offer("kubernetes__list_pods")
    assert gate.may_offer("kubernetes__get_logs")


def test_an_operator_may_say_that_a_tool_reads(tmp_path: Path) -> None:
    rule = f'{NOTES} permit (principal, action == Action::"shop__sell", {SHOP});'
    assert put(tmp_path, rule, "groups: {shop__sell: read}").may_offer("shop__sell")


def test_a_foreign_github_server_is_not_trusted_to_read_one_repository_alone(
    tmp_path: Path,
) -> None:
    """Its `search_code` takes a free query, in which any repository can be named."""
    search = Tool(
        "github__search_code",
        "",
        {"type": "object", "properties": {"query": {"type": "string"}}, "required": ["query"]},
        read_only=True,
    )
    gate = LivePolicy(str(SHIPPED_POLICIES), SCOPE, foreign=True, tools=[search])
    assert gate.decide(search.name, {"query": "repo:evil/x"}, facts=FACTS).refuses
    own = read_policy(str(SHIPPED_POLICIES)).reading.resources["github"]
    assert own == ResourceRule("Repository")
    (tmp_path / "settings.yaml").write_text("resources: {github: {Repository: configured}}")
    (tmp_path / "own.cedar").write_text("")
    said = read_policy(str(tmp_path), foreign=True).reading.resources["github"]
    assert said == ResourceRule("Repository")


def test_json_schema_becomes_types_of_cedar_and_what_has_none_becomes_text() -> None:
    inner: JsonValue = {"type": "object", "properties": {"q": {"type": "boolean"}}}
    schema: dict[str, JsonValue] = {
        "properties": {
            "text": {"type": "string"},
            "whole": {"type": ["integer", "null"]},
            "many": {"type": "array", "items": {"$ref": "#/$defs/Inner"}},
            "labels": {"type": "object", "additionalProperties": {"type": "string"}},
            "share": {"type": "number"},
            "either": {"anyOf": [{"type": "string"}, {"type": "integer"}]},
            "word": {"enum": ["a", "b"]},
            "deep": {"$ref": "#/$defs/Deep"},
        },
        "required": ["text", "whole"],
        "$defs": {
            "Inner": inner,
            "Deep": {"type": "object", "properties": {"next": {"$ref": "#/$defs/Deep"}}},
        },
    }
    kind = arguments_type(schema)
    assert kind is not None
    kinds = {name: one.kind for name, one in kind.attributes.items()}
    plain = {"text": "String", "whole": "Long", "many": "Set", "labels": "Json", "share": "Json"}
    assert kinds == {**plain, "either": "Json", "word": "String", "deep": "Record"}
    assert kind.required == {"text"}
    given: dict[str, JsonValue] = {"whole": None, "many": [{"q": True}], "labels": {"b": 1, "a": 2}}
    assert kind.value(given) == {"many": [{"q": True}], "labels": '{"a":2,"b":1}'}
    assert "Json" not in json.dumps(kind.described())


@pytest.mark.parametrize("name", ["__entity", "__extn", "__expr"])
def test_an_argument_with_a_name_that_cedar_reads_otherwise_makes_its_tool_unusable(
    name: str,
) -> None:
    inner: JsonValue = {"type": "object", "properties": {name: {"type": "string"}}}
    assert arguments_type({"properties": {"a": {"type": "array", "items": inner}}}) is None
