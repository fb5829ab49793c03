"""What replicas of other releases would write, put into Redis as they would.

An investigation that another release opened: its record, its deadline, its first due turn and the
entry that it came with, all with the version texts and the extra fields of that release.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from bus.events import IncidentOpened
from bus.record import fields_of, new_record
from bus.streams import KEPT_SECONDS
from bus.tracing import root_of
from bus.versions import HERE
from tests.loop.desk import PREFIX, Desk

NEXT_MINOR = f"{HERE.major}.{HERE.minor + 1}"
LAST_MINOR = f"{HERE.major}.{HERE.minor - 1}"
NEXT_MAJOR = f"{HERE.major + 1}.0"
LATER_FIELD = {"colour": {"of": "the card", "is": ["red"]}}


@dataclass(frozen=True)
class Release:
    """A release by the schema version that it writes; what it adds where it adds something."""

    version: str
    adds: Mapping[str, object]

    def entry(self, desk: Desk, stream: str, event: str, *, values: Mapping[str, object]) -> str:
        """An entry of that release was appended; its id."""
        told = json.dumps(dict(values) | dict(self.adds))
        fields = {"event": event, "version": self.version, "data": told}
        entry_id: Any = desk.redis.xadd(PREFIX + stream, dict(fields.items()))
        return str(entry_id.decode())

    def incident(self, desk: Desk, summary: str, **values: object) -> str:
        """An incident that it published; the incident's id."""
        values = {"service": "cartservice", "summary": summary, **values}
        return f"inc-{self.entry(desk, 'incidents', 'IncidentOpened', values=values)}"

    def investigation(self, desk: Desk, name: str, *, deadline_seconds: float) -> str:
        """An investigation that it opened, at its first due turn; its id."""
        redis, fields = desk.redis, self.record(desk, name, deadline_seconds=deadline_seconds)
        key = f"{PREFIX}{name}:record"
        redis.hset(key, mapping=dict(fields.items()))
        redis.expire(key, KEPT_SECONDS)
        due = _now(desk) + timedelta(seconds=deadline_seconds * 4 / 5)
        redis.zadd(f"{PREFIX}deadlines", {name: due.timestamp()})
        self.incident(desk, f"HTTP 500 on checkout, {name}", incident_id=name)
        turn = {"investigation_id": name, "turn": 1}
        self.entry(desk, "turns", "TurnDue", values=turn)
        return name

    def record(self, desk: Desk, name: str, *, deadline_seconds: float) -> dict[str, str]:
        """The hash fields of a record at its first due turn, as that release writes them."""
        incident = IncidentOpened(
            service="cartservice", summary=f"HTTP 500 on checkout, {name}", incident_id=name
        )
        record = new_record(
            incident,
            opened_at=_now(desk),
            lasts=timedelta(seconds=deadline_seconds),
            root=root_of(name),
        ).changed(nonce="00" * 16)
        catalogue: Any = desk.redis.get(f"{PREFIX}catalogue:current")
        fields = fields_of(record) | {"version": "1", "catalogue": catalogue.decode()}
        if self.version == LAST_MINOR:
            del fields["schema_version"]
            return fields
        for part in ("spend", "incident"):
            fields[part] = json.dumps(json.loads(fields[part]) | dict(self.adds))
        added = {name: json.dumps(value) for name, value in self.adds.items()}
        return fields | added | {"schema_version": self.version}


def _now(desk: Desk) -> datetime:
    seconds: Any = desk.redis.time()
    return datetime.fromtimestamp(seconds[0] + seconds[1] / 1e6, UTC)


OLDER = Release(LAST_MINOR, {})
NEWER = Release(NEXT_MINOR, LATER_FIELD)
OTHER = Release(NEXT_MAJOR, LATER_FIELD)
