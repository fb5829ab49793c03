"""What Redis holds about investigations, read for a person; nothing is written."""

import asyncio
import json
import re
from collections.abc import AsyncIterator, Iterable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from redis.asyncio import Redis

from bus.commits import Investigations
from bus.connection import as_text
from bus.envelope import text_fields
from bus.errors import NightshiftError
from bus.events import ID_PATTERN, InvestigationId
from bus.record import Record
from bus.results import Results
from bus.streams import DIAGNOSES, Keys, Stream
from cli import where
from cli.judgements import Judgement, judgements_of
from cli.reaching import async_client

AT_ONCE = 16
PAGE = 500
MOST_PAGES = 200
"""Of one stream; an incident's own minutes hold far less."""


@dataclass(frozen=True)
class Broken:
    """A record that cannot be read here, and why."""

    investigation_id: str
    why: str


@dataclass(frozen=True)
class Found:
    """An entry of a stream: when it was written, and the event's name and fields."""

    stream: Stream
    at_ms: int
    event: str
    values: Mapping[str, Any]


class Store:
    """The Redis of the settings, as a reader sees it."""

    def __init__(self, redis: "Redis", keys: Keys) -> None:
        self.redis = redis
        self.keys = keys
        self.investigations = Investigations(redis, keys, lasts=timedelta())
        self.results = Results(redis, keys)

    async def open_ids(self) -> list[str]:
        """Ids of the investigations that have a deadline to come."""
        return [as_text(name) for name in await self.redis.zrange(self.keys.deadlines, 0, -1)]

    async def ended_ids(self, count: int) -> list[str]:
        """Ids of those that ended last, the newest first, as far as the stream goes back."""
        if not count:
            return []
        rows: Any = await self.redis.xrevrange(self.keys.stream(DIAGNOSES), count=20 * count)
        found = [_values(text_fields(raw)).get("investigation_id", "") for _, raw in rows]
        return list(dict.fromkeys(str(name) for name in found if name))[:count]

    async def ids(self, beginning: str = "") -> list[str]:
        """Ids of all records that begin so. It looks at every key: for single questions."""
        pattern = f"{literal(self.keys.prefix + beginning)}*:record"
        names = self.redis.scan_iter(match=pattern, count=1000)
        plain = [as_text(name).removeprefix(self.keys.prefix) async for name in names]
        return sorted(name.removesuffix(":record") for name in plain)

    async def matching(self, name: str) -> list[str]:
        """The id itself where it has a record, else every id that begins with it."""
        if not re.match(ID_PATTERN, name):
            return []
        if await self.redis.exists(self.keys.of(name, "record")):
            return [name]
        return await self.ids(name)

    async def record(self, investigation_id: str) -> Record | Broken | None:
        """The record; None where there is none."""
        try:
            return await self.investigations.read(InvestigationId(investigation_id))
        except (NightshiftError, ValueError) as error:
            return Broken(investigation_id, str(error))

    async def records(self, ids: Iterable[str]) -> list[Record | Broken]:
        """The records of those that have one, in that order."""
        gate = asyncio.Semaphore(AT_ONCE)

        async def read(investigation_id: str) -> Record | Broken | None:
            async with gate:
                return await self.record(investigation_id)

        found = await asyncio.gather(*(read(name) for name in dict.fromkeys(ids)))
        return [record for record in found if record is not None]

    async def place(self, investigation_id: str) -> dict[str, str]:
        """Where its Slack message stands: state, channel, ts; empty before there is one."""
        raw: Any = await self.redis.hgetall(self.keys.of(investigation_id, "slack"))
        kept = ("state", "channel", "ts")
        return {name: text for name, text in text_fields(raw).items() if name in kept}

    async def said_of(self, investigation_id: str) -> list[Judgement]:
        """What people said of it, the oldest first; what cannot be read is left out."""
        raw = await self._hash(self.keys.of(investigation_id, "feedback"))
        return judgements_of(text_fields(raw).values())[0]

    async def reserved(self, record: Record) -> dict[str, float]:
        """Dollars reserved for its model calls that were never replaced, by turn."""
        last = record.ended_at or record.deadline_at
        days = {f"{record.opened_at:%Y-%m-%d}", f"{last:%Y-%m-%d}"}
        found: dict[str, float] = {}
        for day in days:
            for name, dollars in text_fields(await self._hash(self.keys.spend(day))).items():
                inv, _, rest = name.partition(":")
                if inv == record.investigation_id and rest:
                    turn = rest.partition(":")[0]
                    found[turn] = found.get(turn, 0.0) + float(dollars)
        return found

    async def entries_of(self, record: Record, stream: Stream) -> list[Found]:
        """Its entries on a stream, as far as they are still kept, in order."""
        name = self.keys.stream(stream)
        start, end = f"{_ms(record.opened_at)}-0", f"{_ms(_until(record))}"
        found: list[Found] = []
        for _ in range(MOST_PAGES):
            rows: Any = await self.redis.xrange(name, start, end, count=PAGE)
            for entry_id, raw in rows:
                fields = text_fields(raw)
                values = _values(fields)
                if values.get("investigation_id") == record.investigation_id:
                    at_ms = int(as_text(entry_id).split("-")[0])
                    found.append(Found(stream, at_ms, fields.get("event", ""), values))
            if len(rows) < PAGE:
                break
            start = f"({as_text(rows[-1][0])}"
        return found

    async def _hash(self, name: str) -> dict[bytes, bytes]:
        raw: Any = await self.redis.hgetall(name)
        found: dict[bytes, bytes] = raw
        return found


@asynccontextmanager
async def store() -> AsyncIterator[Store]:
    """The store that `cli.where` names."""
    redis = open_redis()
    try:
        yield Store(redis, where.keys())
    finally:
        await redis.aclose()


def open_redis(seconds: float = 5.0) -> "Redis":
    """A connection that gives up after that time; raises NotConfigured for wrong settings."""
    url = where.settings().redis_url.get_secret_value()
    return async_client(url, seconds=seconds)


def literal(text: str) -> str:
    """The text for a pattern of Redis in which it means itself."""
    return re.sub(r"([\\*?\[\]])", r"\\\1", text)


def _until(record: Record) -> datetime:
    return (record.ended_at or record.deadline_at) + timedelta(seconds=120)


def _ms(moment: datetime) -> int:
    return int(moment.timestamp() * 1000)


def _values(fields: Mapping[str, str]) -> dict[str, Any]:
    try:
        values = json.loads(fields.get("data", ""))
    except ValueError:
        return {}
    return values if isinstance(values, dict) else {}
