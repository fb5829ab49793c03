"""A last chance is blamed only for what it did itself, and what was handed back only once."""

from functools import partial

import pytest
from pydantic import SecretStr
from redis.asyncio import Redis

from bus.dead_letter import ALONE, MAX_DELIVERIES
from bus.envelope import Entry
from bus.streams import TURNS
from bus.testing import eventually
from simulator.redis_server import RedisServer
from tests.bus.suspects import Work
from tests.conftest import MakeBus, Start

pytestmark = pytest.mark.timeout(30)
LAST = MAX_DELIVERIES - 1
READERS = [(TURNS, TURNS.reader("reasoner"))]


@pytest.fixture
def work(make_bus: MakeBus) -> Work:
    return Work(make_bus("reasoner", lease_seconds=1, drain_seconds=0.1))


async def test_last_chance_that_a_stopped_replica_handed_over_is_tried_again(
    work: Work, make_bus: MakeBus, start: Start
) -> None:
    """The mark of its beginning outlived the hand-over; the next replica took it for a death."""
    first = await work.service()
    await start(first)
    await work.publish(7, lost=LAST + 1)
    await work.runs(7)
    await first.stop()
    work.bus = make_bus("reasoner", lease_seconds=1)
    assert await work.counts() == {7: LAST + 1}
    assert await work.bus.redis.hgetall(work.bus.keys.errors(TURNS, "reasoner")) == {}
    await start(work.replica())
    work.finish(7)
    await work.settled()
    assert work.began == [7, 7]


async def test_mark_of_an_earlier_owner_does_not_count_while_a_last_chance_waits(
    work: Work, start: Start
) -> None:
    await start(await work.service())
    await work.publish(1)
    await work.runs(1)
    marks = work.bus.keys.errors(TURNS, "reasoner")
    await work.publish(7, lost=LAST)
    await work.bus.redis.hset(marks, work.ids[7] + ALONE, "1")

    async def it_is_gone() -> bool:
        return not await work.bus.redis.exists(marks)

    await eventually(it_is_gone, 9)
    assert work.running == {1}
    work.finish(1, 7)
    await work.settled()


async def test_last_chance_that_redis_left_without_its_lease_is_tried_again(
    own_redis: RedisServer, make_bus: MakeBus, start: Start
) -> None:
    """Another replica was quicker after an outage than its healthy owner with the renewal."""
    own_redis.kill()
    own_redis.start()
    url = SecretStr(own_redis.url)
    work = Work(make_bus("reasoner", redis_url=url, lease_seconds=60, drain_seconds=0.1))
    service = await work.service()
    await work.publish(7, lost=LAST + 1)
    marks = work.bus.keys.errors(TURNS, "reasoner")
    await work.bus.redis.hset(marks, work.ids[7] + ALONE, "1")
    await start(service)
    await work.runs(7)
    work.finish(7)
    await work.settled()


async def test_last_chance_is_not_blamed_by_who_was_cut_off_from_redis_too(
    own_redis: RedisServer, make_bus: MakeBus, start: Start
) -> None:
    """A network that kept everybody from a healthy Redis took the lease from a healthy owner."""
    url = SecretStr(own_redis.url)
    work = Work(make_bus("reasoner", redis_url=url, lease_seconds=2, drain_seconds=0.1))
    await start(await work.service())
    await eventually(partial(has_been_up, work.bus.redis, seconds=2), 9)
    await work.publish(7, lost=LAST + 1, idle_seconds=0)
    marks = work.bus.keys.errors(TURNS, "reasoner")
    await work.bus.redis.hset(marks, work.ids[7] + ALONE, "1")
    await work.bus.redis.client_pause(2500)
    await work.runs(7)
    work.finish(7)
    await work.settled()


async def has_been_up(redis: Redis, *, seconds: int) -> bool:
    return int((await redis.info("server"))["uptime_in_seconds"]) >= seconds


async def test_others_get_in_between_two_last_chances(work: Work, start: Start) -> None:
    """One last chance after another began while suspects and new work waited for all of them."""
    lasts = (101, 102, 103)
    await start(await work.service())
    await work.publish(lasts[0], lost=LAST)
    await work.runs(lasts[0])
    await work.publish(*lasts[1:], lost=LAST)
    await work.refused(*lasts[1:])
    await work.publish(1)
    await work.publish(2, 3, lost=2)
    await work.refused(2, 3)
    work.finish(lasts[0])
    await work.runs(1, 2, 3)
    work.finish(1, 2, 3, *lasts)
    await work.settled()
    assert [work.beside[turn] for turn in lasts] == [set()] * 3


async def test_delivery_that_was_handed_back_is_not_uncounted_again(work: Work) -> None:
    """An answer of Redis that was lost, or a stop meanwhile, forgave a real death each time."""
    service = await work.service()
    leases = service.consumer.leases
    await work.publish(7, lost=4)
    key, one = work.bus.keys.stream(TURNS), work.ids[7]
    owner = work.bus.settings.consumer
    await work.bus.redis.xclaim(key, "reasoner", owner, 0, [one], retrycount=5, justid=True)
    entry = Entry(stream=TURNS, group="reasoner", entry_id=one, fields={})
    assert await leases.take(entry)
    for _ in range(3):
        await leases.hand_back(entry, after_seconds=0.5)
    assert await leases.hand_over(READERS) == 0
    assert await work.counts() == {7: 4}


async def test_everything_that_a_replica_holds_is_handed_over(work: Work) -> None:
    """What stood behind the first thousand waited for the lease and counted as a death."""
    service = await work.service()
    await work.publish(*range(1, 1102))
    key = work.bus.keys.stream(TURNS)
    await work.bus.redis.xreadgroup("reasoner", work.bus.settings.consumer, {key: ">"})
    assert await service.consumer.leases.hand_over(READERS) == 1101
    rows = await work.bus.redis.xpending_range(key, "reasoner", min="-", max="+", count=2000)
    assert {(row["consumer"], row["times_delivered"]) for row in rows} == {(b"nobody", 0)}
