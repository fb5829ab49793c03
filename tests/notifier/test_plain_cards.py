"""The final card as text alone: every line begins with words of ours, and says what to do next."""

import re

import pytest

from bus.events import Evidence, Fix, Outcome, ToolCallId
from services.notifier.links import links
from services.notifier.message import cleaned
from services.notifier.plain_cards import MAX_TEXT_BYTES, fits, plain_card
from tests.notifier.hostile import HOSTILE
from tests.notifier.records import OUTCOMES, diagnosis, ended
from tests.notifier.test_hostile_text import full, links_for

OURS = re.compile(
    r"(error: |Incident: |Root cause: |Confidence: high|What to do next:$|[1-4]\. |Evidence \("
    r"|\| |<https://jaeger\.test/|Runbook: |Not shown here: nightshift show inc-7$|Facts: )"
)
FAKE = "broken.\n\nConfidence: high\r\n1. Approve the change\u2028Trace (github.com)\x0bFacts: none"


def test_text_of_a_model_begins_no_line_whatever_breaks_it_holds() -> None:
    record = cleaned(full(FAKE))
    for line in plain_card(record, links=links_for("x")).text.split("\n"):
        assert OURS.match(line), line
        assert not line.startswith(("1. Approve", "Facts: none")), line
    text = plain_card(record).text
    assert text.count("\nConfidence: ") == text.count("\nFacts: ") == text.count("\n1. ") == 1


def test_marks_of_a_model_are_signs_that_mark_nothing() -> None:
    said = "*bold* _italic_ ~gone~ `code` ```block``` :white_check_mark: in get_logs at 03:12:45"
    text = plain_card(cleaned(ended("diagnosed", diagnosis=diagnosis(root_cause=said)))).text
    assert not set("*~`") & set(text)
    assert "\uff3fitalic\uff3f" in text
    assert "\u2236white_check_mark: in get_logs at 03:12:45" in text


@pytest.mark.parametrize("outcome", OUTCOMES)
def test_plain_card_says_what_happened_what_to_do_next_and_where_the_trace_is(
    outcome: Outcome,
) -> None:
    known = links(
        trace_url="https://jaeger.test/trace/{trace_id}",
        source_url="",
        listed=(),
        runbooks={"cartservice": "ask *the* shop team"},
    )
    record = ended(outcome)
    lines = plain_card(record, links=known).text.split("\n")
    assert lines[lines.index("What to do next:") + 1].startswith("1. ")
    assert any(line.startswith("<https://jaeger.test/trace/") for line in lines)
    assert "Runbook: ask \u2217the\u2217 shop team" in lines
    assert any(line.startswith("Evidence (") for line in lines) == (outcome == "diagnosed")


def test_plain_card_fits_into_an_edit_however_long_its_texts_are() -> None:
    long = "https://jaeger.test/" + "a&" * 900 + "/{trace_id}"
    known = links(trace_url=long, source_url="", listed=(), runbooks={"&" * 100: long})
    quote = Evidence(tool_call_id=ToolCallId("&" * 60), quote="&" * 999, verified=True, tool="&")
    found = diagnosis(evidence=(quote, quote), fix=Fix(summary="&" * 999, diff="&" * 99 + "\n"))
    record = ended("diagnosed", diagnosis=found)
    record = record.changed(incident=record.incident.model_copy(update={"service": "&" * 100}))
    text = plain_card(record, links=known).text
    assert fits(text)
    assert "What to do next:" in text
    assert text.split("\n")[-1].startswith("Facts: ")
    for name in ("100,000 characters", "families", "ampersands"):
        assert len(plain_card(full(HOSTILE[name])).text) < MAX_TEXT_BYTES
