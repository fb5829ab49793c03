"""Short ways to a record and an entry, for tests."""

from datetime import UTC, datetime, timedelta

from bus.broker import Bus
from bus.envelope import Entry
from bus.events import IncidentOpened, ToolCallId
from bus.record import Call, Commit, Record, new_record
from bus.streams import INCIDENTS
from bus.tracing import root_of

OPENED_AT = datetime(2026, 11, 24, 3, 0, tzinfo=UTC)


def an_incident(incident_id: str = "inc-1") -> IncidentOpened:
    """An incident about the cart service."""
    return IncidentOpened(
        service="cartservice", summary="HTTP 500 on checkout", incident_id=incident_id
    )


def a_record(**changes: object) -> Record:
    """A record at its first due turn, with a deadline 300 s away, and those fields changed."""
    record = new_record(
        an_incident(), opened_at=OPENED_AT, lasts=timedelta(seconds=300), root=root_of("inc-1")
    )
    return record.changed(**changes)


def waiting_for(*call_ids: str) -> Record:
    """A record that awaits those calls of turn 1."""
    calls = tuple(
        Call(tool_call_id=ToolCallId(call_id), tool_use_id=f"tu-{call_id}", tool="k__logs")
        for call_id in call_ids
    )
    return a_record(state="awaiting_tools", calls=calls)


def closing(record: Record, call_id: str) -> Commit:
    """A commit that closes one open call as ok."""
    calls = tuple(
        call.model_copy(update={"state": "ok"}) if call.tool_call_id == call_id else call
        for call in record.calls
    )
    return Commit(record=record.changed(calls=calls))


async def opened(bus: Bus, incident_id: str = "inc-1") -> Record:
    """A record that stands in Redis, from an entry that stands on the stream."""
    incident = an_incident(incident_id)
    return await bus.investigations.open(incident, await an_entry(bus, incident), acknowledge=False)


async def an_entry(bus: Bus, incident: IncidentOpened) -> Entry:
    """An entry on `incidents`, as the reasoner's group would get it."""
    entry_id = await bus.publish(incident)
    fields = {"data": incident.model_dump_json()}
    return Entry(stream=INCIDENTS, group="reasoner", entry_id=entry_id, fields=fields)
