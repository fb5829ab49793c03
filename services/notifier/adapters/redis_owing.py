"""Which incidents have a message too many, or may: one sorted set, and fields of their hash."""

from dataclasses import dataclass, field
from importlib.resources import files

from redis.asyncio import Redis
from redis.commands.core import AsyncScript

from bus.connection import as_text
from bus.events import InvestigationId
from bus.streams import KEPT_SECONDS, Keys
from services.notifier.ports import Owed
from services.notifier.stop import Place

FIELDS = ("orphans", "doubt", "doubt_at", "state", "channel", "ts", "left", "owed_at", "moved")


@dataclass
class RedisOwing:
    """What is owed, as `ports.Owing` says; time is Redis time."""

    redis: Redis
    keys: Keys
    lease_seconds: float
    _forget: AsyncScript = field(init=False)

    def __post_init__(self) -> None:
        self._forget = self.redis.register_script(script_text("forget"))

    async def claim(self) -> InvestigationId | None:
        """The incident that is due first; it is due again after a lease, whoever dies meanwhile."""
        key, now = second_messages(self.keys), await self._now()
        for raw in await self.redis.zrangebyscore(key, "-inf", now, start=0, num=1):
            found, later = as_text(raw), now + round(1000 * self.lease_seconds)
            if await self.redis.zadd(key, {found: later}, xx=True, gt=True, ch=True):
                return InvestigationId(found)
        return None

    async def later(self, investigation_id: InvestigationId, *, seconds: float) -> None:
        """It is due after that time."""
        due = await self._now() + round(1000 * seconds)
        await self.redis.zadd(second_messages(self.keys), {investigation_id: due}, xx=True)

    async def owed(self, investigation_id: InvestigationId) -> Owed:
        """The incident's own, as it stands now."""
        key = self.keys.of(investigation_id, "slack")
        found = await self.redis.hmget(key, list(FIELDS))
        has = {name: as_text(raw) for name, raw in zip(FIELDS, found, strict=True)}
        final, owed_at = has["state"] == "final", float(has["owed_at"] or 0)
        now, doubt_at = await self._now(), float(has["doubt_at"] or 0)
        return Owed(
            known=tuple(_place(orphan) for orphan in has["orphans"].split()),
            doubt=f"{has['doubt']}:{has['doubt_at']}" if final and has["doubt"] else "",
            young_seconds=max(0.0, self.lease_seconds - (now - doubt_at) / 1000),
            stands=Place(channel=has["channel"], ts=has["ts"]) if final else None,
            left=tuple(has["left"].split()),
            seconds=(now - owed_at) / 1000 if owed_at else 0.0,
            moved=has["moved"],
        )

    async def forget(self, investigation_id: InvestigationId, owed: Owed) -> None:
        """That much is owed no longer; what came to it since is."""
        known = " ".join(f"{place.channel}:{place.ts}" for place in owed.known)
        await self._forget(
            keys=[self.keys.of(investigation_id, "slack"), second_messages(self.keys)],
            args=[investigation_id, known, owed.doubt, KEPT_SECONDS],
        )

    async def _now(self) -> int:
        seconds, microseconds = await self.redis.time()
        return int(seconds) * 1000 + int(microseconds) // 1000


def second_messages(keys: Keys) -> str:
    """Sorted set: when (ms) each incident with a message too many is looked at next."""
    return f"{keys.prefix}second-messages"


def owed_cards(keys: Keys) -> str:
    """Sorted set: from when on (ms) the final card of each incident that lacks one is late."""
    return f"{keys.prefix}owed-cards"


def owed_details(keys: Keys) -> str:
    """Sorted set: when (ms) the thread of each incident that still lacks details is looked at."""
    return f"{keys.prefix}details"


def script_text(name: str) -> str:
    """A Lua script of the notifier."""
    source = files("services.notifier.adapters").joinpath("scripts", f"{name}.lua")
    return source.read_text(encoding="utf-8")


def _place(orphan: str) -> Place:
    channel, _, ts = orphan.partition(":")
    return Place(channel=channel, ts=ts)
