"""Log text says by itself that it is critical: so it gets through only so often."""

from bus.events import Alarm
from services.ingest.limits import Limits
from services.ingest.trigger import Decision, Raised
from tests.conftest import MakeBus
from tests.ingest.shift import Shift

SMALL = Limits(max_new=3)


async def logged(shift: Shift, name: str, *, group: str = "cart") -> Decision:
    """A batch of that log group held a critical line of a new kind."""
    alarm = shift.alarm(name)
    source = f"logs 1 {group}"
    return await shift.triggers.take(
        Raised(alarm, kind="logs", severity="critical", source=source, service=group)
    )


async def test_critical_log_text_opens_a_windows_number_and_then_waits_first_in_line(
    make_bus: MakeBus,
) -> None:
    """600 incidents were opened by 600 random lines of one log group."""
    shift = Shift(make_bus("ingest"), SMALL)

    outcomes = [(await logged(shift, f"words {number}")).outcome for number in range(5)]
    ordinary = await shift.raised("ordinary")
    await shift.pass_time(shift.limits.window_seconds - 60)
    await shift.raised("later")
    other = await logged(shift, "words", group="frontend")

    assert outcomes == ["opened"] * 3 + ["held"] * 2
    assert ordinary.outcome == "folded"
    assert other.outcome == "opened", "each group has its own number"


async def test_critical_log_text_that_waits_opens_when_the_window_has_room(
    make_bus: MakeBus,
) -> None:
    shift = Shift(make_bus("ingest"), Limits(max_new=2, held_seconds=1200))
    for number in range(3):
        await logged(shift, f"words {number}")
    assert len(await shift.held()) == 1

    await shift.pass_time(shift.limits.window_seconds + 1)
    await shift.draining.drain()

    assert len(await shift.incidents()) == 3
    assert await shift.held() == []


async def test_critical_log_text_that_waited_too_long_goes_into_the_summary(
    make_bus: MakeBus,
) -> None:
    shift = Shift(make_bus("ingest"), Limits(max_new=2, held_seconds=60))
    for number in range(4):
        await logged(shift, f"words {number}")

    await shift.pass_time(61)
    await shift.draining.drain()
    await shift.pass_time(shift.limits.gather_seconds + 1)
    await shift.draining.drain()

    summary = (await shift.incidents())[-1]
    assert "held for too long: the window has its number of new ones" in summary.attachments["held"]


async def test_what_waits_and_turns_critical_by_log_text_keeps_its_count_and_its_age(
    make_bus: MakeBus,
) -> None:
    shift = Shift(make_bus("ingest"), Limits(max_new=3, max_open=2))
    for number in range(3):
        await logged(shift, f"words {number}")
    more = Shift(shift.bus, Limits(max_new=9, max_open=2))
    alarm = shift.alarm("waits")
    waiting = Raised(alarm, kind="logs", severity="error", source="logs 1 cart", service="cart")
    assert (await more.triggers.take(waiting)).outcome == "held"

    await logged(shift, "waits")

    assert len(await shift.held()) == 1
    key = f"{shift.bus.keys.prefix}fingerprint:problem:{(await shift.held())[0]}"
    assert await shift.bus.redis.hmget(key, ["count", "severity"]) == [b"2", b"critical"]


async def panics(shift: Shift, name: str) -> Decision:
    """A log line that states no level held words that no healthy program prints."""
    alarm = shift.alarm(name)
    found = Raised(alarm, "logs", "logs 1 cart", "cart", severity="critical", is_only_said=True)
    return await shift.triggers.take(found)


async def test_what_only_words_call_critical_is_ordered_as_such_and_passes_no_limit(
    make_bus: MakeBus,
) -> None:
    """Words that a visitor's search put into a log opened what no other problem may open."""
    shift = Shift(make_bus("ingest"), Limits(max_open=1))
    first = await shift.raised("runs")
    await shift.raised("waits")

    decision = await panics(shift, "panic: lost")
    await shift.stop_signal(first.incident_id)
    await shift.backlog.free_stopped()
    await shift.draining.drain()

    assert (decision.outcome, decision.reason) == ("held", "no place is free")
    assert [each.severity for each in await shift.incidents()] == ["error", "critical"]


async def test_what_only_words_call_critical_takes_no_place_that_a_critical_one_is_kept(
    make_bus: MakeBus,
) -> None:
    shift = Shift(make_bus("ingest"), SMALL)

    outcomes = [(await panics(shift, f"panic: {number}")).outcome for number in range(4)]
    named = await logged(shift, "panic: 0 again")

    assert outcomes == ["opened"] * 2 + ["folded"] * 2
    assert named.outcome == "opened"


async def test_what_waits_by_words_alone_opens_at_once_when_its_sender_says_it(
    make_bus: MakeBus,
) -> None:
    shift = Shift(make_bus("ingest"), Limits(max_open=1))
    await shift.raised("runs")
    assert (await panics(shift, "lost")).outcome == "held"

    assert (await logged(shift, "lost")).outcome == "opened"


async def test_a_description_that_calls_an_alarm_critical_in_passing_passes_no_limit(
    make_bus: MakeBus,
) -> None:
    shift = Shift(make_bus("ingest"), Limits(max_open=1))
    await shift.raised("runs")

    async def outcome(name: str, description: str = "") -> str:
        alarm = Alarm(name=name, account="1", region="r", description=description)
        return (await shift.triggers.take(Raised(alarm))).outcome

    assert await outcome("cart", "A critical alarm of the cart") == "held"
    assert await outcome("frontend", "Severity: critical") == "opened"
    assert await outcome("payments-critical") == "opened"
