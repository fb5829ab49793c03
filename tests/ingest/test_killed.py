"""Ingest is killed again and again while it drains a queue: nothing is lost and nothing doubled."""

import asyncio

import pytest

from bus.testing import eventually
from tests.conftest import MakeBus
from tests.ingest.bodies import flat_alarm
from tests.ingest.conftest import Queue
from tests.ingest.processes import ingest_process
from tests.ingest.shift import Shift
from tests.lane import Figures, Lane

KINDS = 12
STATES_OF_A_KIND = 5
SETTINGS = {
    "NIGHTSHIFT_MAX_NEW": "6",
    "NIGHTSHIFT_MAX_OPEN": "4",
    "NIGHTSHIFT_HELD_SECONDS": "2",
    "NIGHTSHIFT_GATHER_SECONDS": "1",
}


def bodies() -> list[str]:
    """A dozen kinds, each with several state changes, and each of those twice."""
    found = [
        flat_alarm(f"kind{kind}-error", StateChangeTime=f"2026-03-09T02:{minute:02}:00Z")
        for minute in range(STATES_OF_A_KIND)
        for kind in range(KINDS)
    ]
    return [body for body in found for _ in range(2)]


@pytest.mark.timeout(120)
async def test_killed_again_and_again_ingest_loses_no_alarm_and_doubles_none(
    queue: Queue, make_bus: MakeBus, lane: Lane, figures: Figures
) -> None:
    draw, shift = lane.random("killed"), Shift(make_bus("ingest"))
    sent = bodies()
    await asyncio.to_thread(queue.send, *sent)
    kills = lane.pick(1, 15)
    for _ in range(kills):
        enough = await handled(shift) + draw.randint(1, 20)
        async with ingest_process(queue, shift.bus, SETTINGS) as process:

            async def goes_on(enough: int = enough) -> bool:
                return await handled(shift) >= min(enough, len(sent) // 2)

            await eventually(goes_on, seconds=30)
            process.kill()
    async with ingest_process(queue, shift.bus, SETTINGS):

        async def nothing_left() -> bool:
            return not await left(queue) and not await shift.held() and await is_open(shift)

        await eventually(nothing_left, seconds=60)

    opened = await shift.incidents()
    ids = [str(each.incident_id) for each in opened]
    alarms = [each.alarm.name for each in opened if each.alarm]
    counts = [await shift.counted(name) for name in ids]
    linked = sum(number for each in counts for name, number in each.items() if name != "duplicate")
    lost = KINDS * STATES_OF_A_KIND - linked
    figures.add("R10", f"ingest killed {kills} times: alarms not linked", lost, 0)
    assert len(set(ids)) == len(ids)
    assert len(set(alarms)) == len(alarms), "a kind was opened twice"
    assert linked == KINDS * STATES_OF_A_KIND
    assert {each.alarm is None for each in opened} == {True, False}


async def handled(shift: Shift) -> int:
    """How many different alarms were decided about so far."""
    prefix = f"{shift.bus.keys.prefix}fingerprint:content:"
    return sum([1 async for _ in shift.bus.redis.scan_iter(match=f"{prefix}*", count=1000)])


async def left(queue: Queue) -> int:
    """How many messages the queue still has."""
    return await asyncio.to_thread(queue.left)


async def is_open(shift: Shift) -> bool:
    """Whether the summary has been opened."""
    return any(each.alarm is None for each in await shift.incidents())
