"""Which details of an incident stand in its thread: a sorted set, and fields of its slack hash."""

import asyncio
import uuid
from dataclasses import dataclass, field
from typing import Any, Literal

from redis.asyncio import Redis
from redis.commands.core import AsyncScript

from bus.connection import as_text
from bus.errors import Unavailable
from bus.events import InvestigationId
from bus.streams import KEPT_SECONDS, Keys
from services.notifier.adapters.redis_owing import owed_details, script_text
from services.notifier.adapters.redis_places import SETTLE_SHARE
from services.notifier.stop import Place
from services.notifier.thread_ports import DetailTurn, Standing

DETAIL, FILES = "detail:", "files:"
POSTING = "posting"
WORDS: dict[str, Literal["yours", "busy", "done"]] = {
    "yours": "yours",
    "busy": "busy",
    "done": "done",
}


@dataclass
class RedisThread:
    """What is owed to a thread and what stands, as `thread_ports.ThreadPlaces` says."""

    redis: Redis
    keys: Keys
    lease_seconds: float
    _begin: AsyncScript = field(init=False)
    _note_file: AsyncScript = field(init=False)
    _end: AsyncScript = field(init=False)
    _close: AsyncScript = field(init=False)

    def __post_init__(self) -> None:
        self._begin = self.redis.register_script(script_text("begin_detail"))
        self._note_file = self.redis.register_script(script_text("note_file"))
        self._end = self.redis.register_script(script_text("end_detail"))
        self._close = self.redis.register_script(script_text("close_thread"))

    async def claim(self) -> InvestigationId | None:
        """The incident that is due first; it is due again after a lease, whoever dies meanwhile."""
        key, now = owed_details(self.keys), await self._now()
        for raw in await self.redis.zrangebyscore(key, "-inf", now, start=0, num=1):
            found, later = as_text(raw), now + _ms(self.lease_seconds)
            if await self.redis.zadd(key, {found: later}, xx=True, gt=True, ch=True):
                return InvestigationId(found)
        return None

    async def later(self, investigation_id: InvestigationId, *, seconds: float) -> None:
        """It is due after that time."""
        due = await self._now() + _ms(seconds)
        await self.redis.zadd(owed_details(self.keys), {investigation_id: due}, xx=True)

    async def standing(self, investigation_id: InvestigationId) -> Standing:
        """The incident's own, as it stands now."""
        raw: Any = await self.redis.hgetall(self._hash(investigation_id))
        has = {as_text(name): as_text(value) for name, value in raw.items()}
        final, now = has.get("state") == "final", await self._now()
        doubt_at, owed_at = float(has.get("thread_doubt_at") or 0), has.get("thread_owed_at")
        doubt = f"{has['thread_doubt']}:{has['thread_doubt_at']}" if "thread_doubt" in has else ""
        return Standing(
            place=Place(channel=has["channel"], ts=has["ts"]) if final else None,
            activity=has.get("activity", ""),
            stands={k: at for k, at in _named(has, DETAIL).items() if at != POSTING},
            files={key: frozenset(ids.split()) for key, ids in _named(has, FILES).items()},
            doubt=doubt,
            young_seconds=max(0.0, self.lease_seconds - (now - doubt_at) / 1000),
            seconds=(now - float(owed_at)) / 1000 if owed_at else 0.0,
        )

    async def begin(self, investigation_id: InvestigationId, key: str) -> DetailTurn:
        """Ask for the turn."""
        owner, asked_at = uuid.uuid4().hex, asyncio.get_running_loop().time()
        answer: Any = await self._begin(
            keys=[self._hash(investigation_id)],
            args=[owner, _ms(self.lease_seconds), key, KEPT_SECONDS],
        )
        word, wait, unsure, files = (as_text(part) for part in answer)
        return DetailTurn(
            word=WORDS[word],
            key=key,
            owner=owner,
            wait_seconds=float(wait) / 1000,
            unsure=unsure == "1",
            files=frozenset(files.split()),
            ends_at=asked_at + self.lease_seconds,
        )

    async def sharing(
        self, investigation_id: InvestigationId, turn: DetailTurn, *, file_id: str
    ) -> None:
        """From now on whoever comes looks for the file before sharing another one."""
        answer: Any = await self._note_file(
            keys=[self._hash(investigation_id)],
            args=[turn.owner, turn.key, file_id, KEPT_SECONDS],
        )
        if not int(answer):
            raise Unavailable("the turn to write is somebody else's by now", retry_in_seconds=1)

    async def end(
        self,
        investigation_id: InvestigationId,
        turn: DetailTurn,
        *,
        word: Literal["stands", "not written", "unknown"],
        at: str = "",
    ) -> None:
        """The turn is over; after `unknown` nobody writes for a moment."""
        await self._end(
            keys=[self._hash(investigation_id), owed_details(self.keys)],
            args=[
                *(turn.owner, word, turn.key, at, investigation_id, KEPT_SECONDS),
                *(_ms(self.lease_seconds / SETTLE_SHARE), "1" if turn.unsure else ""),
            ],
        )

    async def forget(self, investigation_id: InvestigationId, *, doubt: str) -> None:
        """Nothing is owed any more, unless there is another doubt by now."""
        await self._close(
            keys=[self._hash(investigation_id), owed_details(self.keys)],
            args=[investigation_id, doubt, KEPT_SECONDS],
        )

    def _hash(self, investigation_id: InvestigationId) -> str:
        return self.keys.of(investigation_id, "slack")

    async def _now(self) -> int:
        seconds, microseconds = await self.redis.time()
        return int(seconds) * 1000 + int(microseconds) // 1000


def _named(has: dict[str, str], begin: str) -> dict[str, str]:
    return {k.removeprefix(begin): value for k, value in has.items() if k.startswith(begin)}


def _ms(seconds: float) -> int:
    return round(seconds * 1000)
