"""One investigation for one problem: the window, joining, places, the backlog, and what breaks in.

Over a real Redis, without a queue: doors only read, and what is decided here is the same for all.
"""

import asyncio

import pytest
from pydantic import SecretStr

from bus.errors import Unavailable
from bus.events import AlarmJoined, AlarmRecovered, NoticeRequested
from bus.streams import INCIDENTS, NOTICES, UPDATES
from bus.testing import dead_letters, events
from services.ingest.fingerprint import Identity
from services.ingest.limits import MOST_UPDATES, Limits
from services.ingest.trigger import Raised, Recovered
from simulator.redis_server import RedisServer
from tests.conftest import MakeBus
from tests.ingest.shift import Shift

WINDOW = Limits().repeat_seconds


@pytest.fixture
def shift(make_bus: MakeBus) -> Shift:
    """A replica with the default limits."""
    return Shift(make_bus("ingest"))


async def test_a_later_alarm_joins_the_running_investigation(shift: Shift) -> None:
    first = await shift.raised("cart")
    await shift.begin()

    later = await shift.raised("cart")

    (joined,) = await events(shift.bus, UPDATES)
    assert isinstance(joined, AlarmJoined)
    assert (later.outcome, later.incident_id) == ("joined", first.incident_id)
    assert joined.investigation_id == first.incident_id
    assert joined.alarm.name == "cart"
    assert joined.service == "cart-service"
    assert len(await shift.incidents()) == 1


async def test_an_investigation_is_told_of_so_many_alarms_and_the_rest_is_counted(
    shift: Shift,
) -> None:
    first = await shift.raised("cart")

    for _ in range(MOST_UPDATES + 5):
        await shift.raised("cart")

    assert len(await events(shift.bus, UPDATES)) == MOST_UPDATES
    assert await shift.counted(first.incident_id) == {"opened": 1, "joined": MOST_UPDATES + 5}


async def test_the_same_content_again_has_no_effect_at_all(shift: Shift) -> None:
    alarm = shift.alarm("cart")
    first = await shift.triggers.take(Raised(alarm))

    again = await shift.triggers.take(Raised(alarm))

    assert (again.outcome, again.incident_id) == ("duplicate", first.incident_id)
    assert await events(shift.bus, UPDATES) == []


async def test_the_same_change_in_another_wrapping_is_no_news(shift: Shift) -> None:
    alarm = shift.alarm("cart")
    await shift.triggers.take(Raised(alarm))

    other = await shift.triggers.take(Raised(alarm.model_copy(update={"description": "more"})))

    assert other.outcome == "duplicate"
    assert await events(shift.bus, UPDATES) == []


async def test_after_the_end_an_alarm_within_the_window_is_linked_and_opens_nothing(
    shift: Shift,
) -> None:
    first = await shift.raised("cart")
    await shift.end(first.incident_id)

    later = await shift.raised("cart")

    assert (later.outcome, later.incident_id) == ("repeated", first.incident_id)
    assert len(await shift.incidents()) == 1
    assert await events(shift.bus, UPDATES) == []


async def test_the_window_slides_with_every_alarm_and_ends_in_silence(shift: Shift) -> None:
    first = await shift.raised("cart")
    await shift.end(first.incident_id)
    for _ in range(3):
        await shift.pass_time(WINDOW - 60)
        assert (await shift.raised("cart")).outcome == "repeated"

    await shift.pass_time(WINDOW + 1)
    again = await shift.raised("cart")

    assert again.outcome == "opened"
    assert again.incident_id != first.incident_id


async def test_an_alarm_that_never_falls_silent_is_investigated_again_after_24_windows(
    shift: Shift,
) -> None:
    first = await shift.raised("cart")
    await shift.end(first.incident_id)
    outcomes = []
    for _ in range(30):
        await shift.pass_time(WINDOW - 60)
        outcomes.append((await shift.raised("cart")).outcome)

    assert outcomes.count("opened") == 1
    assert outcomes.index("opened") == 24


