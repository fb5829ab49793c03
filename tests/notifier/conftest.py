"""Slack on the wire, and the notifier over a real Redis."""

from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from pathlib import Path

import pytest
from pydantic import SecretStr

from bus.connection import as_text
from bus.envelope import Entry
from bus.events import (
    Diagnosis,
    DiagnosisReached,
    Event,
    IncidentOpened,
    InvestigationId,
    InvestigationStopped,
    Outcome,
)
from bus.port import Bus
from bus.process import Service
from bus.record import Commit, Record, end
from bus.streams import INCIDENTS, STOPS, STREAMS
from bus.testing import all_settled, entries, events
from services.notifier.adapters.catalog_file import routes
from services.notifier.adapters.known_links import links_of
from services.notifier.adapters.redis_memory import RedisHistory
from services.notifier.adapters.redis_owing import RedisOwing
from services.notifier.adapters.redis_places import RedisPlaces
from services.notifier.adapters.slack import slack_channel
from services.notifier.adapters.threads import threads_of
from services.notifier.app import build
from services.notifier.closing import Closing
from services.notifier.live import Live
from services.notifier.message import Messages
from services.notifier.second_messages import SecondMessages
from services.notifier.settings import Settings
from services.notifier.thread import Threads
from simulator.faults import Faults as PlannedFaults
from simulator.request_log import RequestLog
from simulator.serving import served
from simulator.slack import Limits, SlackStandIn, build_slack
from tests.conftest import MakeBus
from tests.notifier.slack_desk import CHANNEL, TOKEN, Desk, Faults


@pytest.fixture
async def desk(tmp_path: Path) -> AsyncIterator[Desk]:
    """Slack, empty, with one channel."""
    log = RequestLog(tmp_path / "requests.jsonl")
    stand_in = SlackStandIn({CHANNEL: "incidents"})
    planned, limits = PlannedFaults(), Limits()
    faults = Faults(build_slack(log, TOKEN, stand_in=stand_in, limit=limits, faults=planned))
    async with served(faults) as address:
        yield Desk(f"{address}/api/", faults, stand_in, log, planned, limits)


MakeReplica = Callable[..., "Replica"]


@dataclass
class Replica:
    """One notifier's parts, driven by hand."""

    bus: Bus
    settings: Settings
    messages: Messages
    closing: Closing
    live: Live
    threads: Threads

    @property
    def places(self) -> RedisPlaces:
        """The Slack leases."""
        assert isinstance(self.messages.places, RedisPlaces)
        return self.messages.places

    async def open(self, incident_id: str = "inc-7", **fields: str) -> Record:
        """A record that stands in Redis, opened by an entry on `incidents`."""
        values = {"service": "cartservice", "summary": "HTTP 500 on checkout"} | fields
        incident = IncidentOpened.model_validate(values | {"incident_id": incident_id})
        await self.bus.publish(incident)
        last = (await entries(self.bus, INCIDENTS))[-1]
        entry = Entry(
            stream=INCIDENTS, group="notifier", entry_id=last.entry_id, fields=last.fields
        )
        return await self.bus.investigations.open(incident, entry, acknowledge=False)

    async def end(
        self, record: Record, outcome: Outcome = "cancelled", diagnosis: Diagnosis | None = None
    ) -> Record:
        """The record after it ended; its diagnosis is on the stream."""
        at = await self.bus.investigations.now()

        def decide(known: Record) -> Commit:
            return end(known, outcome, at=at, diagnosis=diagnosis)

        ended = await self.bus.investigations.apply(record.investigation_id, decide)
        assert ended is not None
        return ended

    async def stop_signals(self) -> list[InvestigationStopped]:
        """Every stop signal so far."""
        found: list[Event] = await events(self.bus, STOPS)
        return [event for event in found if isinstance(event, InvestigationStopped)]

    async def slack_state(self, investigation_id: str) -> dict[str, str]:
        """The incident's slack hash."""
        key = self.bus.keys.of(investigation_id, "slack")
        raw = await self.bus.redis.hgetall(key)
        return {as_text(name): as_text(value) for name, value in raw.items()}

    async def acknowledged(self, stream: str) -> bool:
        """Whether the notifier has read and acknowledged everything on a stream."""
        by_name = {known.name: known for known in STREAMS}
        return await all_settled(self.bus, by_name[stream], group="notifier")


@pytest.fixture
def make_replica(desk: Desk, make_bus: MakeBus) -> MakeReplica:
    """`make_replica(**settings)`: the parts of one more notifier at the same Redis and Slack."""

    def make(**values: object) -> Replica:
        bus = make_bus("notifier", Settings, **(settings_at(desk) | values))
        settings = bus.settings
        assert isinstance(settings, Settings)
        slack = slack_channel(settings, bus)
        places = RedisPlaces(bus.redis, bus.keys, settings.lease_seconds, settings.progress_seconds)
        owing = RedisOwing(bus.redis, bus.keys, settings.lease_seconds)
        second_messages = SecondMessages(bus.investigations, slack, owing, bus.tracing)
        ways = routes(settings.catalog, settings.slack_channel)
        messages = Messages(slack, places, second_messages, ways)
        history = RedisHistory(bus.redis, bus.keys)
        closing = Closing(bus, messages, history, links_of(settings), settings.final_repeat_seconds)
        threads = threads_of(slack, closing, lease_seconds=settings.lease_seconds)
        live = Live(bus.investigations, messages)
        return Replica(bus, settings, messages, closing, live, threads)

    return make


@pytest.fixture
async def service(desk: Desk, make_bus: MakeBus) -> AsyncIterator[Service]:
    """The whole notifier, running."""
    bus = make_bus("notifier", Settings, **settings_at(desk))
    assert isinstance(bus.settings, Settings)
    running = build(bus.settings, bus)
    await running.start()
    yield running
    await running.stop()


def reached(record: Record) -> DiagnosisReached:
    """The event that says so."""
    assert record.outcome is not None
    return DiagnosisReached(
        investigation_id=InvestigationId(record.investigation_id), outcome=record.outcome
    )


def settings_at(desk: Desk) -> dict[str, object]:
    """Settings of a notifier at that Slack."""
    return {
        "slack_bot_token": SecretStr(TOKEN),
        "slack_channel": CHANNEL,
        "slack_api_url": desk.address,
        "slack_pace": 1000.0,
        "final_repeat_seconds": 0.2,
        "progress_seconds": 0.1,
        "lease_seconds": 3.0,
        "sweep_seconds": 0.1,
        "trace_url": "http://jaeger.test:16686/trace/{trace_id}",
    }
