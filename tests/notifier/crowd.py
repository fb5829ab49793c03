"""Many incidents of one channel that finish at once, with two notifiers, and how Slack saw it."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass, field

from bus.events import IncidentOpened, InvestigationId, InvestigationProgressed
from bus.process import Service
from bus.record import Record
from bus.testing import eventually
from services.notifier.adapters.redis_pace import RedisPace
from services.notifier.adapters.slack import slack_channel
from services.notifier.app import build
from services.notifier.pace import Rate
from services.notifier.report import live_card
from services.notifier.settings import Settings
from simulator.slack.limits import Limits
from simulator.slack.store import Message
from tests.conftest import MakeBus, Start
from tests.notifier.conftest import Replica, settings_at
from tests.notifier.records import diagnosis
from tests.notifier.slack_desk import CHANNEL, Desk

OTHERS = "still-"
DETAILS = 2
"""Posts in the thread of each that finishes: its evidence and its timeline."""


@dataclass(frozen=True)
class Crowd:
    """How many incidents finish, and what else wants to be written meanwhile."""

    finishing: int
    running: int
    """Incidents that go on and report progress all the time."""
    late: int
    """Incidents that are opened while the others' cards and details are written."""
    late_every_seconds: float
    lease_seconds: float
    limits: Limits
    rates: dict[str, Rate] | None = None
    """None: as a notifier has them."""


@dataclass
class Crowded:
    """The crowd at work."""

    desk: Desk
    crowd: Crowd
    first: Replica
    """Without limits: opens and ends."""
    services: list[Service]
    records: list[Record] = field(default_factory=list)
    messages: list[Message] = field(default_factory=list)
    """Where each of these stands, in the same order."""
    began_at: float = 0.0
    opened_late: dict[str, float] = field(default_factory=dict)

    async def prepare(self) -> None:
        """Every incident has its message, before Slack has limits."""
        for number in range(self.crowd.finishing + self.crowd.running):
            finishes = number < self.crowd.finishing
            name = f"inc-{number:03d}" if finishes else f"{OTHERS}{number:03d}"
            record = await self.first.open(name)
            await self.first.messages.place(record, live_card(record))
            self.records.append(record)
            self.messages.append(self.message(name))

    async def finish(self) -> None:
        """From now on Slack has limits, and all that are to finish have ended."""
        wanted = self.crowd.limits
        limits = self.desk.limits
        limits.posts_per_second, limits.burst = wanted.posts_per_second, wanted.burst
        limits.tiers, limits.window_seconds = wanted.tiers, wanted.window_seconds
        self.began_at = _number(self.desk.stand_in.next_ts())
        ending = self.records[: self.crowd.finishing]
        await asyncio.gather(
            *(self.first.end(record, "diagnosed", diagnosis()) for record in ending)
        )

    async def report_progress(self) -> None:
        """What still runs says what it does, until cancelled."""
        bus, turn = self.first.bus, 0
        while True:
            turn += 1
            for record in self.records[self.crowd.finishing :]:
                inv = record.investigation_id
                said = InvestigationProgressed(
                    investigation_id=inv, turn=turn, activity=f"step {turn}"
                )
                await bus.publish(said)
            await asyncio.sleep(1)

    async def open_late(self) -> None:
        """New incidents come in one after another."""
        for number in range(self.crowd.late):
            await asyncio.sleep(self.crowd.late_every_seconds)
            name = f"late-{number:03d}"
            incident = IncidentOpened(
                service="cartservice", summary="opened late", incident_id=InvestigationId(name)
            )
            self.opened_late[name] = _number(self.desk.stand_in.next_ts())
            await self.first.bus.publish(incident)

        async def all_placed() -> bool:
            return all(map(self.count, self.opened_late))

        await eventually(all_placed, seconds=60)

    async def all_final(self) -> bool:
        """Whether every final card stands."""
        return len(self.finals) == self.crowd.finishing

    async def all_told(self) -> bool:
        """Whether the thread of each of those that finished holds its details."""
        return len(self.details) >= self.crowd.finishing * DETAILS

    @property
    def finals(self) -> list[float]:
        """When each final card stood, in seconds; those that are missing are not there."""
        found = self.messages[: self.crowd.finishing]
        return [self._after(said.now.at) for said in found if len(said.versions) > 1]

    @property
    def details(self) -> list[float]:
        """When each post in a thread of those that finished stood."""
        threads = self.messages[: self.crowd.finishing]
        replies = [self.desk.stand_in.replies(CHANNEL, thread.ts) for thread in threads]
        return [self._after(said.ts) for thread in replies for said in thread]

    @property
    def placed_late(self) -> list[float]:
        """How long after its acceptance each late incident was in Slack."""
        return [_number(self.message(name).ts) - at for name, at in self.opened_late.items()]

    @property
    def progress_meanwhile(self) -> int:
        """Edits of what still ran, before the last final card stood."""
        last, running = max(self.finals), self.messages[self.crowd.finishing :]
        edits = [self._after(version.at) for said in running for version in said.versions[1:]]
        return sum(0 <= at <= last for at in edits)

    @property
    def refused(self) -> int:
        """Answers of 429."""
        return sum(line["status"] == 429 for line in self.desk.log.read())

    def count(self, incident_id: str) -> int:
        """How many messages the incident has."""
        return sum(_incident(said) == incident_id for said in self.desk.messages)

    def message(self, incident_id: str) -> Message:
        """The incident's message."""
        return next(said for said in self.desk.messages if _incident(said) == incident_id)

    def _after(self, ts: str) -> float:
        return _number(ts) - self.began_at


async def crowded(desk: Desk, crowd: Crowd, *, make_bus: MakeBus, first: Replica) -> Crowded:
    """Two notifiers, not yet started."""
    values = settings_at(desk) | {
        "slack_pace": 1.0,
        "lease_seconds": crowd.lease_seconds,
        "drain_seconds": 0.2,
    }
    services = []
    for _ in range(2):
        bus = make_bus("notifier", Settings, **values)
        assert isinstance(bus.settings, Settings)
        slack = slack_channel(bus.settings, bus)
        if crowd.rates is not None:
            slack.calls.pace = RedisPace(bus.redis, bus.keys, rates=crowd.rates)
        services.append(build(bus.settings, bus, slack=slack))
    return Crowded(desk, crowd, first, services)


@contextlib.asynccontextmanager
async def at_work(crowd: Crowded, start: Start) -> AsyncIterator[None]:
    """All incidents finish, with everything that goes on beside them until all is written."""
    await crowd.prepare()
    for service in crowd.services:
        await start(service)
    await crowd.finish()
    endless = asyncio.create_task(crowd.report_progress())
    late = asyncio.create_task(crowd.open_late())
    try:
        yield
        await late
    finally:
        for task in (endless, late):
            task.cancel()
        await asyncio.gather(endless, late, return_exceptions=True)


def _incident(message: Message) -> str:
    payload = (message.now.metadata or {}).get("event_payload")
    return str(payload.get("incident_id")) if isinstance(payload, dict) else ""


def _number(ts: str) -> float:
    return float(ts)