async def test_without_a_window_each_state_change_opens_an_investigation(
    make_bus: MakeBus,
) -> None:
    shift = Shift(make_bus("ingest"), Limits(repeat_seconds=0))

    found = [await shift.raised("cart") for _ in range(3)]

    assert [decision.outcome for decision in found] == ["opened"] * 3


async def test_an_empty_part_of_the_fingerprint_is_refused_and_a_person_is_told(
    shift: Shift,
) -> None:
    shift.triggers.identity = Identity.of("{account}/{labels.cluster}")

    decision = await shift.raised("cart")
    await shift.raised("cart")

    first, _ = await dead_letters(shift.bus, INCIDENTS)
    notices = [each for each in await events(shift.bus, NOTICES)]
    assert decision.outcome == "rejected"
    assert "labels.cluster" in first.reason
    assert {each.key for each in notices if isinstance(each, NoticeRequested)} == {
        each.key for each in notices[:1] if isinstance(each, NoticeRequested)
    }
    assert await shift.incidents() == []


async def test_no_more_than_the_places_are_open_and_the_rest_waits_in_order(
    make_bus: MakeBus,
) -> None:
    shift = Shift(make_bus("ingest"), Limits(max_open=2))
    opened = [await shift.raised(name) for name in ("a", "b")]
    waiting = [
        await shift.raised("info", severity="info"),
        await shift.raised("error"),
        await shift.raised("warning", severity="warning"),
        await shift.raised("error-2"),
    ]
    assert [decision.outcome for decision in (*opened, *waiting)] == ["opened"] * 2 + ["held"] * 4

    for decision in opened:
        await shift.stop_signal(decision.incident_id)
    assert await shift.backlog.free_stopped() == 2
    await shift.draining.drain()

    names = [incident.alarm.name for incident in await shift.incidents() if incident.alarm]
    assert names == ["a", "b", "error", "error-2"]
    assert len(await shift.held()) == 2


async def test_age_lifts_what_waits_above_newer_alarms_of_a_higher_grade(
    make_bus: MakeBus,
) -> None:
    shift = Shift(make_bus("ingest"), Limits(max_open=1))
    first = await shift.raised("a")
    await shift.raised("old", severity="warning")
    await shift.pass_time(121)
    await shift.raised("new", severity="error")

    await shift.stop_signal(first.incident_id)
    await shift.backlog.free_stopped()
    await shift.draining.drain()

    names = [incident.alarm.name for incident in await shift.incidents() if incident.alarm]
    assert names == ["a", "old"]


async def test_a_place_is_free_a_minute_after_the_deadline_without_a_stop_signal(
    make_bus: MakeBus,
) -> None:
    shift = Shift(make_bus("ingest"), Limits(max_open=1))
    await shift.raised("a")
    assert (await shift.raised("b")).outcome == "held"

    await shift.pass_time(shift.limits.deadline_seconds + 61)
    await shift.draining.drain()

    assert len(await shift.incidents()) == 2


async def test_a_source_that_has_used_up_its_share_waits_and_others_do_not(
    make_bus: MakeBus,
) -> None:
    shift = Shift(make_bus("ingest"), Limits(source_burst=2, source_seconds=30))
    outcomes = [(await shift.raised(name, source="loud")).outcome for name in "abc"]
    other = await shift.raised("d", source="quiet")
    assert (outcomes, other.outcome) == (["opened", "opened", "held"], "opened")

    await shift.pass_time(31)
    await shift.draining.drain()

    assert len(await shift.incidents()) == 4


async def test_a_newcomer_does_not_overtake_what_waits_for_the_same_place(
    make_bus: MakeBus,
) -> None:
    shift = Shift(make_bus("ingest"), Limits(max_open=1))
    first = await shift.raised("a")
    await shift.raised("b")
    await shift.stop_signal(first.incident_id)
    await shift.backlog.free_stopped()

    assert (await shift.raised("c")).outcome == "held"

    assert [each.alarm.name for each in await shift.incidents() if each.alarm] == ["a", "b"]


