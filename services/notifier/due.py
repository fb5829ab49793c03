"""What the sweep does about an investigation whose moment has come: conclude, or end it."""

from datetime import datetime

from bus.record import Commit, Record, conclude, end_from_outside


def decide_when_due(record: Record, now: datetime) -> Commit | None:
    """What the sweep commits at `now`, which is Redis time; the commit is the claim.

    Past the deadline the investigation ends as `timed_out`. From the conclude point on it
    concludes, and its next moment is the deadline even when there was nothing else to do.
    """
    if record.state == "ended":
        return None
    if now >= record.deadline_at:
        return end_from_outside(record, "timed_out", at=now, reason="the deadline was reached")
    if now < record.conclude_at:
        return Commit(record=record, due_at=record.conclude_at)
    commit = conclude(record, "deadline") or Commit(record=record)
    return Commit(record=commit.record, events=commit.events, due_at=record.deadline_at)
