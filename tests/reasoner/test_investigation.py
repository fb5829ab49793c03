"""What happens next, as plain functions: no Redis, no model."""

from datetime import timedelta

import pytest
from pydantic import JsonValue

from bus.events import (
    Alarm,
    AlarmJoined,
    DiagnosisReached,
    InvestigationId,
    InvestigationProgressed,
    ToolCallFinished,
    ToolCallId,
    ToolCallRequested,
    TurnDue,
)
from bus.record import Commit, Record
from services.reasoner import budget, calls, investigation, loops, turn, updates
from services.reasoner.adapters import files
from services.reasoner.budget import COST_OF_TURN, Limits, TurnCost
from services.reasoner.investigation import Answer
from services.reasoner.sources import Known, Source
from services.reasoner.transcript import Block, Reply, Usage
from services.reasoner.turn import Seen
from tests.bus.incidents import OPENED_AT, a_record, waiting_for

TEXTS = files.texts()
TOOLS: tuple[Block, ...] = ({"name": "k__get_logs"}, {"name": "read_result"}, files.submit_tool())
BAD: dict[str, JsonValue] = {
    "verdict": "fault",
    "summary": "s",
    "evidence": [{"call_id": "1-1", "quote": "never said by anybody"}],
}
INV = InvestigationId("inc-1")


def uses(*named: tuple[str, dict[str, JsonValue]]) -> tuple[dict[str, JsonValue], ...]:
    return tuple(
        {"type": "tool_use", "id": f"tu{k}", "name": name, "input": arguments}
        for k, (name, arguments) in enumerate(named, start=1)
    )


def decide(
    record: Record,
    *content: dict[str, JsonValue],
    stop_reason: str = "tool_use",
    after: float = 10,
    most: int = 40,
) -> Commit:
    """What the reply leads to when it comes in that many seconds after the start."""
    seen = Seen(transcript=[], shown={}, tools=TOOLS)
    reply = Reply(content=content, stop_reason=stop_reason, model="m", usage=Usage())
    answer = Answer(
        request=turn.build(record, seen, texts=TEXTS, limits=Limits()),
        reply=reply,
        cost_usd=0.01,
        at=OPENED_AT + timedelta(seconds=after),
        max_tool_calls=most,
        findings=calls.findings(reply, {"1-1": Source(whole="something else")}, known=Known()),
    )
    commit = investigation.after_reply(record, answer)
    assert commit is not None
    assert [message["role"] for message in commit.transcript] == ["user", "assistant"]
    unanswered = {c.tool_use_id for c in commit.record.calls_of(record.turn)}
    asked = {use["id"] for use in content if use["type"] == "tool_use"}
    assert commit.record.state == "ended" or unanswered == asked
    return commit


def said(commit: Commit) -> list[str]:
    return [call.sentence for call in commit.record.calls]


def kinds(commit: Commit) -> list[type]:
    return [type(event) for event in commit.events]


LOGS: tuple[str, dict[str, JsonValue]] = ("k__get_logs", {})
WORDS: dict[str, JsonValue] = {"type": "text", "text": "It is the cart."}


def test_calls_go_out_and_the_record_awaits_them() -> None:
    commit = decide(a_record(), *uses(LOGS, ("read_result", {"call_id": "1-1"})))
    assert kinds(commit) == [ToolCallRequested, ToolCallRequested, InvestigationProgressed]
    assert commit.record.state == "awaiting_tools"
    assert commit.record.open_calls == ("1-1", "1-2")
    assert budget.calls_sent(commit.record) == 2


def test_the_total_of_calls_is_kept_within_a_reply() -> None:
    commit = decide(a_record(notes={budget.SENT: "38"}), *uses(LOGS, LOGS, LOGS))
    assert said(commit) == ["", "", "not run: limit"]
    assert budget.calls_sent(commit.record) == 40


def test_when_no_call_goes_out_the_next_turn_is_due_at_once() -> None:
    commit = decide(a_record(), *uses(("submit_diagnosis", BAD)))
    assert kinds(commit) == [TurnDue, InvestigationProgressed]
    assert (commit.record.state, commit.record.turn) == ("turn_due", 2)


def test_bad_evidence_is_sent_back_once_and_then_marked() -> None:
    first = decide(a_record(), *uses(("submit_diagnosis", BAD)))
    assert "not found byte for byte" in said(first)[0]
    assert first.record.mended
    second = decide(first.record, *uses(("submit_diagnosis", BAD)))
    assert second.record.outcome == "inconclusive"
    assert second.record.reason == investigation.NOTHING_SHOWS_IT
    assert second.record.diagnosis is not None
    assert not second.record.diagnosis.evidence[0].verified


def test_calls_beside_a_diagnosis_that_is_sent_back_still_run() -> None:
    commit = decide(a_record(), *uses(("submit_diagnosis", BAD), LOGS))
    assert commit.record.open_calls == ("1-2",)
    assert commit.record.mended


def test_a_form_that_is_wrong_does_not_use_up_the_one_mending() -> None:
    commit = decide(a_record(), *uses(("submit_diagnosis", {"verdict": "dunno"})))
    assert said(commit)[0].startswith("not accepted: ")
    assert not commit.record.mended


def test_tools_asked_for_after_the_conclude_point_are_not_run() -> None:
    commit = decide(a_record(), *uses(LOGS), after=241)
    assert said(commit) == ["not run, no time left"]
    assert (commit.record.concluding, commit.record.turn) == ("deadline", 2)


