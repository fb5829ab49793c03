"""When an entry is set aside, what is recorded, and what becomes of its investigation.

Caps (design, section 2): three errors that the entry itself caused, or six deliveries, the last one
alone in its process. The outside being down counts as neither. What follows is written in
`bus.streams`, reader by reader.
"""

import json
import logging
import re
from dataclasses import dataclass, field
from datetime import datetime

from redis.asyncio import Redis

from bus.commits import Investigations
from bus.connection import Script
from bus.envelope import Entry, flat
from bus.events import (
    ID_PATTERN,
    DeadLetter,
    Event,
    InvestigationId,
    NoticeRequested,
    ToolCallFinished,
    ToolCallId,
)
from bus.record import Commit, Record, end_from_outside
from bus.streams import INCIDENTS, KEPT_SECONDS, STREAM_OF, Keys
from bus.versions import OtherRelease

log = logging.getLogger(__name__)
MAX_ERRORS, MAX_DELIVERIES = 3, 6
ERRORS, ALONE = "", " alone"
"""What is counted of an entry: the errors it caused, and that it began alone in its process."""


@dataclass
class DeadLetters:
    """Sets entries aside, in one script with everything that follows from it."""

    redis: Redis
    keys: Keys
    investigations: Investigations
    _append: Script = field(init=False)

    def __post_init__(self) -> None:
        self._append = Script(self.redis, "append")

    async def count(self, entry: Entry, what: str) -> int:
        """How often that happened to the entry, this time included."""
        key = self.keys.errors(entry.stream, entry.group)
        count = int(await self.redis.hincrby(key, entry.entry_id + what, 1))
        await self.redis.expire(key, KEPT_SECONDS)
        return count

    async def died_alone(self, entry: Entry, *, lease_seconds: float) -> bool:
        """Whether the entry's last owner began it alone and left it, by its own fault.

        It is not when Redis started within a lease: a healthy owner may not have renewed yet.
        """
        key = self.keys.errors(entry.stream, entry.group)
        if not await self.redis.hexists(key, entry.entry_id + ALONE):
            return False
        server = await self.redis.info("server")
        return int(server["uptime_in_seconds"]) >= lease_seconds

    async def forget(self, entry: Entry, *what: str) -> None:
        """It no longer matters."""
        key = self.keys.errors(entry.stream, entry.group)
        await self.redis.hdel(key, *[entry.entry_id + one for one in what])

    async def set_aside(
        self, entry: Entry, reason: str, *, readable: bool, trusted: bool = True
    ) -> None:
        """Write the dead letter, do what the reader's row says, acknowledge: one commit.

        One that is not trusted ends and answers nothing: it may name another's investigation.
        """
        reader = entry.stream.reader(entry.group)
        if not trusted:
            await self._refuse(entry, reason)
            return
        if not readable and reader.unreadable == "acknowledge":
            await self.investigations.acknowledge(entry)
            return
        reason = printable(reason)
        letter = _letter(entry, reason, now=await self.investigations.now())
        # An incident that cannot be read has opened nothing; the id it names may be another's.
        owned = readable or entry.stream is not INCIDENTS
        fails = owned and reader.set_aside == "fail the investigation"
        if fails and await self._fail(entry, letter):
            return
        events: list[Event] = [letter]
        due = ""
        match reader.set_aside:
            case "answer the call":
                events += _answer(entry, reason)
            case "sweep again":
                due = _investigation_of(entry)
            case "tell someone" | "fail the investigation":
                events += [_notice(entry, reason)]
            case "keep":
                pass
        await self._write(entry, events, due=due)

    async def _refuse(self, entry: Entry, reason: str) -> None:
        """Of a diagnosis the record says whether there is one, so the sweep looks there."""
        letter = _letter(entry, printable(reason), now=await self.investigations.now())
        row, name = entry.stream.reader(entry.group).set_aside, entry.stream.name
        text = f"An entry on {name} was refused: {reason}"[:2000]
        told = NoticeRequested(text=text, key=f"refused:{name}:{reason}")
        events: list[Event] = [letter] if row == "keep" else [letter, told]
        due = _investigation_of(entry) if row == "sweep again" else ""
        await self._write(entry, events, due=due)

    async def _fail(self, entry: Entry, letter: DeadLetter) -> bool:
        inv = InvestigationId(_investigation_of(entry))
        now = await self.investigations.now()

        def decide(record: Record) -> Commit | None:
            ended = end_from_outside(record, "failed", at=now, reason=letter.reason)
            ended = ended or Commit(record=record)
            events = (letter, *ended.events)
            return Commit(record=ended.record, events=events, dead_letter_of=entry.stream.name)

        try:
            applied = bool(inv) and await self.investigations.apply(inv, decide, entry=entry)
        except (OtherRelease, ValueError) as error:
            # A record that cannot be read cannot be ended either; then a person is told.
            log.error("%s cannot be ended as failed: %s", inv, error)
            return False
        return bool(applied)

    async def _write(self, entry: Entry, events: list[Event], *, due: str) -> None:
        streams = [
            self.keys.dead(entry.stream)
            if isinstance(event, DeadLetter)
            else self.keys.stream(STREAM_OF[type(event)])
            for event in events
        ]
        written = [
            flat(self.investigations.seals.fields(event, entry.traceparent)) for event in events
        ]
        now = await self.investigations.now()
        await self._append.run(
            [self.keys.stream(entry.stream), self.keys.deadlines, *streams],
            [
                *(entry.group, entry.entry_id, due, f"{now.timestamp():.3f}"),
                *(text for fields in written for text in (str(len(fields)), *fields)),
            ],
        )
        entry.acknowledged = True


