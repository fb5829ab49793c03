"""Ingest's own keys in Redis: what was decided already, and where each problem stands.

`fingerprint:content:<hash>` marks what was read and links it, `fingerprint:problem:<fingerprint>`
says where a problem stands, `fingerprint:incident:<id>` and `fingerprint:decisions:<id>` what was
decided about it; `fingerprint:change:<id>` links each change, `fingerprint:series:<fingerprint>`
and `fingerprint:beyond:<fingerprint>` say which series fire, `fingerprint:over:<fingerprint>` which
ends were read lately, `fingerprint:objects:<fingerprint>` which lasting things fired lately. The
scripts in `scripts/` write them, and the streams in the same step.
"""

import logging
import secrets
from collections.abc import Sequence
from datetime import datetime
from functools import partial
from typing import Any

from redis.exceptions import RedisError

from bus.connection import as_text
from bus.envelope import flat, text_fields
from bus.errors import NightshiftError
from bus.events import (
    DeadLetter,
    Event,
    FeedbackGiven,
    IncidentId,
    IncidentOpened,
    InvestigationId,
    Outcome,
)
from bus.port import Bus
from bus.record import Record, end_from_outside
from bus.streams import INCIDENTS, KEPT_SECONDS, STREAM_OF
from bus.tracing import root_of
from services.ingest.adapters.redis_scripts import ON_DISK, RedisScripts, unavailable
from services.ingest.fingerprint import series_of
from services.ingest.limits import DEFAULTS, Limits
from services.ingest.ports import Recovery, Written
from services.ingest.stable_object import object_of
from services.ingest.trigger import Decision

log = logging.getLogger(__name__)
SAID_CHARACTERS = 300
SORT_SECONDS = 7200


