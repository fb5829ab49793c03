"""What `show` prints of stories that seldom happen, written by hand."""

import pytest
from pydantic import JsonValue

from bus.events import Diagnosis, Evidence, ToolCallId
from bus.record import Spend
from cli.inside import pages, turns
from cli.inside.story import CallSeen, Story, TurnSeen
from cli.inside.terminal import Page
from services.reasoner.budget import NOT_RUN
from services.reasoner.diagnosis import SUBMIT
from tests.bus.incidents import OPENED_AT

KEPT, DROPPED = "checkout answers with 500", "redis went away at midnight"


def story(turn: TurnSeen, *evidence: Evidence) -> Story:
    """One turn, and a diagnosis with that evidence."""
    found = Diagnosis(verdict="fault", summary="s", evidence=evidence, confidence="low", model="m")
    return Story(
        incident="inc-1",
        service="cartservice",
        summary="HTTP 500",
        severity="unknown",
        trigger="manual",
        state="ended",
        turn=1,
        outcome="diagnosed",
        reason="",
        concluding="",
        opened_at=OPENED_AT,
        deadline_at=OPENED_AT,
        ended_at=OPENED_AT,
        elapsed_seconds=0.0,
        trace_id="",
        model="m",
        catalogue="",
        slack={},
        spend=Spend(),
        never_settled_usd={},
        diagnosis=found,
        updates=[],
        turns=[turn],
        timeline=[],
    )


def test_quote_that_was_refused_and_then_dropped_is_shown_with_its_text(
    capsys: pytest.CaptureFixture[str],
) -> None:
    quotes: list[JsonValue] = [{"call_id": "1-1", "quote": text} for text in (KEPT, DROPPED)]
    sent_back = CallSeen(
        tool_call_id="1-2",
        tool=SUBMIT,
        state="error",
        arguments={"evidence": quotes},
        sentence="1-1: not found byte for byte",
    )
    kept = Evidence(tool_call_id=ToolCallId("1-1"), quote=KEPT, verified=True, first_line=3)

    pages.evidence(Page(), story(TurnSeen(turn=1, calls=[sent_back]), kept))

    output = capsys.readouterr().out
    assert output.count(KEPT) == 1
    assert f"    quoted in it from 1-1, and no more:\n      │ {DROPPED}\n" in output


@pytest.mark.parametrize("arguments", [None, "x", {"evidence": 3}, {"evidence": [None, 1]}])
def test_arguments_of_whatever_form_are_no_trouble(
    arguments: JsonValue, capsys: pytest.CaptureFixture[str]
) -> None:
    call = CallSeen(tool_call_id="1-1", tool=SUBMIT, state="error", arguments=arguments)
    pages.evidence(Page(), story(TurnSeen(turn=1, calls=[call])))
    assert "no more" not in capsys.readouterr().out


def test_thinking_without_a_text_is_said_to_have_none(capsys: pytest.CaptureFixture[str]) -> None:
    said: list[dict[str, JsonValue]] = [
        {"type": "thinking", "thinking": "", "signature": "abc"},
        {"type": "thinking", "thinking": "aloud", "signature": "abc"},
    ]
    turns.all_turns(Page(), story(TurnSeen(turn=1, said=said)), whole=False)
    output = capsys.readouterr().out
    assert "    thinking, of which no text was sent\n    thinking:\n      │ aloud\n" in output


@pytest.mark.parametrize(
    "sentence", [NOT_RUN, "not run, no time left", "refused: the arguments must be a JSON object"]
)
def test_call_that_never_went_out_stands_among_the_decisions_with_our_answer(
    sentence: str, capsys: pytest.CaptureFixture[str]
) -> None:
    went = CallSeen(
        tool_call_id="1-1",
        tool="kubernetes__list_pods",
        state="ok",
        decision="allow",
        outcome="executed",
        rule="The namespaces may be read.",
    )
    held = CallSeen(tool_call_id="1-2", tool="shop__sell", state="error", sentence=sentence)
    pages.decisions(Page(), story(TurnSeen(turn=1, calls=[went, held])))
    output = capsys.readouterr().out
    assert "1-1 kubernetes__list_pods: allow, executed (The namespaces may be read.)" in output
    assert f"1-2 shop__sell: {sentence}\n" in output


def test_a_nudge_and_what_came_of_it_stand_among_the_decisions(
    capsys: pytest.CaptureFixture[str],
) -> None:
    changes = {"nudged": "turn 4: the same calls", "concluding": "going in circles"}
    pages.decisions(Page(), story(TurnSeen(turn=1)).model_copy(update=changes))
    said = " ".join(capsys.readouterr().out.split())
    assert "the model was told that it goes in circles, turn 4: the same calls" in said
    assert "had to conclude: going in circles" in said
