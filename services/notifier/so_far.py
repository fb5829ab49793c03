"""What was found by the time an investigation ended without a diagnosis, and what came in late."""

from collections.abc import Iterator, Mapping

from bus.events import ToolCallId
from bus.record import Call, Record
from services.notifier.blocks import Block, bold, bullets, paragraph, plain, quoted
from services.notifier.calls_made import CallMade
from services.notifier.cutting import cut, one_line
from services.notifier.findings import first
from services.notifier.fitting import Part

CALLS_SHOWN = 10
SUBMIT = "submit_diagnosis"
"""Looks at nothing: a diagnosis that was not accepted stands in the timeline alone."""


def so_far(
    record: Record, *, activity: str, last_words: str, made: Mapping[ToolCallId, CallMade]
) -> Iterator[Part]:
    """The last activity, the calls with what came of them, and the model's last words."""
    if activity:
        doing = paragraph(bold("Last activity: "), plain(one_line(activity, 500)))
        yield Part("the last activity", 1, (doing,))
    if last_words:
        label = [bold("The model's last words (unverified)")]
        yield Part("the model's last words", 3, (quoted(label, cut(last_words, 1500)),))
    yield calls(record, made=made)


def calls(record: Record, *, made: Mapping[ToolCallId, CallMade]) -> Part:
    """The tool calls, newest first, with what came of each."""
    looked = [call for call in record.calls[::-1] if call.tool != SUBMIT]
    told = [_call(call, made.get(call.tool_call_id)) for call in looked]
    if not told:
        return Part("tool calls", 2, (paragraph(plain("No tool was called.")),))
    shown = first(told, most=CALLS_SHOWN, what="earlier calls")
    return Part("tool calls", 4, (bullets("What was looked at (newest first)", shown),))


def alarms(record: Record) -> Iterator[Part]:
    """Alarms that joined or recovered meanwhile; those the last turn did not see are called so."""
    unseen = record.updates[record.updates_shown :] if record.state == "ended" else ()
    seen = record.updates[: len(record.updates) - len(unseen)]
    late = "Too late for the last turn, so not considered here"
    yield Part("alarms that came too late", 3, _told(late, [update.text for update in unseen]))
    yield Part("alarms that came meanwhile", 7, _told("While it ran", [one.text for one in seen]))


def _told(title: str, texts: list[str]) -> tuple[Block, ...]:
    lines = [one_line(text, 250) for text in first(texts)]
    return (bullets(title, lines),) if lines else ()


def _call(call: Call, asked: CallMade | None) -> str:
    what = f"{call.tool_call_id} {one_line(call.tool, 100)}"
    if asked and asked.words:
        what = f"{asked.words} ({what})"
    answered = {"ok": "answered", "error": "no result", "open": "not answered"}[call.state]
    said = f"{answered}: {call.sentence}" if call.sentence else answered
    return f"{what}: {one_line(said, 200)}"
