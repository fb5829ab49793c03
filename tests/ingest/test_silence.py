"""What keeps a problem from being investigated again, and for how long: no longer than it says."""

import pytest

from bus.events import InvestigationId, Outcome
from services.ingest.limits import Limits
from services.ingest.trigger import Raised
from tests.conftest import MakeBus
from tests.ingest.shift import Shift

SMALL = Limits(max_new=3)
"""Two ordinary problems and a critical one in a window."""


async def folded(shift: Shift) -> str:
    """The summary, open, that holds the problems `c` and `z`."""
    for name in "abz":
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


@pytest.mark.parametrize("outcome", ["recovered", "failed", "timed_out", "out_of_budget"])
async def test_an_investigation_without_an_answer_does_not_silence_its_problem(
    outcome: Outcome, make_bus: MakeBus
) -> None:
    """A model outage made every problem of that time mute for an hour."""
    shift = Shift(make_bus("ingest"))
    first = await shift.raised("cart")
    await shift.begin()
    inv = InvestigationId(first.incident_id)
    await shift.triggers.fingerprints.end(inv, outcome, reason="so it was")

    again = await shift.raised("cart")

    assert again.outcome == "opened"
    assert again.incident_id != first.incident_id


@pytest.mark.parametrize("outcome", ["diagnosed", "inconclusive", "cancelled"])
async def test_an_answer_or_a_person_who_stopped_it_silences_the_problem(
    outcome: Outcome, make_bus: MakeBus
) -> None:
    shift = Shift(make_bus("ingest"))
    first = await shift.raised("cart")
    await shift.begin()
    inv = InvestigationId(first.incident_id)
    await shift.triggers.fingerprints.end(inv, outcome, reason="so it was")

    assert (await shift.raised("cart")).outcome == "repeated"


async def test_a_critical_problem_without_an_answer_takes_its_turn_with_the_others(
    make_bus: MakeBus,
) -> None:
    """It is not new: while the model is away it may not open again with every state change."""
    shift = Shift(make_bus("ingest"), Limits(max_open=1))
    first = await shift.raised("cart", severity="critical")
    await shift.begin()
    await shift.triggers.fingerprints.end(
        InvestigationId(first.incident_id), "failed", reason="no model"
    )

    assert (await shift.raised("cart", severity="critical")).outcome == "held"


def told_again(shift: Shift) -> Raised:
    """What Alertmanager sends again and again for as long as it fires."""
    alarm = shift.alarm("cart")
    return Raised(alarm, kind="alertmanager", service="cart-service", source="alertmanager here")


async def test_what_alertmanager_says_again_opens_after_a_thumbs_down(make_bus: MakeBus) -> None:
    """Its body stays the same while it fires, so it was a copy of what came before for a week."""
    shift = Shift(make_bus("ingest"))
    standing = told_again(shift)
    first = await shift.triggers.take(standing)
    await shift.end(first.incident_id)
    assert (await shift.triggers.take(standing)).outcome == "duplicate"

    await shift.triggers.judge(first.incident_id, useful=False, person="ada")
    again = await shift.triggers.take(standing)
    copy = await shift.triggers.take(standing)

    assert again.outcome == "opened"
    assert again.incident_id != first.incident_id
    assert (copy.outcome, copy.incident_id) == ("duplicate", again.incident_id)
    assert [str(each.incident_id) for each in await shift.incidents()] == [
        first.incident_id,
        again.incident_id,
    ]


async def test_what_alertmanager_says_for_24_windows_is_investigated_again(
    make_bus: MakeBus,
) -> None:
    shift = Shift(make_bus("ingest"))
    standing = told_again(shift)
    first = await shift.triggers.take(standing)
    await shift.end(first.incident_id)
    outcomes = []
    for _ in range(7):
        await shift.pass_time(4 * 3600)
        outcomes.append((await shift.triggers.take(standing)).outcome)

    assert outcomes == ["duplicate"] * 5 + ["opened", "duplicate"]


async def test_a_problem_is_remembered_as_long_as_it_may_be_silenced(make_bus: MakeBus) -> None:
    """A thumbs-down hours later found nothing to re-arm."""
    shift = Shift(make_bus("ingest"))
    await shift.raised("cart")
    (fingerprint,) = [each.fingerprint for each in await shift.incidents()]

    key = f"{shift.bus.keys.prefix}fingerprint:problem:{fingerprint}"

    assert await shift.bus.redis.ttl(key) > 24 * shift.limits.repeat_seconds


async def test_a_late_copy_of_what_others_send_opens_nothing_after_a_thumbs_down(
    make_bus: MakeBus,
) -> None:
    shift = Shift(make_bus("ingest"))
    change = Raised(shift.alarm("cart"), service="cart-service")
    first = await shift.triggers.take(change)
    await shift.end(first.incident_id)
    await shift.triggers.judge(first.incident_id, useful=False, person="ada")

    assert (await shift.triggers.take(change)).outcome == "duplicate"


async def test_what_was_answered_as_less_and_comes_back_worse_opens(make_bus: MakeBus) -> None:
    shift = Shift(make_bus("ingest"))
    first = await shift.raised("cart", severity="warning")
    joined = await shift.raised("cart", severity="critical")
    await shift.end(first.incident_id)

    worse = await shift.raised("cart", severity="critical")
    await shift.end(worse.incident_id)
    less = await shift.raised("cart", severity="warning")
    same = await shift.raised("cart", severity="critical")

    assert [each.outcome for each in (joined, worse, less, same)] == [
        "joined",
        "opened",
        "repeated",
        "repeated",
    ]
