"""What FastStream leaves to the project, closed once: groups, leases, takeover, caps, stops, spans.

Every (stream, group) has two subscribers with the same handler: one reads new entries, one takes
over what a dead replica left (`min_idle_time`, Redis 6.2 and newer). Each delivery goes through
`Consumer.deliver`, which decides what becomes of the entry; handlers only raise or return.
"""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from faststream import AckPolicy
from faststream.redis import RedisBroker, StreamSub
from faststream.redis.message import FAKE_CONSUMER, RedisStreamMessage
from opentelemetry.trace import SpanKind
from redis.asyncio import Redis
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import RedisError, ResponseError
from redis.exceptions import TimeoutError as RedisTimeoutError

from bus import metrics
from bus.commits import Investigations
from bus.connection import connect, retry
from bus.dead_letter import MAX_DELIVERIES, MAX_ERRORS, DeadLetters
from bus.envelope import Entry, entry_fields, flat, read_event, text_fields
from bus.errors import InvestigationEnded, Rejected, Unavailable
from bus.events import Event, StopRequested
from bus.lease import Leases
from bus.results import Results
from bus.settings import BusSettings
from bus.streams import STOPS, STREAM_OF, Keys, Reader, Stream
from bus.tracing import Tracing, current_traceparent

log = logging.getLogger(__name__)
STOPS_READ_BACK_SECONDS = 300
REDIS_IS_UNWELL = ("OOM", "READONLY", "LOADING", "MISCONF", "NOREPLICAS")


@dataclass
class Bus:
    """What one process has of the bus. It connects at first use."""

    settings: BusSettings
    service: str
    redis: Redis
    keys: Keys
    investigations: Investigations
    results: Results
    tracing: Tracing

    @classmethod
    def of(cls, settings: BusSettings, service: str) -> "Bus":
        """A bus for that service (also its consumer group) at the settings' Redis."""
        redis, keys = connect(settings), Keys(settings.stream_prefix)
        return cls(
            settings=settings,
            service=service,
            redis=redis,
            keys=keys,
            investigations=Investigations(
                redis, keys, lasts=timedelta(seconds=settings.deadline_seconds)
            ),
            results=Results(redis, keys),
            tracing=Tracing(service, settings.consumer),
        )

    async def publish(self, event: Event, *, traceparent: str = "") -> str:
        """Append the event to its stream, under that trace context or the running span; the entry id."""
        fields = flat(entry_fields(event, traceparent or current_traceparent()))
        key = self.keys.stream(STREAM_OF[type(event)])
        entry_id: bytes = await self.redis.execute_command("XADD", key, "*", *fields)
        return entry_id.decode()

    async def close(self) -> None:
        """Close the connections and send what spans are held back."""
        await self.redis.aclose()
        await asyncio.to_thread(self.tracing.stop)


@dataclass(frozen=True)
class Route:
    """One line of a service's routing table: events of that kind on that stream go to that method."""

    stream: Stream
    event: type[Event]
    handle: Callable[[Any, Entry], Awaitable[None]]


