"""New problems that come one by one, each after the last summary has ended: few summaries."""

import pytest

from bus.events import NoticeRequested
from bus.streams import NOTICES
from bus.testing import events
from services.ingest.limits import Limits
from services.ingest.trigger import Raised
from tests.conftest import MakeBus
from tests.ingest.shift import Shift

MOST_A_WINDOW = 5
"""Of the default figures: 15 s, and each next one 30, 60, 120 and 240 s after that."""


async def passes(shift: Shift, seconds: float) -> None:
    """Time passes; what is due opens, and whatever opened has ended."""
    await shift.pass_time(seconds)
    await shift.draining.drain()
    for name in await shift.places():
        await shift.end(name)
        await shift.bus.redis.zrem(f"{shift.bus.keys.prefix}places", name)


@pytest.mark.timeout(60)
async def test_a_trickle_of_new_problems_is_a_bounded_number_of_summaries_in_a_window(
    make_bus: MakeBus,
) -> None:
    """A new kind every few seconds opened a summary every 17 seconds, mostly of two alarms."""
    shift = Shift(make_bus("ingest"), Limits(max_new=2, source_burst=100))
    for number in range(25):
        await shift.raised(f"kind-{number}")
        await passes(shift, 24)

    summaries = [each for each in await shift.incidents() if each.alarm is None]
    assert 3 <= len(summaries) <= MOST_A_WINDOW
    assert len(await shift.incidents()) <= 1 + MOST_A_WINDOW


async def test_one_alarm_alone_opens_as_itself_when_a_place_is_free_and_makes_no_summary(
    make_bus: MakeBus,
) -> None:
    shift = Shift(make_bus("ingest"), Limits(max_open=1, max_new=2))
    first = await shift.raised("a")
    alarm = shift.alarm("b")
    folded = await shift.triggers.take(Raised(alarm, service="b-service"))
    await passes_without_end(shift)
    assert (folded.outcome, len(await shift.incidents())) == ("folded", 1), "no place is free"

    await shift.stop_signal(first.incident_id)
    await shift.backlog.free_stopped()
    await shift.draining.drain()
    copy = await shift.triggers.take(Raised(alarm, service="b-service"))

    _, itself = await shift.incidents()
    assert itself.alarm is not None
    assert itself.alarm.name == "b"
    assert (copy.outcome, copy.incident_id) == ("duplicate", str(itself.incident_id))
    assert (await shift.counted(str(itself.incident_id)))["opened"] == 1
    assert (await shift.counted(folded.incident_id))["folded"] == 0
    assert await events(shift.bus, NOTICES) == [], "nothing went into a summary"


async def test_one_alarm_alone_waits_for_a_place_no_longer_than_others_do(
    make_bus: MakeBus,
) -> None:
    shift = Shift(make_bus("ingest"), Limits(max_open=1, max_new=2, deadline_seconds=3600))
    await shift.raised("a")
    await shift.raised("b")
    await passes_without_end(shift)

    await shift.pass_time(shift.limits.held_seconds + 1)
    await shift.draining.drain()

    assert [each.alarm.name for each in await shift.incidents() if each.alarm] == ["a", "b"]


async def test_one_alarm_alone_that_recovers_while_it_waits_is_a_notice(
    make_bus: MakeBus,
) -> None:
    shift = Shift(make_bus("ingest"), Limits(max_open=1, max_new=2))
    await shift.raised("a")
    await shift.raised("b")
    await passes_without_end(shift)

    decision = await shift.recovered("b")

    (told,) = await events(shift.bus, NOTICES)
    assert decision.outcome == "recovered"
    assert isinstance(told, NoticeRequested)
    assert "over before its turn" in told.text


async def passes_without_end(shift: Shift) -> None:
    """A summary has gathered for long enough, and what runs goes on."""
    await shift.pass_time(shift.limits.gather_seconds + 1)
    await shift.draining.drain()
