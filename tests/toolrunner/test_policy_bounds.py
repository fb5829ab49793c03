"""Rules that the native parser could fail on, and permits that do not say which resource."""

from pathlib import Path

import pytest

from bus.errors import NotConfigured
from services.toolrunner.adapters.live_policy import LivePolicy
from services.toolrunner.policy_text import too_deep
from tests.toolrunner.policies import SCOPE, TOOLS
from tests.toolrunner.test_policy_rules import NOTES, PODS, put


@pytest.mark.parametrize(
    ("condition", "reason"),
    [
        ("(" * 65 + "true" + ")" * 65, "own.cedar: line 2: brackets are nested more than 64 deep"),
        ("[" * 63 + "]" * 63 + " == []", "own.cedar: a condition is nested too deep"),
        ("true && " * 401 + "true", "own.cedar: line 2: a rule has more than 400 operators"),
        ("true && " * 390 + "true", "own.cedar: a condition is nested too deep"),
        ("if true then true else " * 401 + "true", "a rule has more than 400 operators"),
        ("true && " * 80 + "true", "own.cedar: a condition is nested too deep"),
    ],
)
def test_what_the_native_parser_could_fail_on_is_refused_before_it(
    condition: str, reason: str, tmp_path: Path
) -> None:
    """Seen: 1,000 brackets, or 20,000 times `true &&`, ended the toolrunner by signal 11."""
    with pytest.raises(NotConfigured) as refused:
        put(tmp_path, f"{NOTES}\nforbid (principal, {PODS}, resource) when {{ {condition} }};")
    assert reason in str(refused.value)
    assert str(refused.value).count("; ") <= 1


def test_strings_and_comments_are_not_nested_and_many_rules_are_not_one() -> None:
    assert not too_deep('"((((\\"(((("' * 50 + "// ((((\n" * 50)
    assert not too_deep("true || true;" * 1_000)
    for deep in ("(" * 1_000, '" (' * 999, "true &&\n" * 20_000):
        assert too_deep(deep)


@pytest.mark.parametrize(
    "rest",
    [
        "resource);",
        "resource is Namespace);",
        "resource) when { true };",
        "resource) when { 1 == 1 };",
        "resource) when { true || false };",
        "resource) when { principal == principal };",
        "resource) when { resource == resource };",
        "resource) when { resource.configured || true };",
        'resource) when { resource.name like "*" };',
        "resource) when { resource is Namespace };",
        "resource) when { if resource.configured then true else 1 == 1 };",
        "resource) unless { false };",
    ],
)
@pytest.mark.parametrize("action", [PODS, 'action in Action::"kubernetes:read"'])
def test_a_permit_that_does_not_say_which_resource_is_refused(
    action: str, rest: str, tmp_path: Path
) -> None:
    (tmp_path / "own.cedar").write_text(f"{NOTES} permit (principal, {action}, {rest}")
    with pytest.raises(NotConfigured, match="does not say which resource it permits"):
        LivePolicy(str(tmp_path), SCOPE, tools=TOOLS)


@pytest.mark.parametrize(
    "rest",
    [
        'resource == Namespace::"boutique");',
        'resource is Namespace in Namespace::"boutique");',
        "resource) when { resource.configured };",
        'resource) when { resource in Namespace::"boutique" };',
        "resource) when { context.facts.namespaces.contains(resource.name) };",
        'resource) when { true && context.input.namespace like "shop-*" };',
        "resource) when { if context.facts.repeated then false else resource.configured };",
    ],
)
def test_a_permit_that_says_which_resource_is_taken(rest: str, tmp_path: Path) -> None:
    gate = put(tmp_path, f"{NOTES} permit (principal, {PODS}, {rest}")
    assert gate.may_offer("kubernetes__list_pods")
