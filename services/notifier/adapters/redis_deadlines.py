"""The sorted set of due moments."""

from dataclasses import dataclass
from datetime import datetime

from redis.asyncio import Redis

from bus.connection import as_text
from bus.events import InvestigationId
from bus.streams import Keys

SWEPT_AT_ONCE = 20
"""Investigations of one sweep; the rest is the next sweep's, or another replica's."""


@dataclass(frozen=True)
class Deadlines:
    """The next due moment of each open investigation, by Redis time."""

    redis: Redis
    keys: Keys

    async def due(self, now: datetime) -> list[InvestigationId]:
        """Investigations whose moment has come, the oldest first; nothing is claimed."""
        ids = await self.redis.zrangebyscore(
            self.keys.deadlines, "-inf", f"{now.timestamp():.3f}", start=0, num=SWEPT_AT_ONCE
        )
        return [InvestigationId(as_text(raw)) for raw in ids]

    async def postpone(self, investigation_id: InvestigationId, until: datetime) -> bool:
        """Move the moment of one that is still there: of several replicas one gets True."""
        score = round(until.timestamp(), 3)
        moved = await self.redis.zadd(
            self.keys.deadlines, {investigation_id: score}, xx=True, gt=True, ch=True
        )
        return bool(moved)

    async def forget(self, investigation_id: InvestigationId) -> None:
        """Take an ended investigation out, once its final card stands."""
        await self.redis.zrem(self.keys.deadlines, investigation_id)
