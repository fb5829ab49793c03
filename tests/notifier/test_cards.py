"""What the cards say: each outcome honestly, and nothing that the record does not hold."""

import json
from datetime import timedelta

import pytest

from bus.events import Evidence, Outcome, ToolCallId
from bus.record import Record, Spend, Update
from services.notifier.blocks import Card
from services.notifier.cutting import cut
from services.notifier.links import Links, links
from services.notifier.plain_cards import plain_card
from services.notifier.report import final_card, live_card
from simulator.slack import render_message
from simulator.slack.block_kit import MAX_BLOCK_CHARACTERS, block_characters, block_findings
from tests.notifier.records import LINE, OUTCOMES, diagnosis, ended, opened
from tests.notifier.slack_desk import texts


def shown(card: Card) -> str:
    assert block_findings(list(card.blocks)) == []
    assert block_characters(list(card.blocks)) <= MAX_BLOCK_CHARACTERS
    return "\n".join([card.text, *texts(card.blocks)])


def printed(card: Card) -> str:
    return render_message({"text": card.text, "blocks": list(card.blocks)})


def linked(trace_url: str) -> Links:
    return links(trace_url=trace_url, source_url="", listed=(), runbooks={})


@pytest.mark.parametrize("outcome", OUTCOMES)
def test_every_outcome_has_a_card_that_slack_accepts_and_that_names_the_facts(
    outcome: Outcome,
) -> None:
    said = shown(final_card(ended(outcome)))
    for fact in (
        "1 min 12 s",
        "2 turns",
        "2 tool calls",
        "21,500 tokens in",
        "700 tokens out",
        "$0.0421",
    ):
        assert fact in said
    assert "claude-test" in said
    assert "inc-7" in said
    assert "cartservice: HTTP 500 on checkout" in said
    assert "nightshift_stop" not in json.dumps(final_card(ended(outcome)).blocks)


def test_fault_names_cause_place_fix_confidence_and_what_was_ruled_out() -> None:
    card = final_card(ended("diagnosed"))
    said = shown(card)
    assert "error: cartservice · root cause found" in said
    assert "Root cause: " in said
    assert "never opens it again" in said
    assert "src/cartservice/src/cartstore/RedisCartStore.cs:61" in said
    assert "+  new line" in said
    assert "high" in said
    assert "memory: no container was killed" in said
    assert "the events of redis-cart (would need: events: list)" in printed(card)


def test_verified_quote_stands_with_its_place_and_the_other_is_only_counted() -> None:
    said = shown(final_card(ended("diagnosed")))
    assert LINE in said.splitlines()
    assert "tool call 1-1 · kubernetes__get_logs · line 412" in said
    assert "made up by the model" not in said
    assert "1 quote could not be verified and is not shown" in said


def test_at_most_four_quotes_are_shown_and_the_rest_is_counted() -> None:
    quotes = tuple(
        Evidence(tool_call_id=ToolCallId(f"1-{n}"), quote=f"line of log number {n}", verified=True)
        for n in range(1, 7)
    )
    said = shown(final_card(ended("diagnosed", diagnosis=diagnosis(evidence=quotes))))
    assert [f"number {n}" in said for n in range(1, 7)] == [True] * 4 + [False] * 2
    assert "2 more verified quotes not shown" in said


def test_healthy_is_called_no_fault() -> None:
    found = diagnosis(verdict="healthy", root_cause="", summary="A deploy restarted the pods.")
    said = shown(final_card(ended("diagnosed", diagnosis=found)))
    assert "No fault found: " in said
    assert "Root cause" not in said


def test_inconclusive_calls_the_models_text_unverified() -> None:
    found = diagnosis(verdict="unknown", root_cause="perhaps the disk", evidence=())
    said = shown(final_card(ended("inconclusive", diagnosis=found)))
    assert "No conclusion: " in said
    assert "Summary (unverified): " in said
    assert "Suspected (unverified): " in said


def test_timed_out_says_what_was_found_until_then() -> None:
    card = final_card(ended("timed_out"), activity="reading logs", last_words="It may be Redis.")
    said = shown(card)
    assert "no diagnosis within 5 min 0 s" in said
    assert "1-1 kubernetes__get_logs: answered" in said
    assert "1-2 github__search_code: no result: not available before the deadline" in said
    assert "reading logs" in said
    assert "last words (unverified)" in said
    assert "frontend-5xx" in said


