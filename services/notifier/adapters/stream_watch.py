"""Every stream as the notifier sees it from outside, and the store itself, measured and told.

It is the service that never goes to zero. Every replica looks; what they tell is the same.
"""

import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

from redis.exceptions import RedisError, ResponseError

from bus import metrics
from bus.connection import as_text
from bus.events import NoticeRequested
from bus.port import Bus
from bus.streams import STREAMS, Stream
from services.notifier import measures
from services.notifier.adapters.redis_owing import owed_cards
from services.notifier.adapters.rhythm import LOOK, every
from services.notifier.adapters.zeros import from_zero
from services.notifier.sweep import Sweep
from services.notifier.watched import AHEAD_SECONDS, Look, Watched

log = logging.getLogger(__name__)


@dataclass
class StreamWatch:
    """Looks at all streams again and again."""

    bus: Bus
    _watched: dict[str, Watched] = field(init=False)
    _told: set[str] = field(default_factory=set)

    def __post_init__(self) -> None:
        kept = self.bus.settings.keep_acknowledged_seconds
        self._watched = {each.name: Watched(each.kept_seconds or kept) for each in STREAMS}
        from_zero()

    async def look(self) -> None:
        """Everything is measured once; what is wrong with a stream has been told."""
        now = await self._now_ms()
        for stream in STREAMS:
            await self._look_at(stream, now)
        await self._deadlines(now)
        server: dict[str, Any] = await self.bus.redis.info()
        measures.MEMORY.set(int(server.get("used_memory", 0)))
        measures.MEMORY_LIMIT.set(int(server.get("maxmemory", 0)))
        measures.NOT_DURABLE.set(int(not _is_durable(server)))

    async def _look_at(self, stream: Stream, now: int) -> None:
        look = await self._seen(stream, now)
        measures.AHEAD_SECONDS.set(look.ahead_seconds, {"stream": stream.name})
        blocked, wiped = look.ahead_seconds > AHEAD_SECONDS, self._watched[stream.name].wiped(look)
        if blocked or wiped:
            await self.bus.store.look()  # where the store itself lost data, that is what is told
        if blocked:
            what = f"is blocked: its last id, {look.last}, lies in the future"
            await self._tell(stream, what, key="blocked")
        else:
            self._told.discard(f"{stream.name}:blocked")
        if wiped:
            measures.WIPED.add(1, {"stream": stream.name})
            self._told.discard(f"{stream.name}:wiped")
            await self._tell(stream, "was emptied by somebody: young entries are gone", key="wiped")
        if look.last and stream.readers:
            await self._groups(stream, look)

    async def _seen(self, stream: Stream, now: int) -> Look:
        try:
            raw: Any = await self.bus.redis.xinfo_stream(self.bus.keys.stream(stream))
        except ResponseError as error:
            if "no such key" not in str(error):
                raise
            return Look(now, oldest="", newest="", last="")
        first, newest = (raw[name] or ("",) for name in ("first-entry", "last-entry"))
        return Look(now, as_text(first[0]), as_text(newest[0]), as_text(raw["last-generated-id"]))

    async def _groups(self, stream: Stream, look: Look) -> None:
        """What waits for each group; for one that nobody made yet, everything does."""
        key = self.bus.keys.stream(stream)
        rows = {as_text(row["name"]): row for row in await self.bus.redis.xinfo_groups(key)}
        for group in [reader.group for reader in stream.readers]:
            row, labels = rows.get(group), {"stream": stream.name, "group": group}
            after = f"({as_text(row['last-delivered-id'])}" if row else "-"
            first: Any = await self.bus.redis.xrange(key, min=after, count=1)
            unread = _age(look, as_text(first[0][0])) if first else 0.0
            pending: Any = await self.bus.redis.xpending(key, group) if row else {}
            in_hand = _age(look, as_text(oldest)) if (oldest := pending.get("min")) else 0.0
            metrics.LAG.set(int((row or {}).get("lag") or len(first)), labels)
            metrics.PENDING.set(pending.get("pending", 0), labels)
            metrics.OLDEST_PENDING_SECONDS.set(in_hand, labels)
            measures.UNREAD_SECONDS.set(unread, labels)
            metrics.WAITING_SECONDS.set(max(in_hand, unread), labels)

    async def _deadlines(self, now: int) -> None:
        redis, key = self.bus.redis, self.bus.keys.deadlines
        measures.OPEN.set(await redis.zcard(key))
        first: Any = await redis.zrangebyscore(key, "-inf", "+inf", start=0, num=1, withscores=True)
        late = now / 1000 - float(first[0][1]) if first else 0.0
        measures.OVERDUE_SECONDS.set(max(0.0, late))
        measures.LATE_CARDS.set(await redis.zcount(owed_cards(self.bus.keys), "-inf", now))

    async def _tell(self, stream: Stream, what: str, *, key: str) -> None:
        """In the log once, and in Slack, where the stream of notices still takes one."""
        about = f"{stream.name}:{key}"
        if about in self._told:
            return
        self._told.add(about)
        log.error("the stream %s %s; docs/operations.md says what to do", stream.name, what)
        text = f"The stream {stream.name} {what}. What stood on it may be lost; deadlines are kept."
        try:
            await self.bus.publish(NoticeRequested(text=text, key=f"stream:{about}"))
        except RedisError as error:
            log.error("that could not be told in Slack: %s", error)

    async def _now_ms(self) -> int:
        return round((await self.bus.investigations.now()).timestamp() * 1000)


def looking(bus: Bus, sweep: Sweep) -> tuple[Callable[[], Awaitable[None]], ...]:
    """What goes on beside the deadlines, every few seconds."""
    watch = StreamWatch(bus)
    return (lambda: every(LOOK, watch.look), lambda: every(LOOK, sweep.close_lost))


def _age(look: Look, entry_id: str) -> float:
    return max(0.0, (look.at_ms - int(entry_id.partition("-")[0])) / 1000)


def _is_durable(server: dict[str, Any]) -> bool:
    states = ("aof_last_write_status", "aof_last_bgrewrite_status")
    return bool(server.get("aof_enabled")) and all(server.get(each) == "ok" for each in states)