def printable(text: str) -> str:
    """The text as it can be written: half a surrogate pair can be read in JSON, and no more."""
    return text.encode("utf-8", "backslashreplace").decode()


def _letter(entry: Entry, reason: str, *, now: datetime) -> DeadLetter:
    return DeadLetter(
        stream=entry.stream.name,
        group=entry.group,
        entry_id=entry.entry_id,
        reason=reason[:2000],
        delivery_count=entry.delivery_count,
        fields=dict(entry.fields),
        set_aside_at=now,
    )


def _notice(entry: Entry, reason: str) -> NoticeRequested:
    name = entry.stream.name
    text = f"An entry on {name} was set aside: {reason}"[:2000]
    return NoticeRequested(text=text, key=f"{_about(entry)}dead:{name}:{entry.entry_id}")


def _about(entry: Entry) -> str:
    """How the key of its notice begins, which says whose channel gets it: see docs/channels.md."""
    if entry.stream is not INCIDENTS:
        return f"incident:{inv}:" if (inv := _investigation_of(entry)) else ""
    service = str(_values(entry).get("service") or "")
    return f"service:{printable(service)[:200]}:" if service and ":" not in service else ""


def _answer(entry: Entry, reason: str) -> list[Event]:
    inv, call = _investigation_of(entry), _values(entry).get("tool_call_id")
    if not inv or not isinstance(call, str) or not re.match(ID_PATTERN, call):
        return [_notice(entry, reason)]
    answer = ToolCallFinished(
        investigation_id=InvestigationId(inv),
        tool_call_id=ToolCallId(call),
        ok=False,
        error=f"the call could not be made: {reason}"[:2000],
    )
    return [answer]


def _investigation_of(entry: Entry) -> str:
    name = "incident_id" if entry.stream is INCIDENTS else "investigation_id"
    found = _values(entry).get(name)
    if found is None and entry.stream is INCIDENTS:
        return f"inc-{entry.entry_id}"
    return found if isinstance(found, str) and re.match(ID_PATTERN, found) else ""


def _values(entry: Entry) -> dict[str, object]:
    try:
        values = json.loads(entry.fields.get("data", ""))
    except (ValueError, RecursionError):
        return {}
    return values if isinstance(values, dict) else {}
