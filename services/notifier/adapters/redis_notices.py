"""Whose turn it is to post a notice, and whether it stands: one hash for each notice's key."""

import asyncio
import uuid
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from redis.asyncio import Redis
from redis.commands.core import AsyncScript

from bus.connection import as_text
from bus.errors import Unavailable
from bus.streams import KEPT_SECONDS, Keys
from services.notifier.adapters.redis_owing import script_text
from services.notifier.ports import NoticeTurn

NOTICE_SECONDS = 3600
SETTLE_SHARE = 10
"""A tenth of the lease passes before anybody looks for a notice whose post was not answered."""


@dataclass
class RedisNotices:
    """`told:<id>`, as `ports.Notices` says: kept for an hour once it is posted."""

    redis: Redis
    keys: Keys
    lease_seconds: float
    _claim: AsyncScript = field(init=False)
    _settle: AsyncScript = field(init=False)

    def __post_init__(self) -> None:
        self._claim = self.redis.register_script(script_text("claim_notice"))
        self._settle = self.redis.register_script(script_text("settle_notice"))

    async def claim(self, notice_id: str, *, channel: str) -> NoticeTurn | None:
        """The caller's turn, until it says how it went; None where the notice stands."""
        owner, asked_at = uuid.uuid4().hex, asyncio.get_running_loop().time()
        answer: Any = await self._claim(
            keys=[self._name(notice_id)],
            args=[owner, _ms(self.lease_seconds), channel, KEPT_SECONDS],
        )
        word, wait, decided, since, doubt = (as_text(part) for part in answer)
        if word == "done":
            return None
        if word == "busy":
            seconds = min(2.0, float(wait) / 1000)
            raise Unavailable("another replica posts this notice", retry_in_seconds=seconds)
        return NoticeTurn(
            owner=owner,
            channel=decided,
            since=datetime.fromtimestamp(float(since) / 1000, UTC),
            doubt=doubt == "1",
            ends_at=asked_at + self.lease_seconds,
        )

    async def posted(self, notice_id: str, turn: NoticeTurn) -> None:
        """It stands, and nobody posts it again for an hour."""
        await self._settled(notice_id, turn, word="posted")

    async def failed(self, notice_id: str, turn: NoticeTurn, *, known: bool) -> None:
        """Anybody may try again; who comes after a post without an answer looks for it first."""
        await self._settled(notice_id, turn, word="not posted" if known else "unknown")

    async def moved(self, notice_id: str, turn: NoticeTurn, *, channel: str) -> None:
        """It is posted, and looked for, in that channel from now on."""
        if not await self._settled(notice_id, turn, word="moved", channel=channel):
            raise Unavailable("the turn to post is somebody else's by now", retry_in_seconds=1)

    async def _settled(
        self, notice_id: str, turn: NoticeTurn, *, word: str, channel: str = ""
    ) -> bool:
        kept = NOTICE_SECONDS if word == "posted" else KEPT_SECONDS
        answer: Any = await self._settle(
            keys=[self._name(notice_id)],
            args=[turn.owner, word, kept, _ms(self.lease_seconds / SETTLE_SHARE), channel],
        )
        return int(answer) == 1

    def _name(self, notice_id: str) -> str:
        return f"{self.keys.prefix}told:{notice_id}"


def _ms(seconds: float) -> int:
    return round(seconds * 1000)
