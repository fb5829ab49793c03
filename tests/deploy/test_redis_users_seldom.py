"""What services do in Redis only when something goes wrong, each under its own user.

What happened: a whole incident ran and nothing was refused, but the notifier could not have ended
one at its deadline (the commit reads a field of the record), nor ingest have counted a person's
requests (the client sends INCRBY where the code says `incr`).
"""

from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AsyncExitStack
from datetime import UTC, datetime
from functools import partial
from typing import Any

import pytest
from pydantic import SecretStr
from typer.testing import CliRunner

from bus.broker import Bus
from bus.connection import as_text
from bus.dead_letter import DeadLetters
from bus.envelope import Entry
from bus.events import DeadLetter, IncidentOpened, InvestigationId
from bus.janitor import Janitor
from bus.record import Record
from bus.settings import BusSettings
from bus.streams import INCIDENTS, STREAMS, Stream
from cli.main import app
from services.ingest.adapters.redis_catch_up import RedisCaughtUp
from services.ingest.adapters.redis_pace import RedisPace as People
from services.ingest.adapters.redis_seen import RedisSeen
from services.ingest.limits import Limits
from services.ingest.slack_reading import Person
from services.notifier.adapters.redis_deadlines import Deadlines
from services.notifier.adapters.redis_feedback import RedisFeedback
from services.notifier.adapters.redis_memory import RedisHistory
from services.notifier.adapters.redis_notices import RedisNotices
from services.notifier.adapters.redis_pace import RedisPace as SlackPace
from services.notifier.due import decide_when_due
from services.reasoner.adapters.redis_budget import RedisDayBudget
from services.reasoner.budget import Reservation
from tests.deploy.redis_users import SERVICES, Guarded, guarded_redis
from tests.ingest.shift import Shift

INCIDENT = InvestigationId("inc-seldom")
As = Callable[[str], Bus]


@pytest.fixture(scope="module")
def guarded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Guarded]:
    with guarded_redis(tmp_path_factory.mktemp("seldom")) as found:
        yield found


@pytest.fixture
async def as_user(guarded: Guarded) -> AsyncIterator[As]:
    """`as_user(service)`: a bus under that user; in the end nothing may have been refused."""
    guarded.admin.flushall()
    guarded.admin.acl_log_reset()
    async with AsyncExitStack() as stack:

        def bus_of(service: str) -> Bus:
            url = SecretStr(guarded.url(service))
            settings = BusSettings.model_validate({"REDIS_URL": url, "replica": f"{service}-1"})
            bus = Bus.of(settings, service)
            stack.push_async_callback(bus.close)
            return bus

        yield bus_of
    assert guarded.refused() == []


async def opened(bus: Bus) -> Record:
    """An open investigation, and its entry as the reasoner's group has it."""
    entry = Entry(stream=INCIDENTS, group="reasoner", entry_id="1764500000000-0", fields={})
    incident = IncidentOpened(incident_id=INCIDENT, service="cartservice", summary="HTTP 500")
    return await bus.investigations.open(incident, entry, acknowledge=False)


def of(stream: Stream, group: str, **data: str) -> Entry:
    """An entry on that stream that cannot be handled."""
    said = ",".join(f'"{name}":"{value}"' for name, value in data.items())
    fields = {"event": stream.events[0].__name__, "id": "e-1", "data": f"{{{said}}}"}
    return Entry(stream=stream, group=group, entry_id="1764500000000-1", fields=fields)


@pytest.mark.parametrize("service", SERVICES)
async def test_every_service_begins_and_compares_the_store(as_user: As, service: str) -> None:
    bus = as_user(service)
    await bus.store.begin()
    await bus.store.look()


async def test_notifier_concludes_and_ends_what_nobody_works_on(as_user: As) -> None:
    notifier = as_user("notifier")
    record = await opened(notifier)
    for moment in (record.conclude_at, record.deadline_at):
        decide = partial(decide_when_due, now=moment)
        await notifier.investigations.apply(INCIDENT, decide)
    deadlines = Deadlines(notifier.redis, notifier.keys)
    await deadlines.postpone(INCIDENT, record.deadline_at)
    await deadlines.forget(INCIDENT)
    ended = await notifier.investigations.read(INCIDENT)
    assert ended is not None
    assert ended.outcome == "timed_out"


async def test_ingest_holds_folds_sums_up_recovers_and_stops(as_user: As) -> None:
    bus = as_user("ingest")
    shift = Shift(bus, Limits(max_new=3, gather_seconds=0.0), recovery="stop")
    for name in ("a", "b", "c", "d", "a"):
        await shift.raised(name)
    await shift.raised("e", severity="critical")
    waiting = await shift.backlog.drain()
    assert waiting.due is not None
    gathered = await shift.backlog.gathered(waiting.due)
    assert gathered.kinds_in_all > 0
    summary = IncidentOpened(incident_id=waiting.due, service="many", summary="many")
    assert await shift.backlog.open_summary(summary, gathered, is_last_try=False)
    first = (await _incidents(as_user))[0]
    await opened_as(as_user("reasoner"), first)
    await shift.recovered("a")
    stopped = await as_user("reasoner").investigations.read(InvestigationId(str(first.incident_id)))
    assert stopped is not None
    assert stopped.outcome == "recovered"


