"""What FastStream leaves to the project, closed once: groups, takeover, hand-over, stops.

Every (stream, group) has two subscribers with the same handler: one reads new entries, one takes
over what a dead replica left (`min_idle_time`, Redis 6.2 and newer). What becomes of a delivery is
`bus.delivery`'s.
"""

import contextlib
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any, Protocol

from faststream import AckPolicy
from faststream.redis import RedisBroker, StreamSub
from faststream.redis.message import FAKE_CONSUMER, RedisStreamMessage
from redis.exceptions import ResponseError

from bus.connection import SOCKET_SECONDS, as_text, at_master, retry
from bus.dead_letter import DeadLetters
from bus.delivery import Deliveries
from bus.envelope import Entry, read_event, text_fields
from bus.errors import Rejected
from bus.events import StopRequested
from bus.lease import Leases
from bus.port import Bus, Route
from bus.streams import STOPS, Reader, Stream

__all__ = ["Bus", "Consumer", "Route"]

log = logging.getLogger(__name__)
STOPS_READ_BACK_SECONDS = 300


class Reading(Protocol):
    """A subscriber, as far as health asks."""

    running: bool


@dataclass
class Consumer:
    """Reads all of a service's streams."""

    bus: Bus
    routes: tuple[Route, ...]
    leases: Leases = field(init=False)
    deliveries: Deliveries = field(init=False)
    broker: RedisBroker = field(init=False)
    reading: dict[str, Reading] = field(default_factory=dict)
    """What reads, by a name for people; none of it may ever stop by itself."""

    def __post_init__(self) -> None:
        bus, settings = self.bus, self.bus.settings
        self.leases = Leases(bus.redis, bus.keys, settings.consumer, settings.lease_seconds)
        dead_letters = DeadLetters(bus.redis, bus.keys, bus.investigations)
        self.deliveries = Deliveries(bus, self.routes, self.leases, dead_letters)
        guarded: Any = {"redis_connect_func": bus.store.connected, **at_master(bus.store.sentinels)}
        self.broker = RedisBroker(
            settings.address.url,
            max_connections=4 * settings.max_workers + 100,
            socket_timeout=SOCKET_SECONDS,
            retry=retry(),
            health_check_interval=30,
            graceful_timeout=settings.drain_seconds,
            apply_types=False,
            logger=logging.getLogger("faststream.reader"),
            log_level=logging.DEBUG,
            **guarded,
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
                self._read(stream, reader, min_idle_ms=min_idle_ms)
        if any(stream.name in ("turns", "tool-calls") for stream, _ in self.readers):
            await self._read_stops()
        # FastStream creates each group once more at its start, which a full Redis refuses.
        vars(await self.broker.connect())["xgroup_create"] = _stands

    async def make_group(self, stream: Stream, reader: Reader) -> None:
        """The reader's group stands afterwards, from the stream's first entry on."""
        key = self.bus.keys.stream(stream)
        # Looked for first: a full Redis refuses to create even a group that stands.
        with contextlib.suppress(ResponseError):
            groups = await self.bus.redis.xinfo_groups(key)
            if reader.group in [as_text(row["name"]) for row in groups]:
                return
        try:
            await self.bus.redis.xgroup_create(key, reader.group, id="0", mkstream=True)
        except ResponseError as error:
            if "BUSYGROUP" not in str(error):
                raise

    def _read(self, stream: Stream, reader: Reader, *, min_idle_ms: int | None) -> None:
        async def handle(message: RedisStreamMessage) -> None:
            raw: Any = message.raw_message
            entry_id = as_text(raw["message_ids"][0])
            self.bus.store.saw(self.bus.keys.stream(stream), entry_id)
            await self.deliveries.deliver(stream, reader, entry_id=entry_id, raw=raw["data"])

        source = StreamSub(
            self.bus.keys.stream(stream),
            group=reader.group,
            consumer=self.bus.settings.consumer,
            max_records=None if min_idle_ms else 1,
            min_idle_time=min_idle_ms,
            polling_interval=500 if min_idle_ms else 1000,
        )
        self._subscribe(source, handle, workers=self.bus.settings.max_workers)

    async def _read_stops(self) -> None:
        seconds, _ = await self.bus.redis.time()
        since = (int(seconds) - STOPS_READ_BACK_SECONDS) * 1000

        async def handle(message: RedisStreamMessage) -> None:
            raw: Any = message.raw_message
            fields = text_fields(raw["data"])
            entry_id = as_text(raw["message_ids"][0])
            entry = Entry(stream=STOPS, group="", entry_id=entry_id, fields=fields)
            try:
                self.bus.seals.check(entry)
                event = read_event(entry)
            except Rejected as error:
                log.warning("an entry on stops says nothing usable: %s", error)
                return
            if isinstance(event, StopRequested):
                self.deliveries.stop_work(event.investigation_id)

        key = self.bus.keys.stream(STOPS)
        source = StreamSub(key, last_id=f"{since}-0", polling_interval=1000)
        self._subscribe(source, handle, workers=1)

    def _subscribe(
        self,
        source: StreamSub,
        handle: Callable[[RedisStreamMessage], Awaitable[None]],
        *,
        workers: int,
    ) -> None:
        subscriber = self.broker.subscriber(
            stream=source,
            parser=_unread,
            decoder=_itself,
            ack_policy=AckPolicy.MANUAL,
            max_workers=workers,
        )
        subscriber(handle)
        self.reading[f"{source.name} ({'takeover' if source.min_idle_time else 'new'})"] = (
            subscriber
        )


async def _unread(message: Any) -> RedisStreamMessage:
    return RedisStreamMessage(raw_message=message, body=b"", consumer=FAKE_CONSUMER, group=None)


async def _stands(**_: object) -> None:
    raise ResponseError("BUSYGROUP: the group already exists")


async def _itself(message: RedisStreamMessage) -> RedisStreamMessage:
    return message
