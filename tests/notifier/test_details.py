"""What the thread says: the whole of what the card had to cut, as data, within Slack's limits."""

import pytest

from bus.events import CodeLocation, Evidence, Fix, Gap, RuledOut, ToolCallId
from bus.record import Record
from services.notifier.blocks import Card
from services.notifier.details import Kept, Known, details, wanted
from services.notifier.fitting import MAX_CHARACTERS, characters
from services.notifier.message import cleaned
from services.notifier.report import final_card
from services.notifier.thread_parts import (
    Detail,
    Part,
    document,
    message,
    shortened,
    without_blocks,
)
from services.notifier.timeline import Moments
from simulator.slack.block_kit import block_findings
from tests.notifier.hostile import HOSTILE
from tests.notifier.records import LINE, diagnosis, ended
from tests.notifier.test_hostile_text import nodes

FORBIDDEN = {
    *("actions", "section", "mrkdwn", "image", "markdown"),
    *("user", "broadcast", "usergroup", "emoji", "link"),
}
LOG = "\n".join([*(f"noise {number}" for number in range(1, 412)), LINE, "after"])
SECRET = "".join(("AKIA", "IOSFODNN7", "EXAMPLE"))
TRANSCRIPT: tuple[dict[str, object], ...] = (
    {"role": "user", "content": "what is wrong?"},
    {
        "role": "assistant",
        "content": [
            {"type": "text", "text": "I look at the logs first."},
            {"type": "tool_use", "id": "a", "name": "x", "input": {"pod": "cart-1"}},
        ],
    },
    {"role": "user", "content": [{"type": "tool_result", "tool_use_id": "a"}]},
    {"role": "assistant", "content": [{"type": "text", "text": "The store looks stuck."}]},
)


def told(record: Record, *, log: str = LOG, moments: Moments | None = None) -> dict[str, Detail]:
    """The details of a record by their keys."""
    shown = cleaned(record)
    results = {"1-1": Kept(log, log, "kubernetes__get_logs"), "1-2": Kept("no", "no", ok=False)}
    known = Known(
        record=shown,
        card=final_card(shown),
        transcript=TRANSCRIPT,
        results=results,
        moments=moments or Moments(),
    )
    return {detail.key: detail for detail in details(known)}


def found(**changes: object) -> Record:
    return ended("diagnosed", diagnosis=diagnosis(**changes))


def test_evidence_stands_with_its_line_numbers_and_the_lines_around() -> None:
    said = document(told(found())["evidence"])
    assert "Tool call 1-1 · kubernetes__get_logs · line 412 of 413, marked with >" in said
    assert f"  411| noise 411\n> 412| {LINE}\n  413| after\n" in said
    assert "408" not in said
    assert "made up by the model" not in said


def test_every_verified_quote_stands_in_the_thread_and_no_other() -> None:
    quotes = tuple(
        Evidence(
            tool_call_id=ToolCallId("1-1"), quote=f"noise {n}", verified=n % 3 > 0, first_line=n
        )
        for n in range(1, 10)
    )
    said = document(told(found(evidence=quotes))["evidence"])
    assert [f"> {n}| noise {n}" in said for n in range(1, 10)] == [n % 3 > 0 for n in range(1, 10)]


def test_quotes_that_stand_near_each_other_are_shown_together() -> None:
    quotes = tuple(
        Evidence(tool_call_id=ToolCallId("1-1"), quote=f"noise {n}", verified=True, first_line=n)
        for n in (12, 10, 200)
    )
    said = document(told(found(evidence=quotes))["evidence"])
    assert "lines 10 to 12 of 413" in said
    assert "> 10| noise 10\n  11| noise 11\n> 12| noise 12" in said
    assert said.count("noise 11\n") == 1


def test_quote_whose_result_is_gone_stands_without_lines_around() -> None:
    known = Known(record=found(), card=Card(""))
    (evidence, *_) = details(known)
    assert LINE in document(evidence)
    assert ">" not in document(evidence)


def test_timeline_has_turns_calls_arguments_outcomes_and_durations() -> None:
    moments = Moments(due={1: 0.0, 2: 3.1}, asked={"1-1": 0.4}, told={"1-1": 2.6})
    said = document(told(found(), moments=moments)["timeline"])
    assert "Turn 1 · at 0.0 s · 2 tool calls" in said
    assert '1-1 kubernetes__get_logs {"pod": "cart-1"}: answered in 2.2 s' in said
    assert "1-2 github__search_code: no result: not available before the deadline" in said
    assert "Turn 2 · at 3.1 s · no tool call" in said
    assert "joined: alarm frontend-5xx joined" in said
    assert "the events of redis-cart (would need: events: list)" in said
    assert "Ended at 1 min 12 s as diagnosed" in said


