"""What keeps a problem from being investigated again, and for how long: no longer than it says."""

from services.ingest.limits import Limits
from tests.conftest import MakeBus
from tests.ingest.shift import Shift

SMALL = Limits(max_new=3)
"""Two ordinary problems and a critical one in a window."""


async def folded(shift: Shift) -> str:
    """The summary, open, that holds the problem `c`."""
    for name in "ab":
        await shift.raised(name)
    decision = await shift.raised("c")
    assert decision.outcome == "folded"
    await shift.pass_time(shift.limits.gather_seconds + 1)
    await shift.draining.drain()
    await shift.begin()
    return decision.incident_id


async def test_what_was_folded_opens_when_its_summary_has_ended_and_the_window_is_over(
    make_bus: MakeBus,
) -> None:
    """It was silenced for an hour, and each firing renewed the hour: nobody was ever told."""
    shift = Shift(make_bus("ingest"), SMALL)
    summary = await folded(shift)
    await shift.end(summary)
    assert (await shift.raised("c")).outcome == "folded", "its window is not over"

    await shift.pass_time(shift.limits.window_seconds)
    again = await shift.raised("c")

    assert again.outcome == "opened"
    assert len(await shift.incidents()) == 4


async def test_what_was_folded_is_counted_as_long_as_its_summary_runs(make_bus: MakeBus) -> None:
    shift = Shift(make_bus("ingest"), SMALL)
    summary = await folded(shift)

    await shift.pass_time(shift.limits.window_seconds)
    again = await shift.raised("c")

    assert (again.outcome, again.incident_id) == ("folded", summary)


async def test_what_was_folded_and_recovered_is_new_when_it_comes_again(make_bus: MakeBus) -> None:
    shift = Shift(make_bus("ingest"), Limits(max_new=3, window_seconds=10))
    summary = await folded(shift)
    assert (await shift.recovered("c")).incident_id == summary

    again = await shift.raised("c")

    assert again.outcome == "opened"
