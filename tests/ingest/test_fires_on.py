"""What Alertmanager resolved by a timeout and tells on: it fires, whatever its old end says.

It was told with the `startsAt` of before, so it was a duplicate of itself; where it was let through
after ten minutes, the new investigation was told at once, with the old end, that it is over.
"""

from datetime import timedelta
from functools import partial

import pytest

from bus.events import AlarmJoined, InvestigationId, Outcome
from bus.record import end
from bus.streams import UPDATES
from bus.testing import events
from services.ingest.limits import Limits
from tests.conftest import MakeBus
from tests.ingest.shift import MIDNIGHT, Shift
from tests.ingest.test_series import Few, fires, recoveries, resolves


async def ends(shift: Shift, incident_id: str, outcome: Outcome) -> None:
    """Its investigation has ended so."""
    inv, now = InvestigationId(incident_id), await shift.bus.investigations.now()
    await shift.bus.investigations.apply(inv, partial(end, outcome=outcome, at=now))


async def test_a_running_investigation_is_told_that_it_fires_on(make_bus: MakeBus) -> None:
    shift = Shift(make_bus("ingest"))
    first = await fires(shift, "a")
    await shift.begin()
    await resolves(shift, "a")

    again = [await fires(shift, "a") for _ in range(2)]
    await resolves(shift, "a", seconds=120)

    assert [each.outcome for each in again] == ["joined", "duplicate"]
    assert again[0].incident_id == first.incident_id
    kinds = [type(each) is AlarmJoined for each in await events(shift.bus, UPDATES)]
    assert kinds == [False, True, False]


@pytest.mark.parametrize("seconds", [0, 700])
async def test_what_its_end_had_ended_opens_again_and_is_not_told_the_old_end(
    seconds: float, make_bus: MakeBus
) -> None:
    shift = Shift(make_bus("ingest"))
    first = await fires(shift, "a")
    await shift.begin()
    await resolves(shift, "a")
    await ends(shift, first.incident_id, "recovered")
    await shift.pass_time(seconds)

    again = await fires(shift, "a")

    assert again.outcome == "opened"
    assert again.incident_id != first.incident_id
    assert {each.investigation_id for each in await recoveries(shift)} == {first.incident_id}


async def test_what_was_answered_and_resolved_is_repeated_until_it_was_silent(
    make_bus: MakeBus,
) -> None:
    """It was a duplicate for 24 windows."""
    shift = Shift(make_bus("ingest"))
    first = await fires(shift, "a")
    await shift.end(first.incident_id)
    await resolves(shift, "a")

    assert (await fires(shift, "a")).outcome == "repeated"
    await resolves(shift, "a", seconds=120)
    await shift.pass_time(shift.limits.repeat_seconds + 1)
    assert (await fires(shift, "a")).outcome == "opened"


async def test_what_was_over_while_it_waited_waits_again_when_it_fires_on(
    make_bus: MakeBus,
) -> None:
    shift = Shift(make_bus("ingest"), Limits(max_open=1))
    await shift.raised("other")
    assert (await fires(shift, "a")).outcome == "held"
    await resolves(shift, "a")
    assert await shift.held() == []

    assert (await fires(shift, "a")).outcome == "held"
    assert len(await shift.held()) == 1


async def test_a_clock_that_is_behind_does_not_end_what_fires_after_its_end(
    make_bus: MakeBus,
) -> None:
    """Prometheus says when it began and Alertmanager when it was over: two clocks."""
    shift = Shift(make_bus("ingest"))
    first = await fires(shift, "a")
    await shift.begin()
    await resolves(shift, "a")
    await ends(shift, first.incident_id, "recovered")

    again = await fires(shift, "a", MIDNIGHT + timedelta(seconds=50))

    assert again.outcome == "opened"
    assert [each.investigation_id for each in await recoveries(shift)] == [first.incident_id]


async def test_beyond_the_series_that_are_kept_the_same_is_a_duplicate_as_before(
    make_bus: MakeBus,
) -> None:
    shift = Shift(make_bus("ingest"), Few())
    for pod in "abcde":
        await fires(shift, pod)

    assert [(await fires(shift, pod)).outcome for pod in "abcde"] == ["duplicate"] * 5
