"""Leave to call Slack: one line for all replicas, the urgent first, closed for all at once."""

import math
from collections.abc import Mapping

import pytest

from bus.errors import Unavailable
from services.notifier.adapters.redis_pace import RedisPace
from services.notifier.pace import ORDER, RATES, TIER_3, Rate, Urgency, patience
from simulator.slack.limits import Limits
from tests.conftest import MakeBus

SLOW: Mapping[str, Rate] = {
    "chat.update": Rate(6, 2),
    "chat.postMessage": Rate(6, 1, per_channel=True),
}
"""One leave in ten seconds: no test sees the next one."""
EDIT = "chat.update"


@pytest.fixture
def paces(make_bus: MakeBus) -> list[RedisPace]:
    """Two replicas."""
    buses = [make_bus("notifier") for _ in range(2)]
    return [RedisPace(bus.redis, bus.keys, rates=SLOW) for bus in buses]


async def emptied(pace: RedisPace) -> None:
    """The bucket of edits is empty."""
    for number in range(SLOW[EDIT].burst):
        assert await pace.ask(EDIT, "C1", urgency="final", waiter=f"before-{number}") == 0.0


async def test_bucket_is_shared_by_all_replicas(paces: list[RedisPace]) -> None:
    one, two = paces
    await emptied(one)
    assert 9 < await two.ask(EDIT, "C1", urgency="final", waiter="inc-1") <= 10


async def test_more_urgent_call_goes_first_whoever_asked_before_and_wherever(
    paces: list[RedisPace],
) -> None:
    one, two = paces
    await emptied(one)
    for urgency in reversed(ORDER[:-1]):
        await one.ask(EDIT, "C1", urgency=urgency, waiter="inc-1")
    await two.ask(EDIT, "C1", urgency="final", waiter="inc-2")
    places = await two.redis.zrange(f"{two.keys.prefix}slack-line:{EDIT}", 0, -1)
    assert places == [b"final:inc-1", b"final:inc-2", b"placeholder:inc-1", b"details:inc-1"]
    assert 9 < await two.ask(EDIT, "C1", urgency="final", waiter="inc-1") <= 10


async def test_progress_never_takes_what_a_waiting_card_is_owed(paces: list[RedisPace]) -> None:
    one, two = paces
    await emptied(one)
    await one.ask(EDIT, "C1", urgency="final", waiter="inc-1")
    key = f"{one.keys.prefix}slack-pace:{EDIT}"
    await one.redis.hset(key, "level", 1.5)
    assert await two.ask(EDIT, "C1", urgency="progress", waiter="inc-2") > 0
    assert await two.ask(EDIT, "C1", urgency="final", waiter="inc-1") == 0.0


@pytest.mark.parametrize("urgency", ["details", "progress"])
async def test_last_call_in_the_bucket_is_kept_for_a_card_or_a_placeholder(
    paces: list[RedisPace], urgency: Urgency
) -> None:
    one, two = paces
    assert await one.ask(EDIT, "C1", urgency=urgency, waiter="inc-1") == 0.0
    assert await one.ask(EDIT, "C1", urgency=urgency, waiter="inc-2") > 0
    assert await two.ask(EDIT, "C1", urgency="placeholder", waiter="inc-3") == 0.0


async def test_progress_that_would_come_late_does_not_stand_in_line(
    paces: list[RedisPace],
) -> None:
    (pace, _) = paces
    await emptied(pace)
    await pace.ask(EDIT, "C1", urgency="final", waiter="inc-1")
    await pace.ask(EDIT, "C1", urgency="progress", waiter="inc-2")
    line = await pace.redis.zrange(f"{pace.keys.prefix}slack-line:{EDIT}", 0, -1)
    assert line == [b"final:inc-1"]


async def test_waiter_keeps_its_place_when_another_replica_asks_for_it(
    paces: list[RedisPace],
) -> None:
    one, two = paces
    await emptied(one)
    await one.ask(EDIT, "C1", urgency="final", waiter="inc-1")
    await two.ask(EDIT, "C1", urgency="final", waiter="inc-2")
    assert await two.ask(EDIT, "C1", urgency="final", waiter="inc-1") <= 10