async def test_a_critical_problem_gets_through_past_share_places_window_and_backlog(
    make_bus: MakeBus,
) -> None:
    limits = Limits(max_open=1, source_burst=1, max_new=2)
    shift = Shift(make_bus("ingest"), limits)
    await shift.raised("a")
    await shift.raised("b")
    await shift.raised("c")

    decisions = [await shift.raised(name, severity="critical") for name in ("x", "y")]

    assert [decision.outcome for decision in decisions] == ["opened", "opened"]
    again = await shift.raised("x", severity="critical")
    assert (again.outcome, again.incident_id) == ("joined", decisions[0].incident_id)


async def test_what_waits_and_turns_critical_opens_at_once_and_keeps_its_count(
    make_bus: MakeBus,
) -> None:
    shift = Shift(make_bus("ingest"), Limits(max_open=1))
    await shift.raised("a")
    alarm = shift.alarm("b")
    await shift.triggers.take(Raised(alarm, service="b-service"))
    await shift.raised("b")

    worse = await shift.raised("b", severity="critical")
    again = await shift.triggers.take(Raised(alarm, service="b-service"))

    assert worse.outcome == "opened"
    assert await shift.held() == []
    assert await shift.counted(worse.incident_id) == {"opened": 1, "held": 2, "duplicate": 1}
    assert (again.outcome, again.incident_id) == ("duplicate", worse.incident_id)


async def test_two_replicas_that_take_different_alarms_at_once_open_no_more_than_the_places(
    make_bus: MakeBus,
) -> None:
    limits = Limits(max_open=3)
    replicas = [Shift(make_bus("ingest"), limits) for _ in range(3)]

    await asyncio.gather(
        *(replicas[number % 3].raised(f"alarm-{number}") for number in range(12)),
        *(replica.draining.drain() for replica in replicas),
    )

    assert len(await replicas[0].incidents()) == 3
    assert len(await replicas[0].held()) == 9


@pytest.mark.parametrize("policy", ["finish small", "continue"])
async def test_a_recovery_is_news_with_its_policy(policy: str, make_bus: MakeBus) -> None:
    shift = Shift(
        make_bus("ingest"), recovery="continue" if policy == "continue" else "finish small"
    )
    first = await shift.raised("cart")

    decision = await shift.recovered("cart")

    (news,) = await events(shift.bus, UPDATES)
    assert isinstance(news, AlarmRecovered)
    assert (news.policy, news.investigation_id) == (policy, first.incident_id)
    assert decision.outcome == "recovered"


async def test_a_recovery_that_is_older_than_the_alarm_changes_nothing(shift: Shift) -> None:
    """SQS keeps no order: the OK of the last time may come after the ALARM of this time."""
    before = shift.alarm("cart")
    await shift.raised("cart")

    decision = await shift.triggers.take(Recovered(before, service="cart-service"))

    assert decision.outcome == "ignored"
    assert await events(shift.bus, UPDATES) == []


async def test_what_redis_has_no_room_for_is_left_with_the_source_and_taken_later(
    make_bus: MakeBus, own_redis: RedisServer
) -> None:
    make_bus("ingest")
    shift = Shift(make_bus("ingest", redis_url=SecretStr(own_redis.url)), Limits(max_open=1))
    await shift.raised("cart")
    await shift.raised("waits")
    alarm = shift.alarm("frontend")
    await shift.bus.redis.config_set("maxmemory", "1")

    with pytest.raises(Unavailable, match="maxmemory"):
        await shift.triggers.take(Raised(alarm, severity="critical"))
    with pytest.raises(Unavailable, match="maxmemory"):
        await shift.draining.drain()
    await shift.bus.redis.config_set("maxmemory", "0")

    assert (await shift.triggers.take(Raised(alarm, severity="critical"))).outcome == "opened"
    assert len(await shift.incidents()) == 2
    assert len(await shift.held()) == 1
    await shift.bus.redis.flushall()
