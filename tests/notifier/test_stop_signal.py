"""One stop signal for each investigation, after its final card, wherever that card goes."""

from datetime import timedelta
from functools import partial
from pathlib import Path

import pytest

from bus.errors import NotConfigured
from bus.events import IncidentOpened, InvestigationId, InvestigationStopped, StopRequested
from bus.port import Bus
from bus.process import Service
from bus.record import Commit, Record, end
from bus.streams import DIAGNOSES, STOPS
from bus.testing import all_settled, events, eventually
from services.notifier.app import build
from services.notifier.settings import Settings
from tests.conftest import MakeBus, Start
from tests.notifier.conftest import settings_at
from tests.notifier.records import diagnosis
from tests.notifier.slack_desk import CHANNEL, Desk

CART = "C0CARTTEAM"
INV = InvestigationId("inc-7")
ROUTED = f'[services.cartservice]\nchannel = "{CART}"\n[services.frontend]\n'
STDOUT: dict[str, object] = {"sink": "stdout", "slack_channel": "stdout", "lease_seconds": 3.0}


def service_of(bus: Bus) -> Service:
    assert isinstance(bus.settings, Settings)
    return build(bus.settings, bus)


async def stop_signals(bus: Bus) -> list[InvestigationStopped]:
    return [e for e in await events(bus, STOPS) if isinstance(e, InvestigationStopped)]


async def test_every_replica_sweeps_and_each_deadline_is_kept_once(
    desk: Desk, make_bus: MakeBus, start: Start, tmp_path: Path
) -> None:
    """Nobody investigates, and both replicas find all that is due."""
    desk.stand_in.channels[CART] = "cart"
    path = tmp_path / "services.toml"
    path.write_text(ROUTED)
    settings = settings_at(desk) | {"catalog": path}
    buses = [make_bus("notifier", Settings, **settings) for _ in range(2)]
    for bus in buses:
        await start(service_of(bus))
    bus, names = buses[0], [f"inc-{number}" for number in range(6)]
    for number, name in enumerate(names):
        service = ("cartservice", "frontend")[number % 2]
        await bus.publish(IncidentOpened(service=service, summary="500", incident_id=name))

    async def placed() -> bool:
        return len(desk.messages) == len(desk.stand_in.top_level(CART)) == 3

    await eventually(placed, seconds=9)
    past = await bus.investigations.now() - timedelta(seconds=1)
    for name in names:
        due = partial(_due, at=past)
        await bus.investigations.apply(InvestigationId(name), due)

    async def ended() -> bool:
        done = len(await stop_signals(bus)) >= len(names)
        return done and await all_settled(bus, DIAGNOSES, group="notifier")

    await eventually(ended, seconds=9)
    stopped = {each.investigation_id: each for each in await stop_signals(bus)}
    assert sorted(stopped) == names
    assert len(await stop_signals(bus)) == len(names)
    requests = [each for each in await events(bus, STOPS) if isinstance(each, StopRequested)]
    assert len(requests) == len(names)
    for channel in (CHANNEL, CART):
        stands = {message.ts for message in desk.stand_in.top_level(channel)}
        assert {each.ts for each in stopped.values() if each.channel == channel} == stands
        assert len(stands) == 3


async def test_notifier_without_slack_prints_the_work_and_the_card_and_stops_once(
    make_bus: MakeBus, start: Start, capsys: pytest.CaptureFixture[str]
) -> None:
    bus = make_bus("notifier", Settings, **STDOUT)
    await start(service_of(bus))
    summary = "HTTP 500 \x1b[2J on checkout"
    await bus.publish(IncidentOpened(service="cartservice", summary=summary, incident_id=INV))
    printed: list[str] = []

    async def said() -> str:
        printed.append(capsys.readouterr().out)
        return "".join(printed) if "reading the alarm" in "".join(printed) else ""

    assert "error: investigating cartservice" in await eventually(said)
    at = await bus.investigations.now()
    found = diagnosis()
    await bus.investigations.apply(
        INV, lambda record: end(record, "diagnosed", at=at, diagnosis=found)
    )
    (stopped,) = await eventually(partial(stop_signals, bus))
    await eventually(lambda: all_settled(bus, DIAGNOSES, group="notifier"))
    assert (stopped.outcome, stopped.channel) == ("diagnosed", "stdout")
    await said()
    text = "".join(printed)
    assert text.count("Root cause: RedisCartStore.cs keeps one connection") == 1
    assert text.count("--- inc-7 in stdout ---") == 2
    assert "\x1b" not in text


def test_services_file_that_cannot_be_used_ends_the_start_with_file_and_key(
    make_bus: MakeBus, tmp_path: Path
) -> None:
    path = tmp_path / "services.toml"
    path.write_text('[services.cartservice]\nchannel = "#cart"')
    bus = make_bus("notifier", Settings, **(STDOUT | {"catalog": path}))
    with pytest.raises(NotConfigured, match=r"services\.toml .*'services\.cartservice\.channel'"):
        service_of(bus)


def _due(record: Record, *, at: object) -> Commit:
    return Commit(record=record.changed(deadline_at=at), due_at=record.opened_at)
