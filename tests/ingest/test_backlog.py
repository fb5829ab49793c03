"""Places, sources and the backlog: what may not open now waits in order, and nothing is lost."""

import asyncio

import pytest
from pydantic import SecretStr

from bus.connection import as_text
from bus.errors import Unavailable
from services.ingest.limits import Limits
from services.ingest.trigger import Raised
from simulator.redis_server import RedisServer
from tests.conftest import MakeBus
from tests.ingest.shift import Shift


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


async def test_what_comes_within_one_millisecond_waits_in_the_order_in_which_it_came(
    make_bus: MakeBus,
) -> None:
    shift = Shift(make_bus("ingest"), Limits(max_open=1))
    names = [f"n{number}" for number in range(40)]
    for name in ("a", *names):
        await shift.raised(name)

    prefix = f"{shift.bus.keys.prefix}fingerprint:problem:"
    waiting = [
        await shift.bus.redis.hget(f"{prefix}{each}", "alarm") for each in await shift.held()
    ]
    assert [as_text(name) for name in waiting] == names


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


async def test_of_critical_problems_with_one_name_only_the_first_passes_the_limits(
    make_bus: MakeBus,
) -> None:
    """One post of 300 targets that were down, each critical, opened 300 investigations."""
    shift = Shift(make_bus("ingest"), Limits(max_open=2, max_new=4))
    down = [
        await shift.raised("TargetDown", severity="critical", service=f"svc-{number}")
        for number in range(6)
    ]
    other = await shift.raised("PaymentsDown", severity="critical")
    error = await shift.raised("slow")

    assert [each.outcome for each in down] == ["opened"] * 2 + ["held"] * 4
    assert (other.outcome, error.outcome) == ("opened", "held")
    assert len(await shift.places()) == 3

    await shift.stop_signal(down[0].incident_id)
    await shift.stop_signal(down[1].incident_id)
    await shift.backlog.free_stopped()
    await shift.draining.drain()
    assert [each.service for each in await shift.incidents()] == [
        "svc-0",
        "svc-1",
        "PaymentsDown-service",
        "svc-2",
    ]

    await shift.pass_time(shift.limits.window_seconds)
    again = await shift.raised("PaymentsDown", severity="critical", service="svc-9")
    assert again.outcome == "opened", "of this window it is the first"


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


async def test_what_waits_and_gets_worse_waits_on_with_its_new_grade_since_it_came(
    make_bus: MakeBus,
) -> None:
    """It waited as `info`, behind a warning that came after both, and was opened as `info`."""
    shift = Shift(make_bus("ingest"), Limits(max_open=1))
    first = await shift.raised("a")
    await shift.raised("worse", severity="info")
    await shift.raised("better")
    await shift.pass_time(100)
    await shift.raised("new", severity="error")
    found = [await shift.raised("worse"), await shift.raised("better", severity="info")]
    assert {each.outcome for each in found} == {"held"}
    assert len(await shift.held()) == 3

    opened = []
    for _ in range(3):
        await shift.stop_signal(str((await shift.incidents())[-1].incident_id))
        await shift.backlog.free_stopped()
        await shift.draining.drain()
        opened.append((await shift.incidents())[-1])

    assert [(each.alarm.name, each.severity) for each in opened if each.alarm] == [
        ("worse", "error"),
        ("better", "error"),
        ("new", "error"),
    ]
    assert await shift.counted(str(opened[0].incident_id)) == {"held": 1, "opened": 1}
    assert first.outcome == "opened"


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
