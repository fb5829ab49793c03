"""Whoever may append to a stream may empty it, or block it for good: that is seen and outlived."""

from typing import Any

import pytest

from bus.connection import as_text
from bus.events import IncidentId, IncidentOpened, InvestigationId, NoticeRequested, TurnDue
from bus.port import Bus
from bus.streams import DIAGNOSES, NOTICES, TURNS
from bus.testing import events, eventually
from services.notifier.adapters.redis_deadlines import Deadlines
from services.notifier.adapters.redis_owing import owed_cards
from services.notifier.adapters.stream_watch import StreamWatch
from services.notifier.app import build
from services.notifier.report import live_card
from services.notifier.settings import Settings
from services.notifier.sweep import Sweep
from tests.conftest import MakeBus, Start
from tests.notifier.conftest import MakeReplica, settings_at
from tests.notifier.records import diagnosis
from tests.notifier.slack_desk import Desk

INV = InvestigationId("inc-7")
LARGEST = "18446744073709551615-18446744073709551615"
"""Behind it no id is possible, so nothing can be appended any more."""


async def notices(bus: Bus) -> list[str]:
    """What people were told."""
    found = await events(bus, NOTICES)
    return [each.text for each in found if isinstance(each, NoticeRequested)]


async def test_a_stream_that_is_emptied_or_blocked_is_told_at_the_next_look(
    make_bus: MakeBus,
) -> None:
    bus = make_bus("notifier")
    await bus.store.begin()
    watch, key = StreamWatch(bus), bus.keys.stream(TURNS)
    await bus.publish(TurnDue(investigation_id=INV, turn=1))
    await watch.look()
    assert await notices(bus) == []
    await bus.redis.xtrim(key, maxlen=0, approximate=False)
    await watch.look()
    (emptied,) = await notices(bus)
    assert emptied.startswith("The stream turns was emptied by somebody")
    await bus.redis.xadd(key, {"event": "x"}, id=LARGEST)
    await watch.look()
    await watch.look()
    _, blocked = await notices(bus)
    assert blocked.startswith("The stream turns is blocked")


@pytest.mark.timeout(40)
async def test_with_blocked_streams_an_incident_still_gets_its_one_card(
    desk: Desk, make_bus: MakeBus, start: Start
) -> None:
    """A commit that cannot append has written its record all the same; the sweep sees to it."""
    bus = make_bus("notifier", Settings, **(settings_at(desk) | {"deadline_seconds": 2.0}))
    assert isinstance(bus.settings, Settings)
    await start(build(bus.settings, bus))
    await bus.publish(
        IncidentOpened(service="cartservice", summary="500", incident_id=IncidentId(INV))
    )
    await eventually(lambda: bus.redis.exists(bus.keys.of(INV, "record")))
    owed = owed_cards(bus.keys)
    await eventually(lambda: bus.redis.zscore(owed, INV), seconds=20)
    for stream in (TURNS, DIAGNOSES):
        await bus.redis.xadd(bus.keys.stream(stream), {"event": "x"}, id=LARGEST)

    async def closed() -> bool:
        return as_text(await bus.redis.hget(bus.keys.of(INV, "slack"), "state")) == "final"

    await eventually(closed, seconds=20)

    async def paid() -> bool:
        return await bus.redis.zscore(owed, INV) is None

    await eventually(paid)
    record = await bus.investigations.read(INV)
    assert record is not None
    assert record.outcome == "timed_out"
    said = [desk.said(number) for number in range(len(desk.messages))]
    (card,) = [each for each in said if "cartservice" in each]
    assert all("is blocked" in each for each in said if each != card)


async def test_a_diagnosis_whose_entry_is_gone_has_its_card_from_the_record(
    desk: Desk, make_replica: MakeReplica
) -> None:
    """Emptied, `diagnoses` asked nobody for a card any more, and the incident never ended."""
    replica = make_replica()
    bus, places = replica.bus, replica.places
    record = await replica.open(INV)
    await replica.messages.place(record, live_card(record))
    await places.owe(record.investigation_id, seconds=0.0)
    await replica.end(record, "diagnosed", diagnosis())
    key = bus.keys.stream(DIAGNOSES)
    await bus.redis.xgroup_create(key, "notifier", id="0")
    sweep = Sweep(bus.investigations, Deadlines(bus.redis, bus.keys), replica.closing)
    await bus.redis.xreadgroup("notifier", "one", {key: ">"})
    await sweep.close_lost()
    assert sweep.left_over.empty(), "its entry is in somebody's hands"
    rows: Any = await bus.redis.xrange(key)
    await bus.redis.xack(key, "notifier", *[row[0] for row in rows])
    await bus.redis.xtrim(key, maxlen=0, approximate=False)
    await sweep.close_lost()
    await sweep.close_left_over()
    assert "RedisCartStore.cs" in desk.said()
    assert len(await replica.stop_signals()) == 1
    assert await places.late() == []
