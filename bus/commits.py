"""The one port to an investigation's state: read, decide, commit.

`apply` is the heart (design, section 2): read the record, ask the pure `decide`, write what it
returns if the record's version still stands, else read and decide again. Writing state, appending
outgoing events and acknowledging the incoming entry is one script.
"""

import json
import secrets
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from redis.asyncio import Redis
from redis.exceptions import ResponseError

from bus import record as records
from bus.cleaning import clean
from bus.connection import Script, as_text
from bus.envelope import Entry, flat, incident_root
from bus.events import DeadLetter, Event, IncidentOpened, InvestigationId, TurnDue
from bus.record import Commit, Record
from bus.results import attachment_fields
from bus.seals import UNSIGNED, Seals
from bus.streams import INCIDENTS, KEPT_SECONDS, STREAM_OF, TURNS, Keys

Decide = Callable[[Record], Commit | None]


@dataclass
class Investigations:
    """Records and transcripts of all investigations, as one service sees them."""

    redis: Redis
    keys: Keys
    lasts: timedelta
    """From an incident's acceptance to its deadline."""
    seals: Seals = UNSIGNED
    _open: Script = field(init=False)
    _write: Script = field(init=False)

    def __post_init__(self) -> None:
        self._open = Script(self.redis, "open")
        self._write = Script(self.redis, "commit")

    async def now(self) -> datetime:
        """The time by Redis, the only clock of deadlines."""
        seconds, microseconds = await self.redis.time()
        return datetime.fromtimestamp(int(seconds) + int(microseconds) / 1e6, UTC)

    async def read(self, investigation_id: InvestigationId) -> Record | None:
        """The record as it stands, or None where there is none."""
        try:
            raw = await self.redis.hgetall(self.keys.of(investigation_id, "record"))
        except ResponseError as error:
            if "WRONGTYPE" in str(error):
                raise ValueError(f"what stands for its record is none: {error}") from None
            raise
        if not raw:
            return None
        return records.record_from({as_text(name): as_text(value) for name, value in raw.items()})

    async def transcript(self, investigation_id: InvestigationId) -> list[dict[str, object]]:
        """Every message that was sent and received, verbatim, in order."""
        raw = await self.redis.lrange(self.keys.of(investigation_id, "transcript"), 0, -1)
        return [json.loads(message) for message in raw]

    async def open(self, incident: IncidentOpened, entry: Entry, *, acknowledge: bool) -> Record:
        """The incident's record, created with deadline and first due turn if it did not stand.

        Whichever group is first creates it; the other finds it. Everything in it is a function of
        the entry. Texts are cleaned here once more, for entries written by hand.
        """
        incident = _cleaned(incident)
        record = records.new_record(
            incident,
            opened_at=entry.written_at,
            lasts=self.lasts,
            root=incident_root(incident, entry),
        ).changed(nonce=secrets.token_hex(16))
        fields = flat(records.fields_of(record))
        due = TurnDue(investigation_id=record.investigation_id, turn=1)
        turn = flat(self.seals.fields(due, record.trace.traceparent))
        attached = attachment_fields(incident.attachments)
        inv = record.investigation_id
        await self._open.run(
            [
                self.keys.of(inv, "record"),
                self.keys.of(inv, "results"),
                self.keys.deadlines,
                self.keys.stream(TURNS),
                self.keys.current_catalogue,
                self.keys.stream(INCIDENTS),
            ],
            [
                *(str(len(fields)), str(len(turn)), str(len(attached))),
                *(inv, _seconds(record.conclude_at), str(KEPT_SECONDS)),
                *((entry.group, entry.entry_id) if acknowledge else ("", "")),
                *fields,
                *turn,
                *attached,
            ],
        )
        entry.acknowledged = entry.acknowledged or acknowledge
        stands = await self.read(inv)
        return stands or record

    async def apply(
        self,
        investigation_id: InvestigationId,
        decide: Decide,
        *,
        entry: Entry | None = None,
        known: Record | None = None,
    ) -> Record | None:
        """The record after the decision took effect, or as it stands when it has none.

        `decide` may be called several times and must be pure. When it returns None, that must be
        final (true at every later version); then the entry is acknowledged. Without a record the
        entry is left alone and None is returned. A `known` record is tried first, unread.
        """
        while True:
            record = known or await self.read(investigation_id)
            if record is None:
                return None
            commit = decide(record)
            if commit is None and known is None:
                if entry is not None:
                    await self.acknowledge(entry)
                return record
            if commit is not None and await self.commit(record, commit, entry=entry):
                return commit.record.changed(version=record.version + 1)
            known = None

    async def acknowledge(self, entry: Entry) -> None:
        """Take the entry out of its group's pending list."""
        await self.redis.xack(self.keys.stream(entry.stream), entry.group, entry.entry_id)
        entry.acknowledged = True

    async def commit(self, before: Record, commit: Commit, *, entry: Entry | None = None) -> bool:
        """Write the decision if `before` still is the record's version; whether it was written."""
        fields = flat(records.fields_of(commit.record, but=before))
        messages = [json.dumps(message, ensure_ascii=False) for message in commit.transcript]
        # Under the root, not under this hop's span: that one is lost when this process is killed.
        parent = commit.record.trace.traceparent
        outgoing = [flat(self.seals.fields(event, parent)) for event in commit.events]
        inv = commit.record.investigation_id
        parts = ("record", "transcript", "calls", "results", "slack")
        keys = [
            *(self.keys.of(inv, part) for part in parts),
            self.keys.deadlines,
            self.keys.stream(entry.stream) if entry else self.keys.deadlines,
            self.keys.spend(commit.spend_day),
            *(self._stream_of(event, commit) for event in commit.events),
        ]
        args = [
            *(str(before.version), str(len(fields)), str(len(messages)), inv),
            _due(before, commit),
            str(KEPT_SECONDS),
            *((entry.group, entry.entry_id) if entry else ("", "")),
            *(commit.reservation, repr(commit.spent_usd), "1" if _closes(commit.record) else ""),
            *fields,
            *messages,
            *(text for event in outgoing for text in (str(len(event)), *event)),
        ]
        written = await self._write.run(keys, args) == 1
        if written and entry is not None:
            entry.acknowledged = True
        return written

    def _stream_of(self, event: Event, commit: Commit) -> str:
        if isinstance(event, DeadLetter):
            return f"{self.keys.prefix}{commit.dead_letter_of}.dead"
        return self.keys.stream(STREAM_OF[type(event)])


def _cleaned(incident: IncidentOpened) -> IncidentOpened:
    alarm = incident.alarm
    if alarm is not None:
        alarm = alarm.model_copy(
            update={"description": clean(alarm.description), "reason": clean(alarm.reason)}
        )
    return incident.model_copy(
        update={
            "summary": clean(incident.summary),
            "note": clean(incident.note),
            "alarm": alarm,
            "attachments": {name: clean(text) for name, text in incident.attachments.items()},
        }
    )


def _closes(record: Record) -> bool:
    """Whether the step leads to the end, so that it must work when Redis is full, too."""
    return record.state == "ended" or bool(record.concluding)


def _due(before: Record, commit: Commit) -> str:
    # Only the step that ends: later the id may be in the set again, for want of a card.
    if commit.record.state == "ended" and before.state != "ended":
        return "end"
    return _seconds(commit.due_at) if commit.due_at else ""


def _seconds(moment: datetime) -> str:
    return f"{moment.timestamp():.3f}"
