"""Whose turn it is to write an incident's message, and where it stands: one hash per incident."""

import asyncio
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from redis.asyncio import Redis
from redis.commands.core import AsyncScript

from bus.connection import as_text
from bus.envelope import flat
from bus.errors import Unavailable
from bus.events import InvestigationId, InvestigationStopped
from bus.port import Bus
from bus.seals import UNSIGNED, Seals
from bus.streams import DIAGNOSES, KEPT_SECONDS, STOPS, Keys
from bus.tracing import current_traceparent
from services.notifier.adapters.redis_owing import (
    owed_cards,
    owed_details,
    script_text,
    second_messages,
)
from services.notifier.pace import Urgency
from services.notifier.ports import Finished, Purpose, Settled, Turn
from services.notifier.stop import Place

SETTLE_SHARE = 10
"""A tenth of the lease passes before anybody looks for a message whose post was not answered."""
LATE_SHARE = 2
"""For half of the lease, longer than Slack's client waits, an unanswered edit may still arrive."""
LATE_AT_ONCE = 20

URGENCY: Mapping[str, Urgency] = {
    "place": "placeholder",
    "progress": "progress",
    "final": "final",
}
"""By the purpose of a turn."""


@dataclass
class RedisPlaces:
    """Turns and places, as `ports.Places` says; time is Redis time."""

    redis: Redis
    keys: Keys
    lease_seconds: float
    progress_seconds: float
    seals: Seals = UNSIGNED
    _take: AsyncScript = field(init=False)
    _settle: AsyncScript = field(init=False)
    _finish: AsyncScript = field(init=False)
    _move: AsyncScript = field(init=False)

    @classmethod
    def of(cls, bus: Bus, progress_seconds: float) -> "RedisPlaces":
        """As a process of that bus needs it."""
        lease = bus.settings.lease_seconds
        return cls(bus.redis, bus.keys, lease, progress_seconds, bus.seals)

    def __post_init__(self) -> None:
        self._take = self._script("take")
        self._settle = self._script("settle")
        self._finish = self._script("finish")
        self._move = self._script("move")

    async def take(
        self,
        investigation_id: InvestigationId,
        purpose: Purpose,
        *,
        activity: str = "",
        order: str = "",
        channel: str = "",
    ) -> Turn:
        """Ask for the turn; `order` is the stream entry's id."""
        owner, asked_at = uuid.uuid4().hex, asyncio.get_running_loop().time()
        answer: Any = await self._take(
            keys=[self.keys.of(investigation_id, "slack")],
            args=[
                *(owner, _ms(self.lease_seconds), purpose, KEPT_SECONDS),
                *(sortable(order), activity, _ms(self.progress_seconds)),
                *(_ms(self.lease_seconds / LATE_SHARE), channel),
            ],
        )
        word, wait, state, at, ts, known, left, beside, moved = (as_text(part) for part in answer)
        return Turn(
            word=one_of(word, ("yours", "busy", "done")),
            owner=owner,
            wait_seconds=float(wait) / 1000,
            state=one_of(state, ("", "posting", "posted", "final")),
            urgency=URGENCY.get(purpose, "details"),
            place=Place(channel=at, ts=ts) if ts else None,
            channel=at,
            moved=moved,
            activity=known,
            left=tuple(left.split()),
            beside=beside == "1",
            again=beside == "again",
            ends_at=asked_at + self.lease_seconds,
        )

    async def wrote(
        self, investigation_id: InvestigationId, turn: Turn, *, place: Place
    ) -> Settled:
        """The message stands at that place, and the turn is over."""
        return await self._settled(investigation_id, turn, word="wrote", place=place)

    async def found(self, investigation_id: InvestigationId, turn: Turn, *, place: Place) -> None:
        """The message was found at that place; the turn goes on."""
        await self._moved(investigation_id, turn, word="found", place=place)

    async def replaced(
        self, investigation_id: InvestigationId, turn: Turn, *, place: Place, beside: bool
    ) -> None:
        """From now on whoever comes looks for another message before posting one."""
        word = "replaced beside" if beside else "replaced"
        await self._moved(investigation_id, turn, word=word, place=place)

    async def moved(self, investigation_id: InvestigationId, turn: Turn, *, channel: str) -> None:
        """From now on its message is posted, and looked for, in that channel."""
        place = Place(channel=channel, ts="")
        await self._moved(investigation_id, turn, word="moved", place=place)

    async def failed(
        self, investigation_id: InvestigationId, turn: Turn, *, known: bool
    ) -> Settled:
        """Nothing was written, or nobody knows; the turn is over."""
        word = "not written" if known else "unknown"
        return await self._settled(investigation_id, turn, word=word, place=None)

    async def finish(
        self, investigation_id: InvestigationId, turn: Turn, *, signal: InvestigationStopped
    ) -> Finished:
        """State `final`, the pointer back and the stop signal, at the first call only."""
        place = Place(channel=signal.channel, ts=signal.ts)
        fields = flat(self.seals.fields(signal, current_traceparent()))
        answer: Any = await self._finish(
            keys=[
                self.keys.of(investigation_id, "slack"),
                self._pointer(place),
                self.keys.stream(STOPS),
                second_messages(self.keys),
                owed_details(self.keys),
            ],
            args=[
                *(turn.owner, investigation_id, place.channel, place.ts, KEPT_SECONDS),
                _ms(self.lease_seconds),
                *fields,
            ],
        )
        return Finished(
            first=int(answer[0]) == 1,
            late_edit=float(as_text(answer[1])) > 0,
            owed=int(answer[2]) == 1,
        )

    async def owe(self, investigation_id: InvestigationId, *, seconds: float) -> None:
        """Its final card is late from then on."""
        key, at = owed_cards(self.keys), await self._now() + _ms(seconds)
        await self.redis.zadd(key, {investigation_id: at}, nx=True)
        await self.redis.expire(key, KEPT_SECONDS)

    async def paid(self, investigation_id: InvestigationId) -> None:
        """It stands, or can never stand."""
        await self.redis.zrem(owed_cards(self.keys), investigation_id)

    async def late(self) -> list[InvestigationId]:
        """Whose final card is late while nobody works on a diagnosis."""
        diagnoses: Any = await self.redis.xpending(self.keys.stream(DIAGNOSES), "notifier")
        if diagnoses["pending"]:
            return []
        key, now = owed_cards(self.keys), await self._now()
        late = await self.redis.zrangebyscore(key, "-inf", now, start=0, num=LATE_AT_ONCE)
        return [InvestigationId(as_text(raw)) for raw in late]

    async def _now(self) -> int:
        seconds, microseconds = await self.redis.time()
        return int(seconds) * 1000 + int(microseconds) // 1000

    async def _moved(
        self, investigation_id: InvestigationId, turn: Turn, *, word: str, place: Place
    ) -> None:
        what, _, beside = word.partition(" ")
        answer: Any = await self._move(
            keys=[self.keys.of(investigation_id, "slack"), self._pointer(place)],
            args=[
                *(turn.owner, what, place.channel, place.ts, investigation_id),
                *(KEPT_SECONDS, "1" if beside else ""),
            ],
        )
        if not int(answer):
            raise Unavailable("the turn to write is somebody else's by now", retry_in_seconds=1)

    async def _settled(
        self,
        investigation_id: InvestigationId,
        turn: Turn,
        *,
        word: str,
        place: Place | None,
    ) -> Settled:
        spot = place or Place(channel="", ts="")
        answer: Any = await self._settle(
            keys=[
                self.keys.of(investigation_id, "slack"),
                self._pointer(spot),
                second_messages(self.keys),
            ],
            args=[
                *(turn.owner, word, spot.channel, spot.ts, investigation_id),
                *(KEPT_SECONDS, _ms(self.lease_seconds / SETTLE_SHARE)),
                *(_ms(self.lease_seconds / LATE_SHARE), turn.state),
                _ms(self.lease_seconds),
            ],
        )
        settled: Settled = one_of(as_text(answer), ("over", "duplicate", "covered"))
        return settled

    def _pointer(self, place: Place) -> str:
        return f"{self.keys.prefix}thread:{place.channel}:{place.ts}"

    def _script(self, name: str) -> AsyncScript:
        return self.redis.register_script(script_text(name))


def one_of(word: str, known: Sequence[Any]) -> Any:
    """The word, which a script may have answered."""
    if word not in known:
        raise ValueError(f"a script answered {word!r}")
    return word


def _ms(seconds: float) -> int:
    return round(seconds * 1000)


def sortable(entry_id: str) -> str:
    """The id in digits that sort as the ids do."""
    first, _, second = entry_id.partition("-")
    return f"{int(first or 0):020d}-{int(second or 0):020d}"
