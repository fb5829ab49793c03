"""What a test of a service needs: to wait, to read streams, to find keys without expiry."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

from redis.asyncio import Redis

from bus.connection import as_text
from bus.envelope import Entry, read_event, text_fields
from bus.events import DeadLetter, Event
from bus.port import Bus
from bus.streams import Stream

T = TypeVar("T")


async def eventually(condition: Callable[[], Awaitable[T]], seconds: float = 5.0) -> T:
    """The condition's first true answer.

    Raises AssertionError with its last answer after the time.
    """
    give_up_at = time.monotonic() + seconds
    while True:
        answer = await condition()
        if answer:
            return answer
        if time.monotonic() > give_up_at:
            name = getattr(condition, "__name__", "condition")
            raise AssertionError(f"{name} was still {answer!r} after {seconds} s")
        await asyncio.sleep(0.02)


async def entries(bus: Bus, stream: Stream) -> list[Entry]:
    """Every entry of a stream, in order."""
    rows: list[Any] = list(await bus.redis.xrange(bus.keys.stream(stream)) or [])
    return [
        Entry(stream=stream, group="", entry_id=as_text(entry_id), fields=text_fields(raw))
        for entry_id, raw in rows
    ]


async def dead_letters(bus: Bus, stream: Stream) -> list[DeadLetter]:
    """Every dead letter of a stream, in order."""
    rows: list[Any] = list(await bus.redis.xrange(bus.keys.dead(stream)) or [])
    return [DeadLetter.model_validate_json(fields[b"data"]) for _, fields in rows]


async def events(bus: Bus, stream: Stream) -> list[Event]:
    """Every event on a stream, in order."""
    return [read_event(entry) for entry in await entries(bus, stream)]


async def all_settled(bus: Bus, stream: Stream, *, group: str) -> bool:
    """Whether a group has read the whole stream and left nothing pending (Redis 6.2 and newer)."""
    key = bus.keys.stream(stream)
    newest: Any = await bus.redis.xinfo_stream(key)
    for row in await bus.redis.xinfo_groups(key):
        if as_text(row["name"]) == group:
            read = as_text(row["last-delivered-id"]) == as_text(newest["last-generated-id"])
            return bool(read and row["pending"] == 0)
    return False


async def keys_without_expiry(redis: Redis, prefix: str) -> list[str]:
    """Keys under the prefix that would stay for ever.

    Streams and the sorted set of deadlines aside.
    """
    found = []
    async for key in redis.scan_iter(match=f"{prefix}*"):
        lasting = await redis.type(key) == b"stream" or key.endswith(
            (b":deadlines", b":generation")
        )
        if not lasting and await redis.ttl(key) == -1:
            found.append(as_text(key))
    return found
