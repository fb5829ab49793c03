"""What a stream's owner trims, and what it never touches. On a real Redis."""

import logging
from typing import Any

import pytest

from bus.broker import Bus
from bus.connection import as_text
from bus.envelope import entry_fields
from bus.events import InvestigationId, TurnDue
from bus.janitor import Janitor
from bus.process import build_app
from bus.streams import DAY, HOUR, INCIDENTS, PROGRESS, STOPS, TURNS, Stream
from bus.testing import eventually
from tests.bus.incidents import an_incident
from tests.conftest import MakeBus, Start


async def groups(bus: Bus, stream: Stream) -> None:
    for reader in stream.readers:
        await bus.redis.xgroup_create(bus.keys.stream(stream), reader.group, id="0", mkstream=True)


async def publish(bus: Bus, count: int) -> list[str]:
    return [await bus.publish(an_incident(f"inc-{number}")) for number in range(count)]


async def read(bus: Bus, stream: Stream, group: str, *, count: int, by: str = "one") -> list[str]:
    key = bus.keys.stream(stream)
    rows: Any = await bus.redis.xreadgroup(group, by, {key: ">"}, count=count)
    return [as_text(entry_id) for _, entries in rows for entry_id, _ in entries]


async def acknowledge(bus: Bus, stream: Stream, group: str, ids: list[str]) -> None:
    await bus.redis.xack(bus.keys.stream(stream), group, *ids)


async def ids(bus: Bus, stream: Stream) -> list[str]:
    rows: Any = await bus.redis.xrange(bus.keys.stream(stream))
    return [as_text(entry_id) for entry_id, _ in rows]


async def tick(bus: Bus) -> None:
    """Redis' clock shows a later millisecond afterwards."""
    before = await bus.investigations.now()

    async def later() -> bool:
        return (await bus.investigations.now() - before).total_seconds() > 0.001

    await eventually(later)


async def test_what_both_groups_acknowledged_goes(make_bus: MakeBus) -> None:
    bus = make_bus("reasoner", keep_acknowledged_seconds=0)
    await groups(bus, INCIDENTS)
    await publish(bus, 5)
    for reader in INCIDENTS.readers:
        read_now = await read(bus, INCIDENTS, reader.group, count=5)
        await acknowledge(bus, INCIDENTS, reader.group, read_now)
    await tick(bus)
    assert await Janitor(bus).trim() == 5
    assert await ids(bus, INCIDENTS) == []


@pytest.mark.parametrize("behind", ["reasoner", "notifier"])
async def test_unread_entries_of_either_group_survive(make_bus: MakeBus, behind: str) -> None:
    bus = make_bus("reasoner", keep_acknowledged_seconds=0)
    await groups(bus, INCIDENTS)
    written = await publish(bus, 6)
    for reader in INCIDENTS.readers:
        count = 2 if reader.group == behind else 6
        read_now = await read(bus, INCIDENTS, reader.group, count=count)
        await acknowledge(bus, INCIDENTS, reader.group, read_now)
    await tick(bus)
    assert await Janitor(bus).trim() == 2
    assert await ids(bus, INCIDENTS) == written[2:]


@pytest.mark.parametrize("behind", ["reasoner", "notifier"])
async def test_pending_entries_of_either_group_survive(make_bus: MakeBus, behind: str) -> None:
    bus = make_bus("reasoner", keep_acknowledged_seconds=0)
    await groups(bus, INCIDENTS)
    written = await publish(bus, 6)
    for reader in INCIDENTS.readers:
        read_now = await read(bus, INCIDENTS, reader.group, count=6)
        done = [*read_now[:3], *read_now[4:]] if reader.group == behind else read_now
        await acknowledge(bus, INCIDENTS, reader.group, done)
    await tick(bus)
    assert await Janitor(bus).trim() == 3
    assert await ids(bus, INCIDENTS) == written[3:]


async def test_nothing_is_trimmed_while_a_group_is_missing(
    make_bus: MakeBus, caplog: pytest.LogCaptureFixture
) -> None:
    bus = make_bus("reasoner", keep_acknowledged_seconds=0)
    key = bus.keys.stream(INCIDENTS)
    written = await publish(bus, 3)
    await bus.redis.xgroup_create(key, "reasoner", id="0")
    await acknowledge(bus, INCIDENTS, "reasoner", await read(bus, INCIDENTS, "reasoner", count=3))
    await tick(bus)
    with caplog.at_level(logging.WARNING):
        assert await Janitor(bus).trim() == 0
    assert await ids(bus, INCIDENTS) == written
    assert "incidents is not trimmed: a group is missing" in caplog.text
    await bus.redis.xgroup_create(key, "notifier", id="0")
    assert await read(bus, INCIDENTS, "notifier", count=9) == written


