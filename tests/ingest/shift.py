"""Ingest's decisions over a real Redis, with alarms by name and time that passes when told."""

import itertools
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import partial
from types import MappingProxyType
from typing import Any

from bus.broker import Bus
from bus.connection import as_text
from bus.events import (
    Alarm,
    IncidentOpened,
    InvestigationId,
    InvestigationStopped,
    RecoveryPolicy,
    Severity,
)
from bus.record import end
from bus.streams import INCIDENTS
from bus.testing import entries, events
from services.ingest.adapters.reading_room import ReadingRoom
from services.ingest.adapters.redis_backlog import RedisBacklog
from services.ingest.adapters.redis_fingerprints import RedisFingerprints
from services.ingest.backlog import Draining
from services.ingest.handlers import Triggers
from services.ingest.limits import Limits
from services.ingest.trigger import Decision, Raised, Recovered

NO_LABELS: Mapping[str, str] = MappingProxyType({})
MIDNIGHT = datetime(2026, 11, 24, tzinfo=UTC)
TIMES = {"problem": ("at", "last", "reopened"), "summary": ("at",), "source": ("at",)}


@dataclass
class Shift:
    """One replica, and what a test does to it and to the investigations it opened."""

    bus: Bus
    limits: Limits = field(default_factory=Limits)
    recovery: RecoveryPolicy = "finish small"
    triggers: Triggers = field(init=False)
    backlog: RedisBacklog = field(init=False)
    draining: Draining = field(init=False)
    _numbers: Iterator[int] = field(default_factory=lambda: itertools.count(1))

    def __post_init__(self) -> None:
        fingerprints = RedisFingerprints(self.bus, self.limits)
        self.triggers = Triggers(
            fingerprints, self.bus.tracing, ReadingRoom(), recovery=self.recovery
        )
        self.backlog = RedisBacklog(self.bus, self.limits)
        self.draining = Draining(self.backlog)

    def alarm(self, name: str, at: datetime | None = None, reason: str = "it is so") -> Alarm:
        """A new state change of the alarm of that name, a second after the one before."""
        moment = at or MIDNIGHT + timedelta(seconds=next(self._numbers))
        return Alarm(name=name, account="1", region="r", changed_at=moment, reason=reason)

    async def raised(
        self,
        name: str,
        *,
        severity: Severity = "error",
        source: str = "here",
        service: str = "",
        labels: Mapping[str, str] = NO_LABELS,
    ) -> Decision:
        """A new state change to ALARM was taken."""
        alarm = self.alarm(name).model_copy(update={"labels": dict(labels)})
        named = service or f"{name}-service"
        return await self.triggers.take(
            Raised(alarm, severity=severity, source=source, service=named)
        )

    async def recovered(self, name: str, *, service: str = "") -> Decision:
        """A new state change to OK was taken."""
        named = service or f"{name}-service"
        return await self.triggers.take(Recovered(self.alarm(name), service=named))

    async def incidents(self) -> list[IncidentOpened]:
        """Every incident on the stream, in order."""
        return [
            each for each in await events(self.bus, INCIDENTS) if isinstance(each, IncidentOpened)
        ]

    async def begin(self) -> None:
        """Every incident on the stream has its record, as the reasoner makes it."""
        for entry in await entries(self.bus, INCIDENTS):
            incident = IncidentOpened.model_validate_json(entry.fields["data"])
            await self.bus.investigations.open(incident, entry, acknowledge=False)

    async def end(self, incident_id: str) -> None:
        """Its investigation has ended, and its place is not free yet."""
        await self.begin()
        now = await self.bus.investigations.now()
        decide = partial(end, outcome="diagnosed", at=now)
        await self.bus.investigations.apply(InvestigationId(incident_id), decide)

    async def stop_signal(self, incident_id: str) -> None:
        """The notifier's stop signal is on the stream."""
        await self.bus.publish(
            InvestigationStopped(
                investigation_id=InvestigationId(incident_id),
                outcome="diagnosed",
                channel="C1",
                ts="1.0",
            )
        )

    async def pass_time(self, seconds: float) -> None:
        """All that ingest has written down is so much older."""
        ms = round(1000 * seconds)
        for kind, names in TIMES.items():
            async for key in self.bus.redis.scan_iter(match=f"{self._key(kind)}*", count=1000):
                for name in names:
                    if await self.bus.redis.hget(key, name):
                        await self.bus.redis.hincrby(key, name, -ms)
        for kind in ("opened:", "objects:"):
            async for key in self.bus.redis.scan_iter(match=f"{self._key(kind)}*", count=1000):
                await self._age(as_text(key), ms)
        await self._age(f"{self.bus.keys.prefix}backlog", ms)
        await self._age(f"{self.bus.keys.prefix}places", ms / 1000)

    async def held(self) -> list[str]:
        """Fingerprints in the backlog, in their order."""
        found: Any = await self.bus.redis.zrange(f"{self.bus.keys.prefix}backlog", 0, -1)
        return [as_text(name) for name in found]

    async def places(self) -> list[str]:
        """Investigations that hold a place now."""
        seconds, _ = await self.bus.redis.time()
        key = f"{self.bus.keys.prefix}places"
        found: Any = await self.bus.redis.zrangebyscore(key, seconds, "+inf")
        return [as_text(name) for name in found]

    async def counted(self, incident_id: str) -> dict[str, int]:
        """How many triggers became what of that incident, over all reasons."""
        found: dict[str, int] = {}
        raw: Any = await self.bus.redis.hgetall(self._key(f"incident:{incident_id}"))
        for name, count in raw.items():
            if as_text(name).startswith("counted:"):
                outcome = as_text(name).split(":")[1]
                found[outcome] = found.get(outcome, 0) + int(count)
        return found

    async def _age(self, key: str, older: float) -> None:
        rows: Any = await self.bus.redis.zrange(key, 0, -1, withscores=True)
        for name, score in rows:
            await self.bus.redis.zadd(key, {as_text(name): float(score) - older})

    def _key(self, name: str) -> str:
        return f"{self.bus.keys.prefix}fingerprint:{name}"
