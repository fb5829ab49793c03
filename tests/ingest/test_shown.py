"""Every decision stands with its reason where a person looks: `nightshift show` and `doctor`."""

import asyncio
import io
import json

import pytest
import typer

from bus.events import InvestigationId
from cli.inside import pages
from cli.inside.held import gathering, held_by, kinds_held
from cli.inside.show import show
from cli.inside.store import Store
from cli.inside.story import story_of
from cli.inside.terminal import AMBIGUOUS, Page
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


async def test_show_names_every_kind_that_a_summary_holds_open_or_not(make_bus: MakeBus) -> None:
    """Of 27 kinds the text named 8 and the last decisions 14; 13 stood nowhere."""
    shift = Shift(make_bus("ingest"), Limits(max_new=3))
    names = [f"kind-{number:02}" for number in range(60)]
    for name in ["a", "b", *names, *names[:5]]:
        await shift.raised(name)
    await shift.recovered("kind-07")
    seen = Store(shift.bus.redis, shift.bus.keys)

    (summary,) = await gathering(seen, "inc-storm")
    assert await gathering(seen, "inc-storm?") == []
    before = await held_by(seen, summary)
    await shift.pass_time(shift.limits.gather_seconds + 1)
    await shift.draining.drain()
    await shift.begin()
    record = await shift.bus.investigations.read(InvestigationId(summary))
    assert record is not None
    story = await story_of(record, seen, whole=False)
    page = Page()
    page.console.file = written = io.StringIO()
    kinds_held(page, story.held)

    assert story.held == before
    shown = " ".join(written.getvalue().split())
    assert shown.startswith(
        "HOLDS 65 alarms of 60 kinds 2 error kind-00-service: kind-00 (first at"
    )
    assert [name for name in names if f"-service: {name} (first at" not in shown] == []
    assert shown.count("recovered at") == 1


async def test_a_summary_that_only_gathers_can_be_shown_before_it_has_a_record(
    make_bus: MakeBus, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The notice about the storm names it at once, and `show` did not know it."""
    shift = Shift(make_bus("ingest"), Limits(max_new=1))
    in_its_shell(shift, monkeypatch)
    summary = (await shift.raised("cart\x1b[2J")).incident_id

    await asyncio.to_thread(show, summary[:-3])
    await asyncio.to_thread(show, summary, as_json=True)
    with pytest.raises(typer.Exit):
        await asyncio.to_thread(show, f"{summary}x")

    plain, _, as_json = capsys.readouterr().out.partition("{")
    shown = " ".join(plain.split())
    assert f"{summary} a summary that gathers" in shown
    assert "HOLDS 1 alarm of 1 kind 1 error cart\\x1b[2J-service: cart\\x1b[2J (first" in shown
    told = json.loads("{" + as_json)
    assert (told["state"], told["held"]["alarms"]) == ("gathering", 1)


async def test_what_was_accepted_and_not_taken_up_is_shown_as_that(
    make_bus: MakeBus, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """With the reasoner and the notifier down `show` said that there is no such incident."""
    shift = Shift(make_bus("ingest"))
    in_its_shell(shift, monkeypatch)
    stream = f"{shift.bus.keys.prefix}incidents"
    wrong = await shift.bus.redis.xadd(stream, {"data": "no JSON"})
    first, second = await shift.raised("cart[2J"), await shift.raised("ads")
    await shift.raised("cart[2J")

    await asyncio.to_thread(show, first.incident_id[:-3])
    await asyncio.to_thread(show, first.incident_id, as_json=True)
    with pytest.raises(typer.Exit) as several:
        await asyncio.to_thread(show, "inc-")
    plain, _, as_json = capsys.readouterr().out.partition("{")
    await shift.bus.redis.xdel(stream, wrong)
    await shift.begin()
    await asyncio.to_thread(show, second.incident_id)

    shown = " ".join(plain.split())
    assert f"{first.incident_id} cart\\x1b[2J-service" in shown
    assert "nor the notifier has taken it up yet" in shown
    assert "1 joined: its investigation is running 1 opened: a new problem" in shown
    told = json.loads("{" + as_json)
    assert (told["state"], told["triggers"]["counts"]["opened: a new problem"]) == ("accepted", 1)
    assert several.value.exit_code == AMBIGUOUS
    assert "taken it up" not in capsys.readouterr().out


async def test_what_was_held_ignored_or_rejected_is_shown_without_an_incident(
    make_bus: MakeBus, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """It was written down by window, and no command read it."""
    shift = Shift(make_bus("ingest"), Limits(max_open=1))
    in_its_shell(shift, monkeypatch)
    await asyncio.to_thread(show, ignored=True)
    await shift.triggers.take(Ignored("a configuration change"))
    for name in ("cart", "ads", "ads"):
        await shift.raised(name)
    await shift.triggers.on_body('{"AlarmName": "cut o')

    await asyncio.to_thread(show, ignored=True)
    await asyncio.to_thread(show, ignored=True, as_json=True)

    plain, _, as_json = capsys.readouterr().out.partition("{")
    nothing, shown = " ".join(plain.split()).split("Triggers without", 2)[1:]
    assert "none WAITING NOW, the first in line first nothing" in nothing
    for told in (
        "1 held: its problem waits already 1 held: no place is free 1 ignored 1 rejected",
        "ads: held, no place is free",
        "ignored, a configuration change",
        "rejected, the body is not JSON",
        "nightshift dead-letters list",
        "2 error ads-service: ads, since",
    ):
        assert told in shown
    told = json.loads("{" + as_json)
    assert [one["outcome"] for one in told["last"]] == ["rejected", "held", "held", "ignored"]
    assert [(one["alarm"], one["count"]) for one in told["waiting"]] == [("ads", 2)]


@pytest.mark.parametrize(("incident", "ignored"), [("", False), ("inc-7", True)])
def test_show_wants_an_incident_or_what_has_none(incident: str, ignored: bool) -> None:
    with pytest.raises(typer.BadParameter):
        show(incident, ignored=ignored)


def in_its_shell(shift: Shift, monkeypatch: pytest.MonkeyPatch) -> None:
    """Commands talk to its Redis."""
    settings = shift.bus.settings
    monkeypatch.setenv("REDIS_URL", settings.redis_url.get_secret_value())
    monkeypatch.setenv("NIGHTSHIFT_STREAM_PREFIX", settings.stream_prefix)