class RedisFingerprints:
    """What `ports.Fingerprints` says, over the scripts."""

    def __init__(self, bus: Bus, limits: Limits = DEFAULTS) -> None:
        self._bus = bus
        self.scripts = RedisScripts(bus, limits)

    async def ready(self) -> None:
        """Redis takes writes; raises Unavailable when it does not."""
        try:
            # A full or read-only Redis answers a ping, so this writes.
            await self._bus.redis.set(self._key("ready"), "1", ex=60)
        except (RedisError, OSError) as error:
            raise unavailable(error) from error

    async def now(self) -> datetime:
        """The time by Redis; raises Unavailable when it does not answer."""
        try:
            return await self._bus.investigations.now()
        except (RedisError, OSError) as error:
            raise unavailable(error) from error

    async def kept(self) -> None:
        """Redis still is the one that was written to; raises Unavailable when it is not."""
        try:
            await self._bus.store.look()
        except (RedisError, OSError) as error:
            raise unavailable(error) from error

    async def write_once(
        self, content: str, events: Sequence[Event], *, traceparent: str = ""
    ) -> Written:
        """The events stand on their streams exactly once; raises Unavailable when unsure."""
        streams = [self._stream_of(event) for event in events]
        args = [str(KEPT_SECONDS)]
        for event in events:
            fields = flat(self._bus.seals.fields(event, traceparent))
            args += [str(len(fields)), *fields]
        keys = [self._key(f"content:{content}"), *streams]
        ids, durable = await self.scripts.run("append_once", keys, args=args)
        written = ids if isinstance(ids, list) else []
        for key, entry_id in zip(streams, written, strict=False):
            self._bus.store.saw(key, as_text(entry_id))
        return Written(first=bool(written), durable=durable)

    async def has_room(self, content: str, sort: str, *, most: int) -> bool:
        """Whether it was written, or is one of the first `most` of its sort within two hours."""
        key = self._key(f"sort:{sort}")
        try:
            if await self._bus.redis.exists(self._key(f"content:{content}")):
                return True
            async with self._bus.redis.pipeline(transaction=True) as pipe:
                pipe.set(key, 0, ex=SORT_SECONDS, nx=True)
                pipe.incr(key)
                _, count = await pipe.execute()
        except (RedisError, OSError) as error:
            raise unavailable(error) from error
        return int(count) <= most

    async def admit(
        self, incident: IncidentOpened, *, content: str, source: str, is_only_said: bool = False
    ) -> Decision:
        """The alarm joined, repeated, waits, opened or was folded: one script decides."""
        root = root_of(str(incident.incident_id)).traceparent
        again = IncidentId(f"inc-{secrets.token_hex(12)}")
        alarm = incident.alarm
        asked: dict[str, object] = {
            "content": content,
            "fingerprint": incident.fingerprint,
            "incident_id": incident.incident_id,
            "again": {"id": again, "traceparent": root_of(str(again)).traceparent},
            "traceparent": root,
            "entry": flat(self._bus.seals.fields(incident, root)),
            "severity": incident.severity,
            "only_said": "1" if is_only_said else "",
            "source": source or incident.trigger,
            "alarm": alarm.name if alarm else incident.trigger,
            "service": incident.service,
            "kind": incident.trigger,
            "said": incident.summary[:SAID_CHARACTERS],
            "changed": _ms(alarm.changed_at) if alarm else 0,
            "series": series_of(alarm, incident.trigger) if alarm else "",
            "object": object_of(alarm) if alarm else "",
        }
        return await self._decide("admit", f"content:{content}", asked=asked)

    async def recover(self, recovery: Recovery, *, content: str) -> Decision:
        """The recovery is news, a remark or nothing; under policy `stop` the record has ended."""
        mark, ended = f"content:{content}", ""
        if recovery.policy == "stop":
            ended = await self._ended_by(recovery, mark)
        asked: dict[str, object] = {
            "fingerprint": recovery.fingerprint,
            "alarm": recovery.alarm_name,
            "series": recovery.series,
            "recovered_at": recovery.at.isoformat(),
            "changed": _ms(recovery.at) if recovery.is_dated else 0,
            "policy": recovery.policy,
            "ended": ended,
        }
        return await self._decide("recover", mark, asked=asked)

    async def end(
        self, investigation_id: InvestigationId, outcome: Outcome, *, reason: str
    ) -> Decision:
        """The record has ended, by this or before; its reason says which."""
        inv = str(investigation_id)
        try:
            before = await self._bus.investigations.read(investigation_id)
            record = await self._end(investigation_id, outcome, reason=reason)
            known = await self._bus.redis.exists(self._key(f"incident:{inv}"))
        except ValueError as error:
            log.error("the record of %s cannot be read: %s", inv, error)
            return Decision("ignored", f"{inv} cannot be read by this release", inv)
        except NightshiftError as error:
            return Decision("ignored", f"{inv} cannot be ended here: {error}", inv)
        except (RedisError, OSError) as error:
            raise unavailable(error) from error
        if record is None and known:
            return Decision("ignored", f"{inv} is only just being opened; try again soon", inv)
        if record is None:
            return Decision("ignored", f"there is no investigation {inv[:64]}")
        if before is None or before.state == "ended" or record.outcome != outcome:
            return Decision("ignored", f"{inv} had ended already: {record.outcome}", inv)
        return Decision("stopped", record.reason, inv, durable=False)

    async def judge(self, said: FeedbackGiven) -> Decision:
        """FeedbackGiven stands once for what that person says now; `rearmed` in the script."""
        inv = said.investigation_id
        record = await self._record(inv)
        parent = (record.trace if record else root_of(inv)).traceparent
        problem = record.incident.fingerprint if record else await self._problem_of(inv)
        said = said.model_copy(update={"fingerprint": problem or said.fingerprint})
        asked: dict[str, object] = {
            "incident_id": inv,
            "fingerprint": said.fingerprint,
            "person": said.person,
            "said": f"{said.useful} {said.reason}",
            "useful": said.useful,
            "entry": flat(self._bus.seals.fields(said, parent)),
        }
        return await self._decide("judge", f"judged:{inv}", asked=asked)

    async def note(self, decision: Decision, *, alarm: str = "") -> None:
        """The decision stands among those of its incident, else of the window."""
        asked: dict[str, object] = {
            "incident_id": decision.incident_id,
            "outcome": decision.outcome,
            "reason": decision.reason[:SAID_CHARACTERS],
            "alarm": alarm,
        }
        await self._decide("note", "ready", asked=asked)

    async def _decide(self, name: str, key: str, *, asked: dict[str, object]) -> Decision:
        told = await self.scripts.decide(name, self._key(key), asked=asked)
        return Decision(told["outcome"], told["reason"], told["incident"], told[ON_DISK])

    async def _ended_by(self, recovery: Recovery, mark: str) -> str:
        """The investigation that this recovery ended, now or at an earlier try; else nothing."""
        redis, key = self._bus.redis, self._key(f"problem:{recovery.fingerprint}")
        try:
            if await redis.exists(self._key(mark)):
                return ""
            incident, state = map(as_text, await redis.hmget(key, ["incident", "state"]))
            if state != "open" or not await self._is_last(recovery):
                return ""
            said = f"{recovery.alarm_name} went back to OK"
            record = await self._end(InvestigationId(incident), "recovered", reason=said)
        except ValueError as error:
            log.error("the investigation of %s was not ended: %s", recovery.alarm_name, error)
            return ""
        except (RedisError, OSError) as error:
            raise unavailable(error) from error
        return incident if record and record.outcome == "recovered" else ""

    async def _is_last(self, recovery: Recovery) -> bool:
        """Whether nothing else of its problem fires, nor itself since; as the script sees it."""
        redis, beyond = self._bus.redis, self._key(f"beyond:{recovery.fingerprint}")
        raw: Any = await redis.hgetall(self._key(f"series:{recovery.fingerprint}"))
        series = text_fields(raw)
        among = as_text(await redis.hget(beyond, recovery.series))
        is_one = int(await redis.hlen(beyond)) == (1 if among else 0)
        own = series.pop(f"f:{recovery.series}", "") or among
        is_older = recovery.is_dated and _ms(recovery.at) < int(own.split(":")[0] or 0)
        others = [name for name in series if name.startswith("f:")]
        return bool(own) and is_one and not (is_older or others)

    async def _end(
        self, investigation_id: InvestigationId, outcome: Outcome, *, reason: str
    ) -> Record | None:
        now = await self._bus.investigations.now()
        decide = partial(end_from_outside, outcome=outcome, at=now, reason=reason)
        return await self._bus.investigations.apply(investigation_id, decide)

    async def _record(self, investigation_id: InvestigationId) -> Record | None:
        try:
            return await self._bus.investigations.read(investigation_id)
        except (RedisError, OSError) as error:
            raise unavailable(error) from error
        except (NightshiftError, ValueError) as error:
            log.error("the record of %s cannot be read: %s", investigation_id, error)
            return None

    async def _problem_of(self, incident: str) -> str:
        try:
            key = self._key(f"incident:{incident}")
            return as_text(await self._bus.redis.hget(key, "fingerprint"))
        except (RedisError, OSError) as error:
            raise unavailable(error) from error

    def _key(self, name: str) -> str:
        return self.scripts.key(name)

    def _stream_of(self, event: Event) -> str:
        if isinstance(event, DeadLetter):
            return self._bus.keys.dead(INCIDENTS)
        return self._bus.keys.stream(STREAM_OF[type(event)])


def _ms(moment: datetime | None) -> int:
    return round(moment.timestamp() * 1000) if moment else 0
