"""The timeline of an investigation: its turns and tool calls, with what became of each and when."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from bus.record import Call, Record
from services.notifier.cutting import one_line
from services.notifier.facts import counted, turns
from services.notifier.thread_parts import Part

ARGUMENT_CHARACTERS = 160
ANSWER_CHARACTERS = 300


@dataclass(frozen=True, kw_only=True)
class Moments:
    """When things happened, in seconds since the incident was accepted; only what is known."""

    due: Mapping[int, float] = field(default_factory=dict)
    """By turn."""
    asked: Mapping[str, float] = field(default_factory=dict)
    """By tool call."""
    told: Mapping[str, float] = field(default_factory=dict)
    """When the result of each tool call stood."""


def timeline(
    record: Record,
    *,
    arguments: Mapping[str, str],
    answers: Mapping[str, str],
    moments: Moments,
) -> Iterator[Part]:
    """One part for each turn, then what came from outside, what was not seen, and the end.

    `arguments` by tool use, `answers` by tool call: what was said where there was no result.
    """
    asked = [int(call.tool_call_id.split("-")[0]) for call in record.calls]
    for turn in range(1, max([turns(record), *asked]) + 1):
        calls = record.calls_of(turn)
        at = f" · at {_seconds(moments.due[turn])}" if turn in moments.due else ""
        number = counted(len(calls), "tool call") if calls else "no tool call"
        lines = [
            _line(call, arguments.get(call.tool_use_id, ""), answers=answers, moments=moments)
            for call in calls
        ]
        yield Part(f"Turn {turn}{at} · {number}", "\n".join(lines))
    if record.updates:
        yield Part("While it ran", "\n".join(f"{one.kind}: {one.text}" for one in record.updates))
    if gaps := record.diagnosis.gaps if record.diagnosis else ():
        needed = [f" (would need: {gap.permission})" if gap.permission else "" for gap in gaps]
        said = [f"{gap.what}{needs}" for gap, needs in zip(gaps, needed, strict=True)]
        yield Part("Could not be seen", "\n".join(said))
    yield Part(_end(record), record.reason)


def _line(call: Call, arguments: str, *, answers: Mapping[str, str], moments: Moments) -> str:
    asked, told = moments.asked.get(call.tool_call_id), moments.told.get(call.tool_call_id)
    took = f" in {_seconds(told - asked)}" if asked is not None and told is not None else ""
    said = f"{call.tool_call_id} {call.tool} {one_line(arguments, ARGUMENT_CHARACTERS)}".strip()
    if call.state == "ok":
        return f"{said}: answered{took}"
    if call.state == "open":
        return f"{said}: not answered"
    why = one_line(call.sentence or answers.get(call.tool_call_id, ""), ANSWER_CHARACTERS)
    return f"{said}: no result{took}" + (f": {why}" if why else "")


def _end(record: Record) -> str:
    lasted = ((record.ended_at or record.opened_at) - record.opened_at).total_seconds()
    concluded = f", concluded early: {record.concluding}" if record.concluding else ""
    return f"Ended at {_seconds(lasted)} as {record.outcome or 'failed'}{concluded}"


def _seconds(seconds: float) -> str:
    if seconds < 60:
        return f"{max(0.0, seconds):.1f} s"
    return f"{int(seconds) // 60} min {int(seconds) % 60} s"
