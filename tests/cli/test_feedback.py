"""`nightshift feedback`: what the notifier keeps comes out whole, in order, and as asked."""

import csv
import io
import json
from datetime import UTC, datetime, timedelta

import pytest
from typer.testing import CliRunner, Result

from bus.events import FeedbackGiven, InvestigationId
from bus.port import Bus
from bus.record import Record
from cli.inside.pages import feedback as feedback_part
from cli.inside.store import Store
from cli.inside.story import story_of
from cli.inside.terminal import Page
from cli.main import app
from services.notifier.adapters.redis_feedback import RedisFeedback
from services.notifier.feedback import judgement
from tests.conftest import MakeBus
from tests.notifier.records import ended


def command(bus: Bus, *arguments: str, url: str = "") -> Result:
    env = {
        "REDIS_URL": url or bus.settings.redis_url.get_secret_value(),
        "NIGHTSHIFT_STREAM_PREFIX": bus.keys.prefix,
    }
    return CliRunner().invoke(app, ["feedback", *arguments], env=env)


async def say(
    bus: Bus, useful: bool, reason: str = "", *, days_ago: int = 0, record: Record | None = None
) -> None:
    at = datetime.now(UTC) - timedelta(days=days_ago)
    inv = record.investigation_id if record else InvestigationId(f"inc-{days_ago}")
    event = FeedbackGiven(
        investigation_id=inv, fingerprint="", useful=useful, person="U1", reason=reason
    )
    feedback = RedisFeedback(bus.redis, bus.keys)
    await feedback.keep(judgement(event, record, at=at), order="1-0")


async def test_judgements_come_out_oldest_first_and_since_then_only(make_bus: MakeBus) -> None:
    bus = make_bus("notifier")
    await say(bus, True, record=ended("diagnosed"))
    await say(bus, False, "wrong\x1b[2J service", days_ago=9)
    said = [json.loads(line) for line in command(bus).stdout.splitlines()]
    assert [(each["incident"], each["useful"]) for each in said] == [
        ("inc-9", False),
        ("inc-7", True),
    ]
    assert said[1] | {"at": ""} == {
        "at": "",
        "incident": "inc-7",
        "service": "cartservice",
        "severity": "error",
        "outcome": "diagnosed",
        "verdict": "fault",
        "model": "claude-test",
        "useful": True,
        "person": "U1",
        "reason": "",
        "fingerprint": "f-1",
    }
    assert len(command(bus, "--since", "8d").stdout.splitlines()) == 1
    assert len(command(bus, "--since", "2020-01-01").stdout.splitlines()) == 2


async def test_csv_holds_the_same_and_nothing_that_a_spreadsheet_would_run(
    make_bus: MakeBus,
) -> None:
    bus = make_bus("notifier")
    await say(bus, False, '=HYPERLINK("http://x"), said\nin two lines')
    head, row = csv.reader(io.StringIO(command(bus, "--format", "csv").stdout))
    line = json.loads(command(bus).stdout)
    assert head == list(line)
    assert dict(zip(head, row, strict=True)) == line | {
        "useful": "no",
        "reason": f"'{line['reason']}",
    }


async def test_what_cannot_be_used_is_a_sentence(make_bus: MakeBus) -> None:
    bus = make_bus("notifier")
    assert (command(bus).exit_code, command(bus).output) == (0, "")
    wrong = command(bus, "--since", "yesterday")
    assert wrong.exit_code == 2
    assert "is no time: say 24h" in " ".join(wrong.stderr.split())
    away = command(bus, url="redis://127.0.0.1:1/0")
    assert away.exit_code == 1
    assert away.stderr.startswith("nightshift feedback: ")
    assert away.stderr.count("\n") == 1
    await say(bus, True)
    await bus.redis.hset(bus.keys.of("inc-0", "feedback"), "U2", "{}")
    torn = command(bus)
    assert (torn.exit_code, len(torn.stdout.splitlines())) == (0, 1)
    assert "1 could not be read" in torn.stderr


async def test_show_has_what_people_said_behind_a_bar(
    make_bus: MakeBus, capsys: pytest.CaptureFixture[str]
) -> None:
    bus = make_bus("notifier")
    record = ended("diagnosed")
    await say(bus, False, "it was\nredis", record=record)
    story = await story_of(record, Store(bus.redis, bus.keys), whole=False)
    feedback_part(Page(), story)
    shown = capsys.readouterr().out
    assert "U1: not useful" in shown
    assert "│ it was" in shown
    feedback_part(Page(), story.model_copy(update={"feedback": []}))
    assert capsys.readouterr().out == ""