async def test_acknowledged_entry_stays_for_a_while(make_bus: MakeBus) -> None:
    bus = make_bus("reasoner")
    await groups(bus, TURNS)
    key = bus.keys.stream(TURNS)
    now = round((await bus.investigations.now()).timestamp())
    for age in (2 * HOUR, HOUR + 60, HOUR - 60):
        await bus.redis.xadd(key, {"data": "{}"}, id=f"{(now - age) * 1000}-0")
    await acknowledge(bus, TURNS, "reasoner", await read(bus, TURNS, "reasoner", count=3))
    assert await Janitor(bus).trim() == 2
    assert await ids(bus, TURNS) == [f"{(now - HOUR + 60) * 1000}-0"]


async def test_stream_kept_by_age_is_trimmed_up_to_its_oldest_pending_entry(
    make_bus: MakeBus,
) -> None:
    bus = make_bus("notifier")
    now = round((await bus.investigations.now()).timestamp())
    await groups(bus, PROGRESS)
    old = [f"{(now - age) * 1000}-0" for age in (5 * HOUR, 4 * HOUR, 3 * HOUR, 2 * HOUR)]
    for stream in (PROGRESS, STOPS):
        for entry_id in old:
            await bus.redis.xadd(bus.keys.stream(stream), {"data": "{}"}, id=entry_id)
    done, *_ = await read(bus, PROGRESS, "notifier", count=2)
    await acknowledge(bus, PROGRESS, "notifier", [done])
    assert await Janitor(bus).trim() == 1 + 4
    assert await ids(bus, PROGRESS) == old[1:]
    assert await ids(bus, STOPS) == []


async def test_dead_letters_go_after_thirty_days(make_bus: MakeBus) -> None:
    bus = make_bus("reasoner")
    key = bus.keys.dead(TURNS)
    now = round((await bus.investigations.now()).timestamp())
    for age in (31 * DAY, 29 * DAY):
        await bus.redis.xadd(key, {"data": "{}"}, id=f"{(now - age) * 1000}-0")
    assert await Janitor(bus).trim() == 1


async def test_owner_leaves_the_streams_of_others_alone(make_bus: MakeBus) -> None:
    bus = make_bus("toolrunner", keep_acknowledged_seconds=0)
    await groups(bus, TURNS)
    await bus.publish(TurnDue(investigation_id=InvestigationId("inc-1"), turn=1))
    await acknowledge(bus, TURNS, "reasoner", await read(bus, TURNS, "reasoner", count=1))
    await tick(bus)
    assert await Janitor(bus).trim() == 0
    assert len(await ids(bus, TURNS)) == 1


async def test_only_a_consumer_that_is_long_away_and_holds_nothing_is_forgotten(
    make_bus: MakeBus,
) -> None:
    bus = make_bus("reasoner")
    await groups(bus, TURNS)
    key = bus.keys.stream(TURNS)
    for turn in (1, 2):
        await bus.publish(TurnDue(investigation_id=InvestigationId("inc-1"), turn=turn))
    await read(bus, TURNS, "reasoner", count=1, by="holds one")
    await acknowledge(
        bus, TURNS, "reasoner", await read(bus, TURNS, "reasoner", count=1, by="away")
    )
    await tick(bus)
    await Janitor(bus).trim()
    assert len(await bus.redis.xinfo_consumers(key, "reasoner")) == 2
    await Janitor(bus, forget_consumers_seconds=0).trim()
    (left,) = await bus.redis.xinfo_consumers(key, "reasoner")
    assert as_text(left["name"]) == "holds one"


async def test_stuck_group_is_told_once_and_loses_nothing(
    make_bus: MakeBus, caplog: pytest.LogCaptureFixture
) -> None:
    bus = make_bus("reasoner", keep_acknowledged_seconds=0, deadline_seconds=2)
    await groups(bus, INCIDENTS)
    now = round((await bus.investigations.now()).timestamp())
    entry_id = f"{(now - 10) * 1000}-0"
    fields = entry_fields(an_incident())
    await bus.redis.xadd(bus.keys.stream(INCIDENTS), dict(fields.items()), id=entry_id)
    await acknowledge(bus, INCIDENTS, "reasoner", await read(bus, INCIDENTS, "reasoner", count=1))
    janitor = Janitor(bus)
    with caplog.at_level(logging.WARNING):
        assert await janitor.trim() + await janitor.trim() == 0
    assert caplog.text.count("group notifier is stuck on incidents") == 1
    assert await ids(bus, INCIDENTS) == [entry_id]


async def test_service_trims_what_it_owns_by_itself(make_bus: MakeBus, start: Start) -> None:
    bus = make_bus("reasoner", keep_acknowledged_seconds=0, janitor_seconds=0.05)
    await groups(bus, TURNS)
    await bus.publish(TurnDue(investigation_id=InvestigationId("inc-1"), turn=1))
    await acknowledge(bus, TURNS, "reasoner", await read(bus, TURNS, "reasoner", count=1))
    await start(build_app(bus, []))

    async def trimmed() -> bool:
        return await ids(bus, TURNS) == []

    await eventually(trimmed)
