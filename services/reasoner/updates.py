"""What happens meanwhile: an alarm that joins, one that recovers. Each a pure decision."""

from datetime import datetime

from bus import record as records
from bus.events import AlarmJoined, AlarmRecovered
from bus.record import Commit, Record, Update


def after_join(record: Record, joined: AlarmJoined, *, source_id: str) -> Commit | None:
    """A later alarm of the same problem stands among the updates."""
    alarm = joined.alarm
    words = [alarm.name, joined.service, alarm.reason or alarm.description, joined.note]
    text = "another alarm of the same problem: " + "; ".join(word for word in words if word)
    return _updated(record, Update(kind="joined", text=text, source_id=source_id))


def after_recovery(
    record: Record, recovered: AlarmRecovered, *, source_id: str, at: datetime
) -> Commit | None:
    """The recovery stands among the updates, and its policy is followed."""
    name = recovered.alarm_name
    if recovered.policy == "stop":
        return records.end_from_outside(
            record, "recovered", at=at, reason=f"{name} went back to OK"
        )
    when = recovered.recovered_at.isoformat(timespec="seconds")
    text = f"alarm {name} went back to OK at {when}"
    commit = _updated(record, Update(kind="recovered", text=text, source_id=source_id))
    if commit is None or recovered.policy == "continue":
        return commit
    return Commit(record=commit.record.changed(concluding=record.concluding or "recovered"))


def _updated(record: Record, update: Update) -> Commit | None:
    if record.state == "ended" or any(u.source_id == update.source_id for u in record.updates):
        return None
    return Commit(record=record.changed(updates=(*record.updates, update)))
