"""What one process has of the bus, and a line of a routing table."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from redis.asyncio import Redis

from bus.commits import Investigations
from bus.connection import as_text
from bus.envelope import Entry
from bus.events import Event
from bus.generation import Store
from bus.results import Results
from bus.seals import Seals
from bus.settings import BusSettings
from bus.streams import STREAM_OF, Keys, Stream
from bus.tracing import Tracing, current_traceparent


@dataclass
class Bus:
    """What one process has of the bus. It connects at first use."""

    settings: BusSettings
    service: str
    store: Store
    redis: Redis
    keys: Keys
    investigations: Investigations
    results: Results
    tracing: Tracing

    @classmethod
    def of(cls, settings: BusSettings, service: str) -> "Bus":
        """A bus for that service (also its consumer group) at the settings' Redis."""
        store, keys = Store(settings, service), Keys(settings.stream_prefix)
        redis = store.redis
        return cls(
            settings=settings,
            service=service,
            store=store,
            redis=redis,
            keys=keys,
            investigations=Investigations(
                redis, keys, timedelta(seconds=settings.deadline_seconds), seals=store.seals
            ),
            results=Results(redis, keys, seals=store.seals),
            tracing=Tracing(service, settings.consumer),
        )

    @property
    def seals(self) -> Seals:
        """What this service signs with, and checks by."""
        return self.store.seals

    async def publish(self, event: Event, *, traceparent: str = "") -> str:
        """Append the event to its stream, under that trace context or the running span.

        The entry id.
        """
        fields = self.seals.fields(event, traceparent or current_traceparent())
        key = self.keys.stream(STREAM_OF[type(event)])
        return as_text(await self.redis.xadd(key, dict(fields.items())))

    async def close(self) -> None:
        """Close the connections and send what spans are held back."""
        await self.store.close()
        await asyncio.to_thread(self.tracing.stop)


Handle = Callable[[Any, Entry], Awaitable[None]]


@dataclass(frozen=True)
class Route:
    """One line of a routing table: events of that kind on that stream go to that method."""

    stream: Stream
    event: type[Event]
    handle: Handle