async def _incidents(as_user: As) -> list[IncidentOpened]:
    """What the reasoner reads on the stream."""
    rows: list[Any] = list(await as_user("reasoner").redis.xrange("nightshift:incidents") or [])
    return [IncidentOpened.model_validate_json(fields[b"data"]) for _, fields in rows]


async def opened_as(bus: Bus, incident: IncidentOpened) -> None:
    """That incident has its record."""
    entry = Entry(stream=INCIDENTS, group="reasoner", entry_id="1764500000000-0", fields={})
    await bus.investigations.open(incident, entry, acknowledge=False)


async def test_ingest_counts_people_and_remembers_messages(as_user: As) -> None:
    bus = as_user("ingest")
    assert await People(bus, 1).allows(Person(team="T1", user="U1", channel="C1"))
    await RedisSeen(bus, "sns", 60).keep("m-1")
    assert await RedisSeen(bus, "sns", 60).is_kept("m-1")
    assert await RedisCaughtUp(bus).is_due()
    await RedisCaughtUp(bus).note()


async def test_each_consumer_sets_aside_what_it_cannot_handle_and_trims(as_user: As) -> None:
    await opened(as_user("reasoner"))
    for stream in STREAMS:
        for reader in stream.readers:
            bus = as_user(reader.group)
            letters = DeadLetters(bus.redis, bus.keys, bus.investigations)
            entry = of(stream, reader.group, investigation_id=INCIDENT, tool_call_id="1-1")
            assert await letters.count(entry, "") == 1
            await letters.died_alone(entry, lease_seconds=1)
            await letters.forget(entry, "")
            await letters.set_aside(entry, "it cannot be handled", readable=True)
    for service in SERVICES[1:]:
        await Janitor(as_user(service)).trim()


async def test_reasoner_reserves_and_settles_dollars(as_user: As) -> None:
    reasoner = as_user("reasoner")
    budget = RedisDayBudget(reasoner.redis, reasoner.keys, limit_usd=1.0)
    wanted = Reservation(name=f"{INCIDENT}:1", usd=0.1, keep_usd=0.1, own_usd=1.0, concludes=True)
    assert await budget.reserve("2026-11-30", wanted) == ""
    await budget.settle("2026-11-30", wanted.name, spent_usd=0.05)


async def test_notifier_keeps_judgements_and_history_and_waits_its_turn(as_user: As) -> None:
    bus = as_user("notifier")
    said = {"investigation_id": INCIDENT, "person": "U1", "fingerprint": "f-1"}
    facts = said | {"useful": "no", "reason": "it was the disk"}
    feedback = RedisFeedback(bus.redis, bus.keys)
    assert await feedback.keep(facts, order="1-0") == "first"
    await RedisHistory(bus.redis, bus.keys).remember("f-1", "n", facts={"at": "now"})
    notices = RedisNotices(bus.redis, bus.keys, lease_seconds=30)
    turn = await notices.claim("n-1", channel="C1")
    assert turn is not None
    await notices.posted("n-1", turn)
    pace = SlackPace(bus.redis, bus.keys)
    await pace.close("chat.update", "C1", seconds=None)
    assert await pace.ask("chat.update", "C1", urgency="progress", waiter=INCIDENT) > 0


def test_operator_names_opens_looks_and_replays(
    guarded: Guarded, monkeypatch: pytest.MonkeyPatch
) -> None:
    guarded.admin.flushall()
    guarded.admin.acl_log_reset()
    monkeypatch.setenv("REDIS_URL", guarded.url("operator"))
    assert said(0, "init").startswith("NIGHTSHIFT_GENERATION=")
    incident = said(0, "publish", "--service", "cartservice").strip()
    letter = DeadLetter(
        stream="incidents",
        group="reasoner",
        entry_id="1-1",
        reason="it could not be handled",
        delivery_count=6,
        fields={"event": "IncidentOpened", "data": '{"service":"a","summary":"b"}'},
        set_aside_at=datetime(2026, 11, 30, tzinfo=UTC),
    )
    dead = guarded.admin.xadd("nightshift:incidents.dead", {"data": letter.model_dump_json()})
    assert "it could not be handled" in said(0, "dead-letters", "list")
    assert "again" in said(0, "dead-letters", "replay", "incidents", as_text(dead))
    said(0, "feedback")
    for words in (
        ("show", incident),
        ("watch", "--once"),
        ("audit", "export"),
        ("audit", "verify"),
        ("doctor",),
    ):
        said(None, *words)
    assert guarded.refused() == []


def said(code: int | None, *words: str) -> str:
    """What that command printed; it ended with that code, where one is asked for."""
    ended = CliRunner().invoke(app, words)
    assert code in (None, ended.exit_code), ended.output
    return ended.output
