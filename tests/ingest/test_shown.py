"""Every decision stands with its reason where a person looks: `nightshift show` and `doctor`."""

import io

from bus.events import InvestigationId
from cli.inside import pages
from cli.inside.store import Store
from cli.inside.story import story_of
from cli.inside.terminal import Page
from cli.inside.triggers import triggers_of, waiting
from services.ingest.limits import Limits
from services.ingest.trigger import Ignored
from tests.conftest import MakeBus
from tests.ingest.shift import Shift


async def test_show_tells_of_every_alarm_of_an_incident_with_the_reason(make_bus: MakeBus) -> None:
    shift = Shift(make_bus("ingest"))
    first = await shift.raised("cart")
    await shift.begin()
    await shift.raised("cart")
    await shift.recovered("cart")
    await shift.end(first.incident_id)
    await shift.raised("cart")
    seen = Store(shift.bus.redis, shift.bus.keys)
    record = await shift.bus.investigations.read(InvestigationId(first.incident_id))
    assert record is not None

    story = await story_of(record, seen, whole=False)
    page = Page()
    page.console.file = written = io.StringIO()
    pages.triggers(page, story)

    shown = " ".join(written.getvalue().split())
    assert "1 opened: a new problem" in shown
    assert "1 joined: its investigation is running" in shown
    assert "1 recovered: its investigation was told: policy finish small" in shown
    assert "1 repeated: its investigation has ended, within the window" in shown
    assert [each.outcome for each in story.triggers.last][::-1] == [
        "opened",
        "joined",
        "recovered",
        "repeated",
    ]


async def test_show_tells_that_an_incident_waited_and_for_what(make_bus: MakeBus) -> None:
    """Its first decision stood among those of the window, where no command looks."""
    shift = Shift(make_bus("ingest"), Limits(max_open=1))
    first = await shift.raised("a")
    await shift.raised("b")
    await shift.pass_time(40)
    await shift.stop_signal(first.incident_id)
    await shift.backlog.free_stopped()
    await shift.draining.drain()
    second = (await shift.incidents())[1]

    decided = await triggers_of(Store(shift.bus.redis, shift.bus.keys), str(second.incident_id))

    opened, waited = decided.last
    assert (opened.outcome, opened.reason) == ("opened", "a new problem")
    assert (waited.outcome, waited.reason) == ("held", "no place is free")
    assert round((opened.at - waited.at).total_seconds()) == 40


async def test_what_has_no_incident_is_noted_by_window(make_bus: MakeBus) -> None:
    shift = Shift(make_bus("ingest"), Limits(max_open=1))
    await shift.triggers.take(Ignored("a configuration change"))
    await shift.raised("a")
    await shift.raised("b")
    seen = Store(shift.bus.redis, shift.bus.keys)
    prefix = f"{shift.bus.keys.prefix}fingerprint:incident:"
    windows = [
        key.decode().removeprefix(prefix)
        async for key in shift.bus.redis.scan_iter(match=f"{prefix}none:*", count=1000)
    ]

    noted = [await triggers_of(seen, window) for window in windows]

    counts = {name: number for each in noted for name, number in each.counts.items()}
    assert counts == {"ignored: ": 1, "held: no place is free": 1}
    assert "a configuration change" in [last.reason for each in noted for last in each.last]


async def test_the_doctor_counts_what_waits_and_the_places_that_are_taken(
    make_bus: MakeBus,
) -> None:
    shift = Shift(make_bus("ingest"), Limits(max_open=1))
    for name in "abc":
        await shift.raised(name)
    await shift.pass_time(40)

    held, seconds, taken = await waiting(Store(shift.bus.redis, shift.bus.keys))

    assert (held, round(seconds), taken) == (2, 40, 1)
