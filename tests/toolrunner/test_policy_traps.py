"""The traps of a policy language that errors, has a third answer, and cannot see everything."""

from pathlib import Path

import pytest
from pydantic import JsonValue

from bus.events import InvestigationId, ToolCallId, ToolCallRequested
from services.toolrunner.adapters.live_policy import LivePolicy
from services.toolrunner.adapters.strict_schema import StrictSchema
from services.toolrunner.catalogue import catalogue_of
from services.toolrunner.judging import Judged, judge
from services.toolrunner.policy import Decision, Facts, Scope
from services.toolrunner.policy_resource import ResourceRule, resource_of
from services.toolrunner.ports import Tool
from tests.toolrunner.policies import FACTS, SCOPE, TOOLS, shipped, write_policy

PODS = "kubernetes__list_pods"
LOGS = "kubernetes__get_logs"


def decide(tool: str, facts: Facts = FACTS, **arguments: JsonValue) -> Decision:
    return shipped().decide(tool, arguments, facts=facts)


def judged(tool: str, arguments: dict[str, JsonValue], facts: Facts = FACTS) -> Judged:
    gate, check = shipped(), StrictSchema()
    call = ToolCallRequested(
        investigation_id=InvestigationId("inc-1"),
        tool_call_id=ToolCallId("1-1"),
        turn=1,
        tool=tool,
        arguments=arguments,
    )
    offer = catalogue_of(TOOLS, gate, check=check)
    return judge(call, offer, gate=gate, check=check, facts=facts)


def live(folder: Path, *rules: str, tools: tuple[Tool, ...] = TOOLS) -> LivePolicy:
    write_policy(folder)
    (folder / "own.cedar").write_text("\n".join(rules), encoding="utf-8")
    gate = LivePolicy(str(folder), SCOPE, tools=tools)
    return gate


def test_a_forbid_that_fails_to_evaluate_denies(tmp_path: Path) -> None:
    """Trap 1: Cedar skips it and says Allow; that was seen with a sum that leaves 64 bits."""
    gate = live(
        tmp_path,
        f'@id("yes") @reason("r") permit (principal, action == Action::"{PODS}", resource)'
        " when { resource.configured };",
        '@id("no") @reason("r") forbid (principal, action, resource)'
        " when { context.facts.calls_used + 9223372036854775807 > 5 };",
    )
    found = gate.decide(PODS, {"namespace": "boutique"}, facts=FACTS)
    assert found.refuses
    assert found.reason == "the policy could not be evaluated"
    assert "integer overflow" in found.words


@pytest.mark.parametrize(
    "arguments",
    [
        {},
        {"namespace": None},
        {"namespace": 7},
        {"namespace": True},
        {"namespace": 1.5},
        {"namespace": "boutique", "more": 1},
        {"namespace": {"__entity": {"type": "Namespace", "id": "boutique"}}},
    ],
)
def test_no_decision_is_a_denial_that_says_why(arguments: dict[str, JsonValue]) -> None:
    """Trap 2: Cedar has a third answer beside Allow and Deny."""
    found = shipped().decide(PODS, arguments, facts=FACTS)
    assert found.refuses
    assert found.rules == ()
    assert found.words.startswith("the policy could not be evaluated: failed to build request")


def test_a_tool_without_a_definition_is_denied() -> None:
    assert decide("kubernetes__delete_pod").reason == (
        "no definition of kubernetes__delete_pod is known here"
    )


def test_a_denial_for_want_of_a_rule_says_what_is_permitted() -> None:
    """Trap 3: Cedar gives no reason for it."""
    found = decide(PODS, namespace="kube-system")
    assert found.reason == "no rule permits kubernetes__list_pods on this resource"
    assert found.words == (
        "no rule permits kubernetes__list_pods on namespace `kube-system`; allowed: "
        "The namespaces in NIGHTSHIFT_NAMESPACES may be read. (configured: `boutique`, `shop`)"
    )
    whole = decide("kubernetes__list_events")
    assert "on server `kubernetes` as a whole, say which namespace; allowed: " in whole.words


def test_a_denial_spells_out_what_does_not_show_in_a_name() -> None:
    """Without it a model reads that `boutique` is forbidden and `boutique` is allowed."""
    for name, said in (("bou\u200btique", r"`bou\u200btique`"), ("boutique\n", r"`boutique\n`")):
        assert said in decide(PODS, namespace=name).words
    assert "namespace `bo\\xa0utique`" in decide(PODS, namespace="bo\u00a0utique").words


def test_a_log_group_that_is_not_configured_is_denied_with_those_that_are() -> None:
    search = "cloudwatch__search_logs"
    assert not decide(search, log_group="/boutique/cart").refuses
    for group in ("/payments/card", "/boutique", "/boutique/*", "/shop/cart", "/Shop"):
        assert "(configured: `/boutique/*`, `/shop`)" in decide(search, log_group=group).words


def test_a_denial_where_nothing_is_configured_says_so() -> None:
    gate = shipped(Scope())
    found = gate.decide("github__search_code", {"query": "x"}, facts=FACTS)
    assert found.refuses
    assert "(configured: no repository)" in found.words


