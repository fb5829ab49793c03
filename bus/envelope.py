"""Event <-> stream entry, readable with `redis-cli`: plain fields, the event as JSON under `data`.

Fields: `event`, `id`, `version`, `traceparent`, `data`. An entry written by hand needs `data`
alone.
"""

import json
import math
import time
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime

from pydantic import ValidationError

from bus.errors import Rejected, Unavailable
from bus.events import EVENTS, SCHEMA_VERSION, Event, IncidentOpened
from bus.streams import Stream
from bus.tracing import Root, root_of
from bus.versions import HERE, Version

MAX_ENTRY_CHARACTERS = 1_000_000


def lease_clock() -> float:
    """Seconds on a clock that never jumps and, on Linux, goes on while the machine sleeps."""
    return time.clock_gettime(getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC))


@dataclass(kw_only=True)
class Entry:
    """One delivery of one stream entry to one consumer group."""

    stream: Stream
    group: str
    entry_id: str
    fields: Mapping[str, str]
    event_id: str = ""
    traceparent: str = ""
    delivery_count: int = 1
    acknowledged: bool = field(default=False)
    """Set by whoever acknowledged it as part of a commit."""
    held_until: float = field(default=math.inf)
    """Until then nobody else can have taken the entry over, by `lease_clock`."""

    def check_held(self) -> float:
        """Ask this before anything that the outside will see; until when it may be done.

        Raises Unavailable when this process was frozen or cut off for so long that the entry may
        have another owner by now; then it is left to whoever has it.
        """
        if lease_clock() > self.held_until:
            raise Unavailable("the lease on this entry has run out", retry_in_seconds=0.0)
        return self.held_until

    @property
    def written_at(self) -> datetime:
        """When the entry was appended, by Redis time."""
        return datetime.fromtimestamp(int(self.entry_id.split("-")[0]) / 1000, UTC)


def entry_fields(event: Event, traceparent: str = "") -> dict[str, str]:
    """The fields under which an event is appended, with a new id."""
    fields = {
        "event": event.name(),
        "id": uuid.uuid4().hex,
        "version": event.version,
        "data": event.model_dump_json(exclude_defaults=True),
    }
    return fields | ({"traceparent": traceparent} if traceparent else {})


def flat(fields: Mapping[str, str]) -> list[str]:
    """Fields as Redis takes them: name, value, name, value."""
    return [text for pair in fields.items() for text in pair]


def text_fields(raw: Mapping[bytes, bytes]) -> dict[str, str]:
    """The fields as text; bytes that are not UTF-8 are shown escaped, so that nothing is lost."""
    return {
        name.decode("utf-8", "backslashreplace"): value.decode("utf-8", "backslashreplace")
        for name, value in raw.items()
    }


def read_event(entry: Entry) -> Event:
    """The event in an entry; fills in the entry's event id, its trace context and an incident's id.

    Raises Rejected with what is wrong.
    """
    fields = entry.fields
    kind = _kind(entry)
    values = _values(fields)
    try:
        version = Version.of(fields.get("version", SCHEMA_VERSION))
    except ValueError as error:
        raise Rejected(str(error)) from None
    if version.major != HERE.major:
        raise Rejected(
            f"schema version {fields['version']} is not known here ({SCHEMA_VERSION} is)"
        )
    try:
        # What a later minor version adds is left out; anybody else's unknown field is a mistake.
        event = kind.model_validate(values, extra="ignore" if version > HERE else "forbid")
    except ValidationError as error:
        raise Rejected(f"{kind.name()}: {_first_problem(error)}") from None
    entry.event_id = fields.get("id") or entry.entry_id
    entry.traceparent = fields.get("traceparent", "")
    if isinstance(event, IncidentOpened):
        event = event.model_copy(
            update={"incident_id": event.incident_id or f"inc-{entry.entry_id}"}
        )
        entry.traceparent = incident_root(event, entry).traceparent
    return event


def incident_root(incident: IncidentOpened, entry: Entry) -> Root:
    """The root span's ids of an incident that came with this entry."""
    return root_of(str(incident.incident_id), entry.fields.get("traceparent", ""))


def _kind(entry: Entry) -> type[Event]:
    name = entry.fields.get("event")
    if name is None:
        return entry.stream.events[0]
    kind = EVENTS.get(name)
    if kind not in entry.stream.events:
        expected = " or ".join(event.name() for event in entry.stream.events)
        raise Rejected(
            f"event {name[:80]!r} does not belong on {entry.stream.name}: {expected} does"
        )
    return kind


def _values(fields: Mapping[str, str]) -> dict[str, object]:
    text = fields.get("data")
    if text is None:
        raise Rejected("there is no field `data`; it holds the event as a JSON object")
    if len(text) > MAX_ENTRY_CHARACTERS:
        raise Rejected(f"`data` has {len(text)} characters, more than {MAX_ENTRY_CHARACTERS}")
    try:
        values = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise Rejected(f"`data` is not JSON: {error}") from None
    if not isinstance(values, dict):
        raise Rejected(f"`data` must be a JSON object, not {type(values).__name__}")
    return values


def _first_problem(error: ValidationError) -> str:
    first = error.errors()[0]
    where = ".".join(str(part) for part in first["loc"]) or "data"
    more = f" (and {error.error_count() - 1} more)" if error.error_count() > 1 else ""
    return f"{where}: {first['msg']}{more}"
