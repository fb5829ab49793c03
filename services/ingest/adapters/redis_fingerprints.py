"""Ingest's own keys in Redis: what was written already, and which incident a fingerprint led to.

`fingerprint:content:<hash>` marks a written state change, `fingerprint:<hash>` holds the incident
last opened for it. Marking and appending is one script: a crash at any instant leaves both or none.
"""

import logging
from collections.abc import Sequence
from datetime import datetime
from importlib.resources import files

from redis.exceptions import RedisError, ResponseError

from bus.connection import as_text
from bus.envelope import entry_fields, flat
from bus.errors import Unavailable
from bus.events import DeadLetter, Event, IncidentOpened, InvestigationId
from bus.port import Bus
from bus.streams import INCIDENTS, KEPT_SECONDS, STREAM_OF
from services.ingest.ports import Written

log = logging.getLogger(__name__)
DISK_WAIT_MS = 3000


class RedisFingerprints:
    """Writes each content once, and waits for the disk where Redis can say so (7.2 and newer)."""

    def __init__(self, bus: Bus) -> None:
        self._bus = bus
        text = files(__package__).joinpath("append_once.lua").read_text(encoding="utf-8")
        self._append = bus.redis.register_script(text)
        self._can_wait_for_disk = True

    async def ready(self) -> None:
        """Redis takes writes; raises Unavailable when it does not."""
        try:
            # A full or read-only Redis answers a ping, so this writes.
            await self._bus.redis.set(self._key("ready"), "1", ex=60)
        except (RedisError, OSError) as error:
            raise _unavailable(error) from error

    async def now(self) -> datetime:
        """The time by Redis; raises Unavailable when it does not answer."""
        try:
            return await self._bus.investigations.now()
        except (RedisError, OSError) as error:
            raise _unavailable(error) from error

    async def kept(self) -> None:
        """Redis still is the one that was written to; raises Unavailable when it is not."""
        try:
            await self._bus.store.look()
        except (RedisError, OSError) as error:
            raise _unavailable(error) from error

    async def write_once(
        self, content: str, events: Sequence[Event], *, traceparent: str = "", opens: str = ""
    ) -> Written:
        """The events stand on their streams exactly once; raises Unavailable when unsure."""
        mark = self._key(f"content:{content}")
        pointer = self._key(opens) if opens else mark
        keys = [mark, pointer, *(self._stream_of(event) for event in events)]
        args = [str(KEPT_SECONDS), _incident_id(events) if opens else ""]
        for event in events:
            fields = flat(entry_fields(event, traceparent))
            args += [str(len(fields)), *fields]
        try:
            return await self._run(keys, args)
        except (RedisError, OSError) as error:
            raise _unavailable(error) from error

    async def running(self, fingerprint: str) -> InvestigationId | None:
        """The last investigation of that fingerprint, unless it has ended or none is known."""
        try:
            known = as_text(await self._bus.redis.get(self._key(fingerprint)))
            found = InvestigationId(known)
            record = await self._bus.investigations.read(found) if known else None
        except (RedisError, OSError) as error:
            raise _unavailable(error) from error
        except ValueError as error:
            log.error("the record of %s cannot be read: %s", known, error)
            return None
        # Without a record the incident waits to be opened: it is about to run.
        is_over = not known or (record is not None and record.state == "ended")
        return None if is_over else found

    async def _run(self, keys: list[str], args: list[str]) -> Written:
        # One pipeline, one connection: the wait covers what this connection wrote.
        pipeline = self._bus.redis.pipeline(transaction=False)
        await self._append(keys=keys, args=args, client=pipeline)
        if self._can_wait_for_disk:
            pipeline.execute_command("WAITAOF", 1, 0, DISK_WAIT_MS)
        written, *waited = await pipeline.execute(raise_on_error=False)
        if isinstance(written, Exception):
            raise written
        for key, entry_id in zip(keys[2:], written, strict=False):
            self._bus.store.saw(key, as_text(entry_id))
        return Written(first=bool(written), durable=self._is_on_disk(waited))

    def _is_on_disk(self, waited: Sequence[object]) -> bool:
        answer = waited[0] if waited else None
        if isinstance(answer, ResponseError):
            # An older Redis, or one without an append-only file: it never will.
            self._can_wait_for_disk = False
            return False
        if isinstance(answer, Exception):
            raise answer
        if isinstance(answer, list) and int(answer[0]) < 1:
            raise Unavailable(f"Redis has not put an entry on disk within {DISK_WAIT_MS} ms")
        return isinstance(answer, list)

    def _key(self, name: str) -> str:
        return f"{self._bus.keys.prefix}fingerprint:{name}"

    def _stream_of(self, event: Event) -> str:
        if isinstance(event, DeadLetter):
            return self._bus.keys.dead(INCIDENTS)
        return self._bus.keys.stream(STREAM_OF[type(event)])


def _incident_id(events: Sequence[Event]) -> str:
    return next(
        (str(event.incident_id) for event in events if isinstance(event, IncidentOpened)), ""
    )


def _unavailable(error: Exception) -> Unavailable:
    return Unavailable(
        f"Redis does not take entries: {error or type(error).__name__}", retry_in_seconds=1.0
    )