async def test_waiter_that_does_not_come_back_is_not_waited_for(paces: list[RedisPace]) -> None:
    one, two = paces
    await emptied(one)
    await one.ask(EDIT, "C1", urgency="final", waiter="dead")
    await one.redis.zadd(f"{one.keys.prefix}slack-waited-for:{EDIT}", {"final:dead": 1})
    assert await two.ask(EDIT, "C1", urgency="placeholder", waiter="alive") <= 10


async def test_whoever_has_begun_goes_before_all_others_of_its_urgency(
    paces: list[RedisPace],
) -> None:
    """A plain card after a refused one, a post after a look-up: its turn is running."""
    one, two = paces
    await emptied(one)
    await two.ask(EDIT, "C1", urgency="final", waiter="inc-2")
    assert await one.ask(EDIT, "C1", urgency="final", waiter="before-1") <= 10


async def test_posts_are_counted_for_each_channel_and_edits_for_all(
    paces: list[RedisPace],
) -> None:
    (pace, _) = paces
    for channel in ("C1", "C2"):
        asked = pace.ask("chat.postMessage", channel, urgency="placeholder", waiter="inc-1")
        assert await asked == 0.0
    await emptied(pace)
    assert await pace.ask(EDIT, "C2", urgency="final", waiter="inc-1") > 0


@pytest.mark.parametrize(
    ("asked", "seconds"), [(7.0, 7.0), (0.0, 1.0), (900.0, 900.0), (1e9, 3600.0)]
)
async def test_wait_that_slack_asks_for_is_everybodys(
    paces: list[RedisPace], asked: float, seconds: float
) -> None:
    one, two = paces
    assert await one.close(EDIT, "C1", seconds=asked) == seconds
    wait = await two.ask(EDIT, "C1", urgency="final", waiter="inc-1")
    assert wait == pytest.approx(min(seconds + 10, 15), abs=0.5)


async def test_wait_that_slack_does_not_say_doubles_while_it_goes_on_asking(
    paces: list[RedisPace],
) -> None:
    (pace, _) = paces
    waits = []
    for _ in range(3):
        waits.append(await pace.close(EDIT, "C1", seconds=None))
        key = f"{pace.keys.prefix}slack-pace:{EDIT}"
        await pace.redis.hset(key, "closed_until", await _now(pace) - 1000)
    assert waits == [1.0, 2.0, 4.0]


async def test_clock_of_redis_that_was_set_back_keeps_nobody_waiting(
    paces: list[RedisPace],
) -> None:
    (pace, _) = paces
    later = await _now(pace) + 7_200_000
    key = f"{pace.keys.prefix}slack-pace:{EDIT}"
    await pace.redis.hset(key, mapping={"level": 1, "at": later, "closed_until": later})
    assert await pace.ask(EDIT, "C1", urgency="final", waiter="inc-1") == 0.0


async def test_without_leave_from_redis_nothing_is_sent(paces: list[RedisPace]) -> None:
    (pace, _) = paces
    await pace.redis.set(f"{pace.keys.prefix}slack-pace:{EDIT}", "no hash", ex=60)
    with pytest.raises(Unavailable, match="no leave"):
        await pace.ask(EDIT, "C1", urgency="final", waiter="inc-1")


def test_full_bucket_and_a_minute_are_never_more_than_slack_allows() -> None:
    allowed = {
        **Limits.real().tiers,
        "chat.postMessage": 60 + Limits.real().burst,
        "auth.test": 100,
    }
    for method, rate in RATES.items():
        assert rate.per_minute + rate.burst <= allowed[method], method


def test_two_hundred_edits_take_less_than_five_minutes_from_an_empty_bucket() -> None:
    assert 200 / TIER_3.per_minute < 4.5


@pytest.mark.parametrize("urgency", ORDER)
def test_only_progress_is_ever_dropped(urgency: Urgency) -> None:
    assert math.isinf(patience(urgency)) == (urgency != "progress")


def test_slower_pace_lets_one_call_go_at_least() -> None:
    assert TIER_3.times(0.1).burst == 1


async def _now(pace: RedisPace) -> int:
    seconds, _ = await pace.redis.time()
    return int(seconds) * 1000