@dataclass
class Consumer:
    """Delivers the entries of all of a service's streams to its handlers."""

    bus: Bus
    routes: tuple[Route, ...]
    leases: Leases = field(init=False)
    dead_letters: DeadLetters = field(init=False)
    broker: RedisBroker = field(init=False)
    _working: dict[str, set["asyncio.Task[None]"]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        bus, settings = self.bus, self.bus.settings
        self.leases = Leases(bus.redis, bus.keys, settings.consumer, settings.lease_seconds)
        self.dead_letters = DeadLetters(bus.redis, bus.keys, bus.investigations)
        self.broker = RedisBroker(
            settings.redis_url.get_secret_value(),
            max_connections=4 * settings.max_workers + 100,
            socket_timeout=15,
            retry=retry(),
            health_check_interval=30,
            graceful_timeout=8.0,
            apply_types=False,
            logger=log,
            log_level=logging.DEBUG,
        )

    @property
    def readers(self) -> list[tuple[Stream, Reader]]:
        """The streams this service consumes, with its own group on each."""
        streams = {route.stream.name: route.stream for route in self.routes}
        return [(stream, stream.reader(self.bus.service)) for stream in streams.values()]

    async def subscribe(self) -> None:
        """Create the groups at `0`, then register what the broker reads once it starts."""
        for stream, reader in self.readers:
            await self.make_group(stream, reader)
            for min_idle_ms in (None, round(self.bus.settings.lease_seconds * 1000)):
                self._read(stream, reader, min_idle_ms)
        if any(stream.name in ("turns", "tool-calls") for stream, _ in self.readers):
            await self._read_stops()

    async def make_group(self, stream: Stream, reader: Reader) -> None:
        """The reader's group stands afterwards, from the stream's first entry on."""
        key = self.bus.keys.stream(stream)
        try:
            await self.bus.redis.xgroup_create(key, reader.group, id="0", mkstream=True)
        except ResponseError as error:
            if "BUSYGROUP" not in str(error):
                raise

    def _read(self, stream: Stream, reader: Reader, min_idle_ms: int | None) -> None:
        async def handle(message: RedisStreamMessage) -> None:
            raw: Any = message.raw_message
            await self.deliver(stream, reader, raw["message_ids"][0].decode(), raw["data"])

        source = StreamSub(
            self.bus.keys.stream(stream),
            group=reader.group,
            consumer=self.bus.settings.consumer,
            max_records=None if min_idle_ms else 1,
            min_idle_time=min_idle_ms,
            polling_interval=500 if min_idle_ms else 1000,
        )
        self._subscribe(source, handle, self.bus.settings.max_workers)

    async def _read_stops(self) -> None:
        seconds, _ = await self.bus.redis.time()
        since = (int(seconds) - STOPS_READ_BACK_SECONDS) * 1000

        async def handle(message: RedisStreamMessage) -> None:
            raw: Any = message.raw_message
            fields = text_fields(raw["data"])
            entry = Entry(stream=STOPS, group="", entry_id="0-0", fields=fields)
            try:
                event = read_event(entry)
            except Rejected as error:
                log.warning("an entry on stops says nothing usable: %s", error)
                return
            if isinstance(event, StopRequested):
                self.stop_work(event.investigation_id)

        key = self.bus.keys.stream(STOPS)
        self._subscribe(StreamSub(key, last_id=f"{since}-0", polling_interval=1000), handle, 1)

    def _subscribe(
        self, source: StreamSub, handle: Callable[[RedisStreamMessage], Awaitable[None]], workers: int
    ) -> None:
        subscriber = self.broker.subscriber(
            stream=source,
            parser=_unread,
            decoder=_itself,
            ack_policy=AckPolicy.MANUAL,
            max_workers=workers,
        )
        subscriber(handle)

    def stop_work(self, investigation_id: str) -> int:
        """Cancel whatever is being done here for an ended investigation; how much it was."""
        tasks = self._working.get(investigation_id, set())
        for task in tasks:
            task.cancel("stopped")
        return len(tasks)

    async def deliver(
        self, stream: Stream, reader: Reader, entry_id: str, raw: dict[bytes, bytes]
    ) -> None:
        """Handle one delivery; afterwards the entry is acknowledged, handed back or set aside.

        Only a cancellation from outside (shutdown) leaves it pending, to be handed over.
        """
        entry = Entry(
            stream=stream, group=reader.group, entry_id=entry_id, fields=text_fields(raw)
        )
        started = time.monotonic()
        ended = "lost"
        try:
            if not await self.leases.take(entry):
                return
            ended = await self._settle(entry)
        except (RedisError, OSError) as error:
            log.warning("entry %s on %s waits for its lease: %s", entry_id, stream.name, error)
        finally:
            labels = {"stream": stream.name, "ended": ended}
            metrics.DELIVERIES.add(1, labels)
            metrics.HANDLING_SECONDS.record(time.monotonic() - started, {"stream": stream.name})

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
        inv = str(getattr(event, "investigation_id", ""))
        task = asyncio.ensure_future(self._in_span(handle, event, entry))
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

    async def _in_span(
        self, handle: Callable[[Any, Entry], Awaitable[None]], event: Event, entry: Entry
    ) -> None:
        attributes = {
            "messaging.system": "redis",
            "messaging.operation.type": "process",
            "messaging.destination.name": entry.stream.name,
            "messaging.consumer.group.name": entry.group,
            "messaging.message.id": entry.entry_id,
            "nightshift.delivery": entry.delivery_count,
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

    async def _set_aside(self, entry: Entry, reason: str, *, readable: bool) -> str:
        log.error("entry %s on %s is set aside: %s", entry.entry_id, entry.stream.name, reason)
        await self.dead_letters.set_aside(entry, reason, readable=readable)
        await self.dead_letters.forget_errors(entry)
        metrics.DEAD_LETTERS.add(1, {"stream": entry.stream.name})
        return "set aside"


def _redis_is_unwell(error: Exception) -> bool:
    if isinstance(error, RedisConnectionError | RedisTimeoutError):
        return True
    return isinstance(error, ResponseError) and str(error).startswith(REDIS_IS_UNWELL)


async def _unread(message: Any) -> RedisStreamMessage:
    return RedisStreamMessage(raw_message=message, body=b"", consumer=FAKE_CONSUMER, group=None)


async def _itself(message: RedisStreamMessage) -> RedisStreamMessage:
    return message
