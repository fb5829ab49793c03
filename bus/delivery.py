"""What becomes of one delivery: handled once, acknowledged, handed back or set aside.

Handlers only raise or return; the error tree (`bus.errors`) says what each exception means.
"""

import asyncio
import logging
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from opentelemetry.trace import SpanKind
from opentelemetry.util.types import AttributeValue
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import OutOfMemoryError, ReadOnlyError, RedisError, ResponseError
from redis.exceptions import TimeoutError as RedisTimeoutError

from bus import metrics
from bus.dead_letter import MAX_DELIVERIES, MAX_ERRORS, DeadLetters, printable
from bus.envelope import Entry, read_event, text_fields
from bus.errors import InvestigationEnded, Rejected, Unavailable
from bus.events import Event
from bus.lease import Leases
from bus.port import Bus, Handle, Route
from bus.streams import Reader, Stream
from bus.versions import OtherRelease

log = logging.getLogger(__name__)
SUSPECT_DEATHS = 2
"""So many owners may die by chance; from then on the entry itself may be what kills them."""
ROOM_SECONDS = 0.2
"""Time for what came back together with a suspect to be handed back uncounted, before it starts."""
REDIS_IS_UNWELL = ("OOM ", "READONLY ", "LOADING ", "MISCONF ", "NOREPLICAS ")


@dataclass
class Deliveries:
    """Takes deliveries of a service's entries to its handlers."""

    bus: Bus
    routes: tuple[Route, ...]
    leases: Leases
    dead_letters: DeadLetters
    _working: dict[str, set["asyncio.Task[None]"]] = field(default_factory=dict)
    _suspects: int = 0

    def stop_work(self, investigation_id: str) -> int:
        """Cancel whatever is being done here for an ended investigation; how much it was."""
        tasks = self._working.get(investigation_id, set())
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
        started = time.monotonic()
        ended = "lost"
        try:
            if not await self.leases.take(entry):
                return
            try:
                with self._beside_few(entry) as may_start:
                    ended = await self._settle(entry) if may_start else await self._make_room(entry)
            finally:
                self.leases.let_go(entry)
        except (RedisError, OSError) as error:
            log.warning("entry %s on %s waits for Redis: %s", entry_id, stream.name, error)
            self.leases.owe(entry)
        finally:
            labels = {"stream": stream.name, "ended": ended}
            metrics.DELIVERIES.add(1, labels)
            metrics.HANDLING_SECONDS.record(time.monotonic() - started, {"stream": stream.name})

    @contextmanager
    def _beside_few(self, entry: Entry) -> Iterator[bool]:
        """Whether the entry may be handled now; the more owners it has lost, the fewer beside it.

        What kills its process takes with it whatever is being handled there, and all of that comes
        back together. Unless the innocent are sorted out, all of them reach the cap at once.
        """
        deaths = entry.delivery_count - 1
        if not SUSPECT_DEATHS <= deaths < MAX_DELIVERIES:
            yield True
            return
        may_start = self._suspects < 2 ** (MAX_DELIVERIES - entry.delivery_count)
        self._suspects += may_start
        try:
            yield may_start
        finally:
            self._suspects -= may_start

    async def _make_room(self, entry: Entry) -> str:
        wait = min(1.0, self.bus.settings.lease_seconds / 4)
        await self.leases.hand_back(entry, after_seconds=wait, counted=False)
        return "waits"

    async def _settle(self, entry: Entry) -> str:
        if entry.delivery_count > MAX_DELIVERIES:
            reason = f"its owner died or froze {entry.delivery_count - 1} times while handling it"
            return await self._set_aside(entry, reason, readable=True)
        try:
            event = read_event(entry)
        except Rejected as error:
            return await self._set_aside(entry, str(error), readable=False)
        try:
            await self._handle(event, entry)
        except InvestigationEnded:
            pass
        except Rejected as error:
            return await self._set_aside(entry, str(error), readable=True)
        except Exception as error:
            return await self._after_error(entry, error)
        if not entry.acknowledged:
            await self.bus.investigations.acknowledge(entry)
        if entry.delivery_count > 1:
            await self.dead_letters.forget_errors(entry)
        return "done"

    async def _handle(self, event: Event, entry: Entry) -> None:
        handle = next((r.handle for r in self.routes if r.event is type(event)), None)
        if handle is None:
            return
        if entry.delivery_count > SUSPECT_DEATHS:
            await asyncio.sleep(ROOM_SECONDS)
        inv = str(getattr(event, "investigation_id", ""))
        task = asyncio.ensure_future(self._in_span(handle, event, entry=entry))
        self._working.setdefault(inv, set()).add(task)
        self.leases.started(entry, task)
        try:
            await task
        except asyncio.CancelledError:
            current = asyncio.current_task()
            if current is not None and current.cancelling():
                task.cancel()
                raise
            if self.leases.is_lost(entry):
                entry.acknowledged = True  # the new owner's business, not ours
        finally:
            self.leases.finished(entry)
            self._working[inv].discard(task)
            if not self._working[inv]:
                del self._working[inv]

    async def _in_span(self, handle: Handle, event: Event, *, entry: Entry) -> None:
        attributes: dict[str, AttributeValue] = {
            "messaging.system": "redis",
            "messaging.operation.type": "process",
            "messaging.destination.name": entry.stream.name,
            "messaging.consumer.group.name": entry.group,
            "messaging.message.id": entry.entry_id,
            "nightshift.delivery": entry.delivery_count,
            "nightshift.replica": self.bus.settings.consumer,
            "nightshift.incident.id": str(
                getattr(event, "investigation_id", "") or getattr(event, "incident_id", "")
            ),
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
            return await self._set_aside(entry, str(error), readable=True)
        if isinstance(error, Unavailable) or _redis_is_unwell(error):
            wait = error.retry_in_seconds if isinstance(error, Unavailable) else 2.0
            log.info("entry %s on %s waits: %s", entry.entry_id, entry.stream.name, error)
            await self.leases.hand_back(entry, after_seconds=min(wait, lease), counted=False)
            return "waits"
        errors = await self.dead_letters.count_error(entry)
        log.error("entry %s on %s failed", entry.entry_id, entry.stream.name, exc_info=error)
        if errors >= MAX_ERRORS:
            reason = f"failed {errors} times, at last with {type(error).__name__}: {error}"
            return await self._set_aside(entry, reason, readable=True)
        await self.leases.hand_back(entry, after_seconds=min(2.0**errors / 2, lease), counted=False)
        return "failed"

    async def _deadline_is_past(self, entry: Entry) -> bool:
        age = await self.bus.investigations.now() - entry.written_at
        return age.total_seconds() > self.bus.settings.deadline_seconds

    async def _set_aside(self, entry: Entry, reason: str, *, readable: bool) -> str:
        reason = printable(reason)
        log.error("entry %s on %s is set aside: %s", entry.entry_id, entry.stream.name, reason)
        await self.dead_letters.set_aside(entry, reason, readable=readable)
        await self.dead_letters.forget_errors(entry)
        metrics.DEAD_LETTERS.add(1, {"stream": entry.stream.name})
        return "set aside"


def _redis_is_unwell(error: Exception) -> bool:
    if isinstance(
        error, RedisConnectionError | RedisTimeoutError | OutOfMemoryError | ReadOnlyError
    ):
        return True
    # inside a script's error the word stands somewhere in the text
    return isinstance(error, ResponseError) and any(word in str(error) for word in REDIS_IS_UNWELL)
