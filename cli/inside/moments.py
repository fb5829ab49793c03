"""The timeline of an investigation: from its record, the audit, and the streams while they last."""

from collections.abc import Sequence
from datetime import UTC, datetime

from bus.events import Value
from bus.record import Record
from bus.streams import STOPS, TOOL_CALLS, UPDATES
from cli.inside.store import Found, Store
from services.reasoner.budget import TurnCost


class Moment(Value):
    """Something that happened, by Redis time, and how long after the incident was opened."""

    at: datetime
    after_seconds: float
    what: str


async def moments(
    record: Record,
    seen: Store,
    *,
    costs: Sequence[tuple[int, TurnCost]],
    audited: Sequence[Found],
) -> list[Moment]:
    """All that is known to have happened, in order."""
    known = [(record.opened_at, f"opened by {record.incident.trigger}")]
    known += [
        (cost.at, f"turn {turn}: {cost.model} replied ({cost.stop_reason})") for turn, cost in costs
    ]
    known += [(_at(found), _audited(found)) for found in audited]
    for stream in (TOOL_CALLS, UPDATES, STOPS):
        entries = await seen.entries_of(record, stream)
        known += [(_at(found), _happened(found)) for found in entries]
    if record.ended_at:
        reason = f": {record.reason}" if record.reason else ""
        known.append((record.ended_at, f"ended: {record.outcome}{reason}"))
    return [
        Moment(at=at, after_seconds=round((at - record.opened_at).total_seconds(), 3), what=what)
        for at, what in sorted(known, key=lambda moment: moment[0])
    ]


def _at(found: Found) -> datetime:
    return datetime.fromtimestamp(found.at_ms / 1000, UTC)


def _audited(found: Found) -> str:
    values = found.values
    size = f", {values['result_bytes']:,} bytes" if values.get("result_bytes") else ""
    named = f"{values.get('tool_call_id')} {values.get('tool')}"
    return f"{named}: {values.get('decision')}, {values.get('outcome')}{size}"


def _happened(found: Found) -> str:
    values = found.values
    match found.event:
        case "ToolCallRequested":
            return f"{values.get('tool_call_id')} {values.get('tool')} asked for"
        case "AlarmJoined":
            return f"an alarm joined: {(values.get('alarm') or {}).get('name', '')}"
        case "AlarmRecovered":
            return f"alarm {values.get('alarm_name')} recovered ({values.get('policy')})"
        case "InvestigationStopped":
            where = f"{values.get('channel')} {values.get('ts')}"
            return f"the final card stands in Slack: {where} (stop signal)"
        case "StopRequested":
            return f"stop requested: {values.get('outcome')} {values.get('reason', '')}".strip()
        case _:
            return found.event