def test_a_denial_by_a_rule_says_its_sentence_and_its_id() -> None:
    """Trap 4: Cedar gives back ids alone; the sentences are read from the policy at its start."""
    spent = Facts(pinned=True, calls_used=40, calls_allowed=40, seconds_left=9)
    found = decide(PODS, spent, namespace="boutique")
    assert (found.rules, found.reason) == (("calls-left",), found.words)
    assert found.reason.startswith("The investigation has had its tool calls;")
    late = Facts(pinned=False, calls_allowed=1, seconds_left=0)
    both = decide(PODS, late, namespace="boutique")
    assert both.rules == ("pinned-only", "time-left")


def test_a_name_that_a_policy_would_read_otherwise_is_only_a_name() -> None:
    """Also quotes, line ends and characters that are not seen; nothing is put together as text."""
    for name in ('boutique" || true', "boutique\n", "bou\u200btique", "Boutique", " boutique", ""):
        assert decide(PODS, namespace=name).refuses, name
    assert not decide(PODS, namespace="boutique").refuses


def test_the_resource_is_the_argument_whatever_else_a_call_says() -> None:
    """Trap 5: a resource `boutique` beside an argument `kube-system` was allowed."""
    rule = ResourceRule("Namespace", ("namespace",))
    found = resource_of(
        PODS, {"namespace": "kube-system", "resource": "boutique"}, rule=rule, scope=SCOPE
    )
    assert (found.kind, found.name, found.configured) == ("Namespace", "kube-system", False)


@pytest.mark.parametrize(
    ("arguments", "name", "configured"),
    [
        ({"owner": "example", "repo": "Boutique"}, "example/boutique", True),
        ({"owner": "example/boutique", "repo": ""}, "example/boutique/", False),
        ({"owner": "evil", "repo": "boutique"}, "evil/boutique", False),
        ({"owner": "example"}, "github", False),
        ({"owner": "example", "repo": None}, "github", False),
    ],
)
def test_a_repository_is_owner_and_name_together(
    arguments: dict[str, JsonValue], name: str, configured: bool
) -> None:
    rule = ResourceRule("Repository", ("owner", "repo"))
    found = resource_of("github__search", arguments, rule=rule, scope=SCOPE)
    assert (found.name, found.configured) == (name, configured)


def test_null_for_an_optional_argument_is_as_good_as_none() -> None:
    """Trap 6: Cedar knows no null."""
    with_null: dict[str, JsonValue] = {"namespace": "boutique", "pod": "cart-1", "container": None}
    found = judged(LOGS, with_null)
    assert not found.decision.refuses


@pytest.mark.parametrize("number", [2**63, -(2**63) - 1, 2**70])
def test_an_integer_that_does_not_fit_64_bits_is_refused_before_cedar(number: int) -> None:
    found = judged(LOGS, {"namespace": "boutique", "pod": "cart-1", "tail_lines": number})
    assert found.problem == "an integer does not fit 64 bits"
    assert found.decision.refuses


def test_more_than_16_kilobytes_of_arguments_are_refused_before_cedar() -> None:
    found = judged(PODS, {"namespace": "ä" * 8_200})
    assert found.decision.refuses
    assert found.problem.endswith("bytes, more than 16384")


def test_a_tool_that_changes_something_is_denied_even_where_a_rule_covers_it(
    tmp_path: Path,
) -> None:
    sell = Tool("shop__sell", "", {"type": "object", "properties": {}})
    gate = live(
        tmp_path,
        '@id("shop") @reason("r") permit (principal, action in Action::"read",'
        ' resource == Server::"shop");',
        tools=(*TOOLS, sell),
    )
    found = gate.decide("shop__sell", {}, facts=FACTS)
    assert found.refuses
    assert not gate.may_offer("shop__sell")
    assert "changes things" in found.reason


def test_no_reason_that_is_kept_holds_a_value_of_an_argument() -> None:
    for arguments in ({"namespace": "hunter2"}, {"namespace": ["hunter2"]}):
        found = decide(PODS, **arguments)
        assert "hunter2" not in found.reason


def test_types_of_arguments_are_told_without_values_and_without_made_up_names() -> None:
    found = judged(PODS, {"namespace": "hunter2", "hunter2": 1, "more": None})
    assert found.types == {"namespace": "string", "(unknown)": "2"}
    whole = judged("kubernetes__get_logs", {"namespace": "a", "tail_lines": 3.0, "previous": True})
    assert whole.types == {"namespace": "string", "tail_lines": "integer", "previous": "boolean"}


@pytest.mark.parametrize(
    ("facts", "reason"),
    [
        (Facts(calls_used=40, calls_allowed=40, seconds_left=9), "has had its 40 tool calls"),
        (Facts(calls_used=0, calls_allowed=40, seconds_left=0), "no time is left"),
    ],
)
def test_the_budget_holds_without_any_rule_about_it(
    facts: Facts, reason: str, tmp_path: Path
) -> None:
    write_policy(tmp_path, PODS)
    gate, check = LivePolicy(str(tmp_path), SCOPE, tools=TOOLS), StrictSchema()
    call = ToolCallRequested(
        investigation_id=InvestigationId("inc-1"),
        tool_call_id=ToolCallId("1-1"),
        turn=1,
        tool=PODS,
        arguments={"namespace": "boutique"},
    )
    offer = catalogue_of(TOOLS, gate, check=check)
    found = judge(call, offer, gate=gate, check=check, facts=facts)
    assert found.decision.refuses
    assert reason in found.decision.reason