def test_timeline_says_no_time_that_is_not_known() -> None:
    said = document(told(found())["timeline"])
    assert "Turn 1 · 2 tool calls" in said
    assert "answered\n" in said


@pytest.mark.parametrize("lines", [3, 300])
def test_fix_stands_whole_where_the_card_cuts_it(lines: int) -> None:
    diff = "\n".join(f"+line {number} of the fix" for number in range(lines))
    said = told(found(fix=Fix(summary="Mend it.", diff=diff)))
    assert ("fix" in said) == (lines > 100)
    assert lines < 100 or diff in document(said["fix"])


def test_what_the_card_cuts_stands_whole_in_the_thread_and_what_it_shows_does_not() -> None:
    long = "why " * 500 + "the end"
    causes = tuple(RuledOut(cause=f"cause {n}", reason="it was not") for n in range(8))
    said = document(told(found(root_cause=long, ruled_out=causes))["timeline"])
    assert "cause 7: it was not" in said
    assert "cause 1: it was not" not in said
    assert long in said
    assert "1 quote could not be verified" in said


def test_investigation_without_a_diagnosis_tells_what_the_model_said_as_unverified() -> None:
    said = told(ended("timed_out"))
    assert said["found"].title == "What the model said on its way (unverified)"
    assert "I look at the logs first." in document(said["found"])
    assert "evidence" not in said
    assert "noise 400" in document(said["results"])


def test_cited_results_come_before_others_and_refused_calls_after() -> None:
    assert wanted(found()) == ["1-1", "1-2"]
    assert wanted(ended("failed", calls=())) == []


def test_detail_that_is_too_long_for_a_message_is_none() -> None:
    said = told(found())
    assert message(said["results"]) is None
    assert message(said["evidence"]) is not None


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_text_reaches_the_thread_as_letters_only(name: str) -> None:
    text = HOSTILE[name]
    quote = Evidence(tool_call_id=ToolCallId("1-1"), quote=text, verified=True, tool=text)
    record = found(
        summary=text,
        root_cause=text * 3,
        evidence=(quote, quote.model_copy(update={"first_line": 2})),
        ruled_out=(RuledOut(cause=text, reason=text),) * 9,
        gaps=(Gap(what=text, permission=text),),
        fix=Fix(summary=text, diff=text * 3),
        code_location=CodeLocation(path=text),
    )
    for detail in told(record, log=f"one\n{text}\n{text}").values():
        cards = [message(detail), shortened(detail, "no files"), without_blocks(detail)]
        for card in filter(None, cards):
            assert not block_findings(list(card.blocks))
            assert not FORBIDDEN & {str(node.get("type")) for node in nodes(card.blocks)}
            assert not any(mark in card.text for mark in ("<!", "<@", "<h", "\u202e"))
            assert characters(card.blocks) <= MAX_CHARACTERS
            assert "://" not in card.text


def test_detail_as_a_text_alone_has_a_bar_before_each_line_that_is_none_of_ours() -> None:
    parts = (Part("Fix: *x*", "one\r\n*Confidence: high*\u2028```two```"), Part("Tool\ncall", ""))
    text = without_blocks(Detail("fix", "The fix, whole", parts)).text
    assert text.split("\n") == [
        *("The fix, whole", "Fix: \u2217x\u2217", "| one", "| \u2217Confidence: high\u2217"),
        *("| '''two'''", "Tool call"),
    ]


@pytest.mark.parametrize(
    ("lines", "secret"),
    [
        ([f"{SECRET} is the key"], SECRET),
        (
            [
                "-----BEGIN RSA " + "PRIVATE KEY-----",
                "QUJD" * 16,
                "-----END RSA " + "PRIVATE KEY-----",
            ],
            "QUJDQUJD",
        ),
        (["kind: Secret", "data:", "  token: aHVudGVyMg=="], "aHVudGVyMg"),
    ],
)
def test_secret_in_a_stored_result_does_not_reach_the_thread(lines: list[str], secret: str) -> None:
    """It was cleaned before it was stored; this is the other layer. Numbers would hide some."""
    quote = Evidence(tool_call_id=ToolCallId("1-1"), quote=LINE, verified=True, first_line=2)
    log = "\n".join(["noise", LINE, *lines])
    said = told(found(evidence=(quote,)), log=log)
    everything = "\n".join(document(detail) for detail in said.values())
    assert LINE in everything
    assert secret not in everything