@pytest.mark.parametrize("concluding", ["deadline", "turns"])
def test_a_call_in_the_conclude_turn_is_refused_once(concluding: str) -> None:
    first = decide(a_record(concluding=concluding), *uses(LOGS))
    assert said(first) == ["refused: conclude now"]
    second = decide(first.record, *uses(LOGS), WORDS)
    assert (
        second.record.outcome == {"deadline": "inconclusive", "turns": "out_of_budget"}[concluding]
    )
    assert second.record.diagnosis is not None
    assert second.record.diagnosis.summary == "It is the cart."
    assert kinds(second) == [DiagnosisReached]


def test_a_model_that_goes_in_circles_is_told_so_once_and_concludes_the_next_time() -> None:
    first = investigation.circling(a_record(turn=4), 4, what="the same calls, 5 times in a row")
    assert first is not None
    assert kinds(first) == [InvestigationProgressed]
    assert (first.record.concluding, loops.nudged_in(first.record)[0]) == ("", 4)
    later = first.record.changed(turn=6)
    second = investigation.circling(later, 6, what="no call got a result in 3 turns in a row")
    assert second is not None
    assert second.record.concluding == "going in circles"
    assert investigation.circling(second.record, 6, what="again") is None
    assert investigation.circling(later, 5, what="not due") is None
    ended = decide(second.record, WORDS, stop_reason="end_turn").record
    assert (ended.outcome, ended.reason) == (
        "inconclusive",
        "the conclude turn brought no diagnosis; "
        "concluded early, going in circles: the same calls, 5 times in a row",
    )


def test_a_reply_sends_no_more_calls_than_may_be_under_way_at_once() -> None:
    commit = decide(a_record(), *uses(*[LOGS] * 7))
    assert said(commit) == [""] * 5 + ["not run: limit"] * 2
    assert budget.calls_sent(commit.record) == 5


def test_words_in_the_conclude_turn_end_it_at_once() -> None:
    commit = decide(a_record(concluding="deadline"), WORDS, stop_reason="end_turn")
    assert (commit.record.outcome, commit.record.spend.model_calls) == ("inconclusive", 1)


@pytest.mark.parametrize(
    "changes",
    [{"state": "ended"}, {"turn": 2}, {"state": "awaiting_tools"}],
)
def test_a_reply_to_a_turn_that_is_not_due_has_no_effect(changes: dict[str, object]) -> None:
    seen = Seen(transcript=[], shown={}, tools=TOOLS)
    answer = Answer(
        request=turn.build(a_record(), seen, texts=TEXTS, limits=Limits()),
        reply=Reply(content=(WORDS,), stop_reason="end_turn", model="m", usage=Usage()),
        cost_usd=0.0,
        at=OPENED_AT,
        max_tool_calls=40,
    )
    assert investigation.after_reply(a_record(**changes), answer) is None


def test_only_the_last_result_makes_the_next_turn_due() -> None:
    record = waiting_for("1-1", "1-2")
    first = investigation.after_result(record, finished("1-2"))
    assert first is not None
    assert first.events == ()
    assert investigation.after_result(first.record, finished("1-2")) is None
    last = investigation.after_result(first.record, finished("1-1", error="boom"))
    assert last is not None
    assert last.events == (TurnDue(investigation_id=INV, turn=2),)
    assert [(c.state, c.sentence) for c in last.record.calls] == [("error", "boom"), ("ok", "")]


def test_an_update_is_added_once_and_not_to_an_ended_record() -> None:
    joined = AlarmJoined(investigation_id=INV, alarm=Alarm(name="a", reason="r"))
    first = updates.after_join(a_record(), joined, source_id="e1")
    assert first is not None
    assert first.record.updates[0].text == "another alarm of the same problem: a; r"
    assert updates.after_join(first.record, joined, source_id="e1") is None
    assert updates.after_join(a_record(state="ended"), joined, source_id="e2") is None


@pytest.mark.parametrize(
    ("tool", "words"),
    [
        ("kubernetes__get_logs", "reading logs: kubernetes__get_logs"),
        ("github__search_code", "searching code: github__search_code"),
        ("read_result", "reading result: read_result"),
        ("x__frobnicate", "frobnicate: x__frobnicate"),
    ],
)
def test_activities_are_words(tool: str, words: str) -> None:
    assert calls.activity_of(tool) == words


def finished(call_id: str, error: str = "") -> ToolCallFinished:
    return ToolCallFinished(
        investigation_id=INV, tool_call_id=ToolCallId(call_id), ok=not error, error=error
    )


def test_the_record_keeps_what_each_turn_cost() -> None:
    first = decide(a_record(), *uses(("k__get_logs", {})), after=3)
    later = first.record.changed(state="turn_due", turn=2)
    record = decide(later, WORDS, stop_reason="end_turn", after=7).record
    costs = [
        TurnCost.model_validate_json(record.notes[f"{COST_OF_TURN}{number}"]) for number in (1, 2)
    ]
    assert [(cost.at - OPENED_AT).total_seconds() for cost in costs] == [3, 7]
    assert [(cost.model, cost.stop_reason) for cost in costs] == [
        ("m", "tool_use"),
        ("m", "end_turn"),
    ]
    assert [cost.cost_usd for cost in costs] == [0.01, 0.01]
