"""What becomes of one delivery: handled once, acknowledged, handed back or set aside.

Handlers only raise or return; the error tree (`bus.errors`) says what each exception means.
"""

import asyncio
import logging
import re
import time
from collections.abc import Awaitable
from dataclasses import dataclass, field

from opentelemetry.trace import SpanKind
from opentelemetry.util.types import AttributeValue
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import RedisError
from redis.exceptions import TimeoutError as RedisTimeoutError

from bus import conventions as names
from bus import metrics
from bus.dead_letter import ALONE, ERRORS, MAX_DELIVERIES, MAX_ERRORS, DeadLetters, printable
from bus.envelope import Entry, read_event, text_fields
from bus.errors import InvestigationEnded, Rejected, Retryable, Unavailable
from bus.events import Event
from bus.lease import Leases
from bus.logs import about
from bus.port import Bus, Handle, Route
from bus.room import SUSPECT_DEATHS, Room
from bus.seals import Unsealed
from bus.streams import Reader, Stream
from bus.versions import OtherRelease

log = logging.getLogger(__name__)
ROOM_SECONDS = 0.2
"""Time for what came back together with a suspect to be handed back uncounted, before it starts."""
REDIS_IS_UNWELL = re.compile(
    r"(ERR )?(Error running script \(call to f_\w+\): (@user_script: ?\d+: )+-?)?"  # Redis 6.2
    r"(OOM|READONLY|LOADING|MISCONF|NOREPLICAS|BUSY|UNKILLABLE|NOPERM|NOAUTH|NOSCRIPT|MASTERDOWN"
    r"|CLUSTERDOWN|TRYAGAIN|MOVED|ASK|The user executing the script|Script killed by user) "
)
"""Errors begin like that; what may come from an entry stands further behind."""


