"""When the steps of an investigation happened: the ids of its entries on the streams are times."""

import re
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from redis.asyncio import Redis

from bus.connection import as_text
from bus.record import Record
from bus.streams import TOOL_CALLS, TOOL_RESULTS, TURNS, Keys, Stream
from services.notifier.timeline import Moments

PAGE, PAGES = 500, 20
"""Of one stream that many entries at most: others were investigated meanwhile."""
_TURN = re.compile(rb'"turn":(\d+)')
_CALL = re.compile(rb'"tool_call_id":"([0-9]+-[0-9]+)"')


@dataclass(frozen=True)
class RedisMoments:
    """Times by Redis, of as many steps as have not been trimmed from the streams yet."""

    redis: Redis
    keys: Keys

    async def moments(self, record: Record) -> Moments:
        """The first time of each turn, call and result."""
        return Moments(
            due={
                int(turn): at
                for turn, at in (await self._first(record, TURNS, named=_TURN)).items()
            },
            asked=await self._first(record, TOOL_CALLS, named=_CALL),
            told=await self._first(record, TOOL_RESULTS, named=_CALL),
        )

    async def _first(
        self, record: Record, stream: Stream, *, named: "re.Pattern[bytes]"
    ) -> dict[str, float]:
        found: dict[str, float] = {}
        mine = f'"investigation_id":"{record.investigation_id}"'.encode()
        opened_ms = record.opened_at.timestamp() * 1000
        async for at, said in self._entries(record, stream):
            if mine in said and (name := named.search(said)):
                found.setdefault(name[1].decode(), (at - opened_ms) / 1000)
        return found

    async def _entries(self, record: Record, stream: Stream) -> AsyncIterator[tuple[int, bytes]]:
        key = self.keys.stream(stream)
        begin = str(int(record.opened_at.timestamp() * 1000))
        ended_at = (record.ended_at or record.deadline_at) + timedelta(milliseconds=1)
        end = str(int(ended_at.timestamp() * 1000))
        for _ in range(PAGES):
            rows: list[Any] = list(await self.redis.xrange(key, begin, end, count=PAGE) or [])
            for entry_id, fields in rows:
                yield int(as_text(entry_id).partition("-")[0]), fields.get(b"data", b"")
            if len(rows) < PAGE:
                return
            begin = f"({as_text(rows[-1][0])}"