def test_timed_out_without_a_reasoner_has_no_turn_and_no_model() -> None:
    record = opened(state="ended", outcome="timed_out", ended_at=opened().deadline_at)
    said = shown(final_card(record))
    assert "0 turns" in said
    assert "no model answered" in said
    assert "No tool was called." in said


@pytest.mark.parametrize(
    ("outcome", "reason", "expected"),
    [
        ("out_of_budget", "dollars", "A limit ended it before there was a diagnosis: dollars"),
        ("cancelled", "stopped by ada", "Cancelled: stopped by ada"),
        ("cancelled", "", "Cancelled: It was stopped by a person."),
        ("recovered", "", "Recovered: The alarm went back to OK"),
        ("failed", "the model said 401", "The investigation could not go on: the model said 401"),
    ],
)
def test_other_outcomes_give_their_reason(outcome: Outcome, reason: str, expected: str) -> None:
    card = final_card(ended(outcome, reason=reason))
    shown(card)
    assert expected in "".join(texts(card.blocks))
    assert expected.split(": ")[-1] in plain_card(ended(outcome, reason=reason)).text


def test_unknown_cost_and_scripted_models_are_called_so() -> None:
    spend = Spend(model_calls=1, cost_usd=None)
    record = ended("diagnosed", spend=spend, model="scripted:cart")
    said = shown(final_card(record))
    assert "cost unknown" in said
    assert "scripted answers, no model (scripted:cart)" in said


def test_limit_that_made_it_conclude_is_named() -> None:
    assert "limit reached: turns" in shown(final_card(ended("diagnosed", concluding="turns")))
    assert "deadline was near" in shown(final_card(ended("diagnosed", concluding="deadline")))
    circles = final_card(ended("diagnosed", concluding="going in circles"))
    assert "the model went in circles" in shown(circles)


def test_alarm_that_joined_in_the_last_turn_is_named_as_not_considered() -> None:
    said = texts(final_card(ended("diagnosed")).blocks)
    late = said.index("Too late for the last turn, so not considered here")
    assert late < said.index("alarm latency-p95 joined") < said.index("While it ran")
    assert said.index("While it ran") < said.index("alarm frontend-5xx joined")


def test_trace_link_shows_where_it_leads_and_is_the_only_link() -> None:
    address = "http://jaeger.test:16686/trace/{trace_id}"
    blocks = json.dumps(final_card(ended("diagnosed"), links=linked(address)).blocks)
    assert blocks.count('"url"') == 1
    assert "Trace (jaeger.test:16686)" in blocks
    assert '"url"' not in json.dumps(final_card(ended("diagnosed")).blocks)


def test_live_card_has_a_stop_button_for_the_investigation() -> None:
    card = live_card(opened(), "reading logs")
    assert card.text == "investigating cartservice: HTTP 500 on checkout"
    assert "reading logs" in shown(card)
    (actions,) = [block for block in card.blocks if block["type"] == "actions"]
    assert '"action_id": "nightshift_stop", "value": "inc-7"' in json.dumps(actions)


def test_durations_below_a_minute_have_tenths() -> None:
    record: Record = ended("cancelled")
    quick = record.changed(ended_at=record.opened_at + timedelta(seconds=9.87))
    assert "9.9 s" in shown(final_card(quick))


def test_cut_text_says_how_much_is_missing() -> None:
    text = cut("x" * 1000, 100)
    assert len(text) <= 100
    kept = text.count("x")
    assert text.endswith(f"… {1000 - kept} more characters")
    assert cut("short", 100) == "short"


def test_giant_card_is_cut_by_structure_and_keeps_its_facts() -> None:
    big = "word " * 20_000
    found = diagnosis(summary=big, root_cause=big, confidence="low")
    quotes = tuple(
        Evidence(tool_call_id=ToolCallId(f"1-{n}"), quote=big, verified=True, tool=big)
        for n in range(1, 9)
    )
    fix = found.fix.model_copy(update={"diff": big, "summary": big}) if found.fix else None
    updates = tuple(Update(kind="joined", text=big) for _ in range(80))
    found = found.model_copy(update={"evidence": quotes, "fix": fix, "component": big})
    said = shown(
        final_card(
            ended("diagnosed", diagnosis=found, updates=updates),
            links=linked("http://j.test/{trace_id}"),
        )
    )
    assert "more characters" in said
    assert "2 tool calls" in said
    assert "Trace (j.test)" in said