@dataclass
class Deliveries:
    """Takes deliveries of a service's entries to its handlers."""

    bus: Bus
    routes: tuple[Route, ...]
    leases: Leases
    dead_letters: DeadLetters
    _working: dict["asyncio.Task[None]", str] = field(default_factory=dict)
    room: Room = field(init=False)

    def __post_init__(self) -> None:
        self.room = Room(min(1.0, self.bus.settings.lease_seconds / 4))

    def stop_work(self, investigation_id: str) -> int:
        """Cancel whatever is being done here for an ended investigation; how much it was."""
        tasks = [task for task, inv in self._working.items() if inv == investigation_id]
        for task in tasks:
            task.cancel("stopped")
        return len(tasks)

    async def deliver(
        self, stream: Stream, reader: Reader, *, entry_id: str, raw: dict[bytes, bytes]
    ) -> None:
        """Handle one delivery; afterwards the entry is acknowledged, handed back or set aside.

        Only a cancellation from outside (shutdown) leaves it pending, to be handed over.
        """
        entry = Entry(stream=stream, group=reader.group, entry_id=entry_id, fields=text_fields(raw))
        about("")
        started = time.monotonic()
        ended = "lost"
        try:
            if not await self.leases.take(entry):
                return
            try:
                ended = await self._settle(entry)
            finally:
                self.leases.let_go(entry)
        except (RedisError, OSError) as error:
            log.warning("entry %s on %s waits for Redis: %s", entry_id, stream.name, error)
            self.leases.owe(entry)
        finally:
            metrics.DELIVERIES.add(1, {"stream": stream.name, "ended": ended})
            metrics.HANDLING_SECONDS.record(time.monotonic() - started, {"stream": stream.name})
        if ended == "makes room":
            await asyncio.sleep(self.room.seconds)  # or the reader would turn over a backlog

    async def _settle(self, entry: Entry) -> str:
        lease = self.bus.settings.lease_seconds
        died_alone = self.dead_letters.died_alone
        # Its healthy owner was cut off with us, and we were back before it.
        judged = entry.delivery_count > MAX_DELIVERIES and not self.bus.store.was_cut_off()
        if judged and await died_alone(entry, lease_seconds=lease):
            reason = f"its owner died or froze {entry.delivery_count - 1} times while handling it"
            return await self._set_aside(entry, reason)
        with self.room.enter(entry) as may_start:
            if may_start:
                return await self._try(entry) if await self._begins(entry) else "lost"
        await self.leases.hand_back(entry, after_seconds=self.room.seconds)
        return "makes room"

    async def _begins(self, entry: Entry) -> bool:
        """Whether the entry is still ours once it has the room that it needs."""
        if entry.delivery_count > SUSPECT_DEATHS:
            await asyncio.sleep(ROOM_SECONDS)
        if entry.delivery_count >= MAX_DELIVERIES:
            await self.dead_letters.forget(entry, ALONE)
            if not await self._leased(self.room.alone(), entry):
                return False
            await self.dead_letters.count(entry, ALONE)
        return True

    async def _try(self, entry: Entry) -> str:
        try:
            self.bus.seals.check(entry)
            event = read_event(entry)
        except Rejected as error:
            trusted = not isinstance(error, Unsealed)
            return await self._set_aside(entry, str(error), readable=False, trusted=trusted)
        inv = str(getattr(event, "investigation_id", "") or getattr(event, "incident_id", ""))
        about(inv, entry.traceparent)
        try:
            if not await self._handle(event, entry):
                return "lost"
        except InvestigationEnded:
            pass
        except Rejected as error:
            return await self._set_aside(entry, str(error))
        except Exception as error:
            return await self._after_error(entry, error)
        if not entry.acknowledged:
            await self.bus.investigations.acknowledge(entry)
        if entry.delivery_count > 1:
            await self.dead_letters.forget(entry, ERRORS, ALONE)
        return "done"

    async def _handle(self, event: Event, entry: Entry) -> bool:
        """Whether the entry is still ours when its handler is done or was stopped."""
        handle = next((r.handle for r in self.routes if r.event is type(event)), None)
        if handle is None:
            return True
        inv = str(getattr(event, "investigation_id", ""))
        return await self._leased(self._in_span(handle, event, entry=entry), entry, inv=inv)

    async def _leased(self, work: Awaitable[None], entry: Entry, *, inv: str = "") -> bool:
        task = asyncio.ensure_future(work)
        self._working[task] = inv
        self.leases.started(entry, task)
        try:
            await task
        except asyncio.CancelledError:
            current = asyncio.current_task()
            if current is not None and current.cancelling():
                task.cancel()
                raise
            if self.leases.is_lost(entry):
                return False
            if not task.cancelling():
                raise Retryable("its handler was cancelled by nobody but itself") from None
        finally:
            self.leases.finished(entry)
            del self._working[task]
        return True

    async def _in_span(self, handle: Handle, event: Event, *, entry: Entry) -> None:
        attributes: dict[str, AttributeValue] = {
            names.MESSAGING: "redis",
            names.MESSAGING_OPERATION: "process",
            names.MESSAGING_TYPE: "process",
            names.STREAM: entry.stream.name,
            names.GROUP: entry.group,
            names.MESSAGE: entry.entry_id,
            names.DELIVERY: entry.delivery_count,
            names.REPLICA: self.bus.settings.consumer,
            names.INCIDENT: getattr(event, "investigation_id", getattr(event, "incident_id", "")),
        }
        with self.bus.tracing.span(
            f"process {entry.stream.name}",
            kind=SpanKind.CONSUMER,
            parent=entry.traceparent,
            attributes=attributes,
        ):
            await handle(event, entry)

    async def _after_error(self, entry: Entry, error: Exception) -> str:
        lease = self.bus.settings.lease_seconds
        if isinstance(error, OtherRelease) and await self._deadline_is_past(entry):
            return await self._set_aside(entry, str(error))
        if isinstance(error, Unavailable) or _redis_is_unwell(error):
            wait = error.retry_in_seconds if isinstance(error, Unavailable) else 2.0
            log.info("entry %s on %s waits: %s", entry.entry_id, entry.stream.name, error)
            await self.leases.hand_back(entry, after_seconds=min(wait, lease))
            return "waits"
        errors = await self.dead_letters.count(entry, ERRORS)
        log.error("entry %s on %s failed", entry.entry_id, entry.stream.name, exc_info=error)
        if errors >= MAX_ERRORS:
            reason = f"failed {errors} times, at last with {type(error).__name__}: {error}"
            return await self._set_aside(entry, reason)
        await self.leases.hand_back(entry, after_seconds=min(2.0**errors / 2, lease))
        return "failed"

    async def _deadline_is_past(self, entry: Entry) -> bool:
        age = await self.bus.investigations.now() - entry.written_at
        return age.total_seconds() > self.bus.settings.deadline_seconds

    async def _set_aside(
        self, entry: Entry, reason: str, *, readable: bool = True, trusted: bool = True
    ) -> str:
        reason = printable(reason)
        log.error("entry %s on %s is set aside: %s", entry.entry_id, entry.stream.name, reason)
        await self.dead_letters.set_aside(entry, reason, readable=readable, trusted=trusted)
        await self.dead_letters.forget(entry, ERRORS, ALONE)
        metrics.DEAD_LETTERS.add(1, {"stream": entry.stream.name})
        return "set aside"


def _redis_is_unwell(error: Exception) -> bool:
    away = isinstance(error, RedisConnectionError | RedisTimeoutError)
    # redis-py cuts off the codes that it knows.
    code = (error.status_code or "") if isinstance(error, RedisError) else "no code"
    return away or REDIS_IS_UNWELL.match(f"{code} {error}".lstrip()) is not None
