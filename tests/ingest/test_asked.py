"""What people ask for: a storm of alarms does not use up their share, and asking renews nothing."""

from bus.events import Alarm
from services.ingest.limits import MOST_ASKED, Limits
from services.ingest.trigger import Decision, Raised
from tests.conftest import MakeBus
from tests.ingest.shift import Shift

SMALL = Limits(max_new=3)


async def asked(shift: Shift, service: str, request: str) -> Decision:
    """Somebody asked for a diagnosis of that service."""
    alarm = Alarm(name="asked in Slack", account="T1", region="slack", labels={"request": request})
    return await shift.triggers.take(
        Raised(alarm, kind="slack", source=f"slack T1 {request}", service=service)
    )


async def test_in_a_storm_people_have_a_share_of_their_own_and_no_more(make_bus: MakeBus) -> None:
    shift = Shift(make_bus("ingest"), SMALL)
    for name in "abc":
        await shift.raised(name)

    outcomes = [
        (await asked(shift, f"service-{number}", str(number))).outcome
        for number in range(MOST_ASKED + 1)
    ]

    assert outcomes == ["opened"] * MOST_ASKED + ["folded"]


async def test_what_people_ask_for_takes_nothing_from_the_alarms_share(make_bus: MakeBus) -> None:
    shift = Shift(make_bus("ingest"), SMALL)
    await asked(shift, "cart", "1")
    await asked(shift, "adservice", "2")

    assert [(await shift.raised(name)).outcome for name in "abc"] == ["opened"] * 2 + ["folded"]


async def test_asking_again_and_again_does_not_renew_the_window(make_bus: MakeBus) -> None:
    """Each ask was refused, and put the next answer off by another hour."""
    shift = Shift(make_bus("ingest"))
    first = await asked(shift, "cart", "1")
    await shift.end(first.incident_id)
    await shift.pass_time(shift.limits.repeat_seconds - 60)
    assert (await asked(shift, "cart", "2")).outcome == "repeated"

    await shift.pass_time(61)

    assert (await asked(shift, "cart", "3")).outcome == "opened"


async def test_what_was_asked_and_folded_opens_as_soon_as_there_is_a_share_left(
    make_bus: MakeBus,
) -> None:
    shift = Shift(make_bus("ingest"), SMALL)
    for number in range(MOST_ASKED + 2):
        last = await asked(shift, f"service-{number}", str(number))
    assert last.outcome == "folded"
    await shift.pass_time(shift.limits.gather_seconds + 1)
    await shift.draining.drain()
    await shift.begin()

    await shift.pass_time(shift.limits.window_seconds)

    assert (await asked(shift, f"service-{MOST_ASKED}", "again")).outcome == "opened"
