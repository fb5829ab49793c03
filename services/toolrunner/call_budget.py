"""What an investigation may still spend on calls, from its record: checked before each call.

The reasoner keeps the same budget before it sends a call. This check does not rely on that: it
counts the calls that the toolrunner itself has started.
"""

from collections.abc import Collection
from datetime import datetime

from bus.record import Record
from services.toolrunner.policy import Facts


def facts_about(
    record: Record,
    call_id: str,
    *,
    started: Collection[str],
    allowed: int,
    now: datetime,
) -> Facts:
    """The facts about one call. `started`: ids of the calls whose start is recorded.

    Calls that were sent before this one count too, so that those under way together cannot pass
    the limit together.
    """
    open_ids: list[str] = list(record.open_calls)
    before = open_ids[: open_ids.index(call_id)] if call_id in open_ids else []
    return Facts(
        calls_used=len({*started, *before} - {call_id}),
        calls_allowed=allowed,
        seconds_left=int((record.deadline_at - now).total_seconds()),
        repeated=call_id in started,
    )


def over_budget(facts: Facts) -> str:
    """Why no further call may be made, empty when one may."""
    if facts.calls_used >= facts.calls_allowed:
        return f"the investigation has had its {facts.calls_allowed} tool calls"
    if facts.seconds_left <= 0:
        return "no time is left before the deadline"
    return ""
