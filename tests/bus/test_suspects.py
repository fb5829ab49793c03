"""Entries that lost several owners are handled beside few others, at last alone."""

import time
from itertools import pairwise

import pytest

from bus.dead_letter import MAX_DELIVERIES
from bus.events import ToolCallFinished, ToolCallId
from bus.streams import TOOL_RESULTS, TURNS
from bus.testing import dead_letters, eventually
from tests.bus.suspects import INV, Work
from tests.conftest import MakeBus, Start

pytestmark = pytest.mark.timeout(30)
LAST = MAX_DELIVERIES - 1
"""So many owners were lost: the next one is the last."""
RESULT = ToolCallFinished(investigation_id=INV, tool_call_id=ToolCallId("1-1"), ok=True)


@pytest.fixture
def work(make_bus: MakeBus) -> Work:
    return Work(make_bus("reasoner", lease_seconds=1, drain_seconds=0.1))


async def test_what_may_kill_its_process_takes_few_with_it(work: Work, start: Start) -> None:
    """A turn killed its process six times, and all that ran beside it was set aside with it."""
    service = await work.service()
    await work.publish(*range(1, 21), lost=3)
    await start(service)

    async def others_keep_their_count() -> bool:
        counts = await work.counts()
        waiting = {counts[turn] for turn in counts if turn not in work.running}
        return len(work.running) == 4 and waiting == {3}

    await eventually(others_keep_their_count, 9)
    work.finish(*range(1, 21))
    await work.settled()
    assert len(work.began) == 20


async def test_strictest_of_those_that_run_counts_for_all(work: Work, start: Start) -> None:
    """Entries that had lost fewer owners began beside one that had lost nearly all of its own."""
    await start(await work.service())
    await work.publish(1, lost=4)
    await work.runs(1)
    await work.publish(*range(2, 9), lost=2)

    async def the_others_were_all_here() -> bool:
        counts = await work.counts()
        return len(work.running) == 2 and sorted(counts.values()) == [2] * 6 + [3, 5]

    await eventually(the_others_were_all_here, 9)
    assert len(work.beside[1]) == 1
    work.finish(*range(1, 9))
    await work.settled()


async def test_suspect_that_needs_more_room_gets_it_before_others_take_it(
    work: Work, start: Start
) -> None:
    await start(await work.service())
    await work.publish(*range(1, 9), lost=2)
    await work.runs(*range(1, 9))
    await work.publish(99, lost=4)
    await work.refused(99)
    await work.publish(*range(11, 31), lost=2)
    work.finish(*range(1, 5))
    await work.refused(*range(11, 31))
    assert work.running == set(range(5, 9))
    work.finish(*range(5, 9))

    async def it_began() -> bool:
        return 99 in work.running

    await eventually(it_began, 9)
    assert len(work.running) <= 2
    work.finish(99, *range(11, 31))
    await work.settled()


async def test_last_chance_is_alone_among_all_streams_of_its_process(
    work: Work, start: Start
) -> None:
    """Whatever else its process handled, a killer among it, might have ended it for good."""
    await start(await work.service())
    await work.bus.publish(RESULT)
    await work.publish(1)
    await work.runs(0, 1)
    await work.publish(7, lost=LAST)

    async def the_last_chance_is_here() -> bool:
        return (await work.counts()).get(7) == LAST + 1

    await eventually(the_last_chance_is_here, 9)
    idle: list[float] = []

    async def its_lease_is_renewed() -> bool:
        idle.append(await work.idle_seconds(7))
        return any(later < earlier for earlier, later in pairwise(idle))

    await eventually(its_lease_is_renewed, 9)
    assert work.running == {0, 1}
    await work.publish(2)
    await work.publish(3, lost=2)

    async def others_wait_uncounted() -> bool:
        counts = await work.counts()
        return (counts.get(2), counts.get(3)) == (0, 2)

    await eventually(others_wait_uncounted, 9)
    work.finish(1)
    await work.runs(0)
    work.finish(0)
    await work.runs(7)
    await eventually(others_wait_uncounted, 9)
    assert work.running == {7}
    work.finish(7)
    await work.runs(2, 3)
    assert work.beside[7] == set()
    assert (work.deliveries[2], work.deliveries[3]) == (1, 3)
    work.finish(2, 3)
    await work.settled()
    await work.settled(TOOL_RESULTS)


async def test_last_chances_come_one_after_another_while_new_work_goes_on(
    work: Work, start: Start
) -> None:
    await start(await work.service())
    await work.publish(1)
    await work.runs(1)
    lasts = (101, 102, 103)
    await work.publish(*lasts, lost=LAST)
    await work.publish(*range(2, 30))
    work.finish(*range(1, 30), *lasts)
    await work.settled()
    assert [work.beside[turn] for turn in lasts] == [set()] * 3
    assert sorted(work.began) == [*range(1, 30), *lasts]
    assert {work.deliveries[turn] for turn in range(1, 30)} == {1}


async def test_waiting_for_a_last_chance_does_not_turn_a_backlog_over(
    make_bus: MakeBus, start: Start
) -> None:
    """Its process would read the whole backlog only to hand every entry back, again and again."""
    work = Work(make_bus("reasoner", lease_seconds=4, max_workers=2, drain_seconds=0.1))
    await start(await work.service())
    await work.publish(7, lost=LAST)
    await work.runs(7)
    since = time.monotonic()
    await work.publish(*range(100, 200))

    async def several_were_read() -> bool:
        return len(await work.counts()) > 8

    await eventually(several_were_read, 15)
    assert time.monotonic() - since > 1
    assert work.beside[7] == set()


async def test_last_chance_that_waits_is_handed_over_uncounted_when_its_process_stops(
    work: Work, start: Start
) -> None:
    service = await work.service()
    await start(service)
    await work.publish(1)
    await work.runs(1)
    await work.publish(7, lost=LAST)

    async def it_waits() -> bool:
        return await work.counts() == {1: 1, 7: LAST + 1}

    await eventually(it_waits, 9)
    await service.consumer.broker.stop()
    await service.consumer.leases.hand_over(service.consumer.readers)
    assert await work.counts() == {1: 0, 7: LAST}
    assert 7 not in work.began


async def test_entry_that_lost_its_owners_beside_others_is_not_set_aside_but_tried_alone(
    work: Work, start: Start
) -> None:
    """Waiting in a process that dies counts as a delivery, too; nothing is set aside for that."""
    await start(await work.service())
    await work.publish(7, lost=MAX_DELIVERIES + 2)
    await work.runs(7)
    work.finish(7)
    await work.settled()
    assert await work.bus.redis.hgetall(work.bus.keys.errors(TURNS, "reasoner")) == {}


async def test_entry_that_lost_an_owner_alone_is_set_aside(work: Work, start: Start) -> None:
    await start(await work.service())
    await work.publish(7, lost=LAST)
    await work.runs(7)
    key = work.bus.keys.stream(TURNS)
    await work.bus.redis.xclaim(
        key, "reasoner", "dead", 0, [work.ids[7]], retrycount=LAST + 1, justid=True
    )

    async def set_aside() -> bool:
        return bool(await dead_letters(work.bus, TURNS))

    await eventually(set_aside, 9)
    (letter,) = await dead_letters(work.bus, TURNS)
    assert "died or froze 6 times" in letter.reason
    assert work.began == [7]
