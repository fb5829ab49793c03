"""Which entries are set aside, and what becomes of their investigations. On a real Redis."""

from collections.abc import Awaitable, Callable

from bus.broker import Bus, Route
from bus.dead_letter import ALONE
from bus.envelope import Entry
from bus.errors import Rejected, Unavailable
from bus.events import (
    DeadLetter,
    DiagnosisReached,
    Event,
    IncidentOpened,
    InvestigationId,
    NoticeRequested,
    StopRequested,
    ToolCallFinished,
    ToolCallId,
    ToolCallRequested,
    TurnDue,
)
from bus.process import Service, build_app
from bus.streams import (
    DIAGNOSES,
    INCIDENTS,
    NOTICES,
    STOPS,
    TOOL_CALLS,
    TOOL_RESULTS,
    TURNS,
    Stream,
)
from bus.testing import dead_letters, events, eventually
from tests.bus.incidents import opened
from tests.conftest import MakeBus, Start

INV = InvestigationId("inc-1")
TURN = TurnDue(investigation_id=INV, turn=7)
Handle = Callable[[Event, Entry], Awaitable[None]]


def service(bus: Bus, stream: Stream, event: type[Event], handle: Handle) -> Service:
    return build_app(bus, [Route(stream, event, handle)])


async def dead(bus: Bus, stream: Stream) -> list[DeadLetter]:
    return await dead_letters(bus, stream)


async def keys_of_notices(bus: Bus) -> list[str]:
    """How the key of each notice begins: what it is about, which decides its channel."""
    found = [each for each in await events(bus, NOTICES) if isinstance(each, NoticeRequested)]
    return [each.key.partition("dead:")[0] for each in found]


async def pending(bus: Bus, stream: Stream) -> int:
    summary = await bus.redis.xpending(bus.keys.stream(stream), bus.service)
    return int(summary["pending"])


async def test_entry_that_fails_three_times_ends_its_investigation_as_failed(
    make_bus: MakeBus, start: Start
) -> None:
    bus = make_bus("reasoner", lease_seconds=1)
    await opened(bus)
    runs: list[int] = []

    async def fail(event: Event, entry: Entry) -> None:
        runs.append(entry.delivery_count)
        raise RuntimeError("it always breaks")

    running = service(bus, TURNS, TurnDue, fail)
    await start(running)

    async def set_aside() -> bool:
        return bool(await dead(bus, TURNS))

    await eventually(set_aside, 9)
    record = await bus.investigations.read(INV)
    assert record is not None
    assert record.outcome == "failed"
    assert len(runs) == 3
    letters = await dead(bus, TURNS)
    assert "failed 3 times, at last with RuntimeError: it always breaks" in letters[0].reason
    assert [type(event) for event in await events(bus, DIAGNOSES)] == [DiagnosisReached]
    assert [type(event) for event in await events(bus, STOPS)] == [StopRequested]


async def test_outage_is_counted_against_nothing(make_bus: MakeBus, start: Start) -> None:
    bus = make_bus("reasoner", lease_seconds=1)
    counts: list[int] = []

    async def wait_for_the_outside(event: Event, entry: Entry) -> None:
        counts.append(entry.delivery_count)
        if len(counts) < 8:
            raise Unavailable("Slack is down", retry_in_seconds=0.05)

    running = service(bus, TURNS, TurnDue, wait_for_the_outside)
    await start(running)
    await bus.publish(TURN)

    async def done() -> bool:
        return len(counts) == 8 and await pending(bus, TURNS) == 0

    await eventually(done, 9)
    assert max(counts) <= 1 + 1
    assert await dead(bus, TURNS) == []


async def test_entry_whose_owners_keep_dying_is_set_aside_after_six_deliveries(
    make_bus: MakeBus, start: Start
) -> None:
    bus = make_bus("reasoner", lease_seconds=0.5)
    key = bus.keys.stream(TURNS)
    entry_id = await bus.publish(TURN)
    await bus.redis.xgroup_create(key, "reasoner", id="0")
    await bus.redis.xreadgroup("reasoner", "dead-owner", {key: ">"})
    await bus.redis.xclaim(key, "reasoner", "dead-owner", 0, [entry_id], retrycount=6, justid=True)
    await bus.redis.hset(bus.keys.errors(TURNS, "reasoner"), entry_id + ALONE, "1")
    runs: list[int] = []

    async def handle(event: Event, entry: Entry) -> None:
        runs.append(entry.delivery_count)

    async def up_for_a_lease() -> bool:
        return bool((await bus.redis.info("server"))["uptime_in_seconds"] >= 1)

    await eventually(up_for_a_lease)  # else it would be tried once more
    running = service(bus, TURNS, TurnDue, handle)
    await start(running)

    async def set_aside() -> bool:
        return bool(await dead(bus, TURNS))

    await eventually(set_aside)
    assert runs == []
    assert len(await events(bus, NOTICES)) == 1


async def test_unreadable_incident_gives_one_dead_letter_and_one_notice_for_both_groups(
    make_bus: MakeBus, start: Start
) -> None:
    reasoner, notifier = make_bus("reasoner"), make_bus("notifier")
    opened_by: list[str] = []

    async def handle(event: Event, entry: Entry) -> None:
        opened_by.append(entry.group)

    both = [service(bus, INCIDENTS, IncidentOpened, handle) for bus in (reasoner, notifier)]
    for running in both:
        await start(running)
    key = reasoner.keys.stream(INCIDENTS)
    await reasoner.redis.xadd(key, {"data": "not json"})
    await reasoner.redis.xadd(key, {"data": b"\xff\xfe"})
    await reasoner.redis.xadd(key, {"data": '{"service":"a","summary":"b"}'})

    async def settled() -> bool:
        left = await pending(reasoner, INCIDENTS) + await pending(notifier, INCIDENTS)
        return left == 0 and sorted(opened_by) == ["notifier", "reasoner"]

    await eventually(settled)
    letters = await dead(reasoner, INCIDENTS)
    assert [letter.group for letter in letters] == ["reasoner", "reasoner"]
    assert all("not JSON" in letter.reason for letter in letters)
    assert {"data": "\\xff\\xfe"} in [letter.fields for letter in letters]
    notices = await events(reasoner, NOTICES)
    assert [type(notice) for notice in notices] == [NoticeRequested, NoticeRequested]


async def test_tool_call_that_is_set_aside_is_answered_with_an_error(
    make_bus: MakeBus, start: Start
) -> None:
    bus = make_bus("toolrunner")

    async def refuse(event: Event, entry: Entry) -> None:
        raise Rejected("this call makes no sense")

    running = service(bus, TOOL_CALLS, ToolCallRequested, refuse)
    await start(running)
    await bus.publish(
        ToolCallRequested(
            investigation_id=INV, tool_call_id=ToolCallId("1-1"), turn=1, tool="k__x", arguments={}
        )
    )

    async def answered() -> list[Event]:
        return await events(bus, TOOL_RESULTS)

    (finished,) = await eventually(answered)
    assert isinstance(finished, ToolCallFinished)
    assert not finished.ok
    assert "this call makes no sense" in finished.error
    assert len(await dead(bus, TOOL_CALLS)) == 1


async def test_wrong_incident_ends_nobody_elses_investigation(
    make_bus: MakeBus, start: Start
) -> None:
    """A hand-made entry once named a running investigation, could not be read, and failed it."""
    bus = make_bus("reasoner")
    await opened(bus)

    async def handle(event: Event, entry: Entry) -> None:
        return

    await start(service(bus, INCIDENTS, IncidentOpened, handle))
    key = bus.keys.stream(INCIDENTS)
    digits = "7" * 5000
    for text in (
        '{"summary":7,"incident_id":"inc-1"}',
        '{"investigation_id":"inc-1"}',
        '{"service":"a","summary":' + digits + "}",
        '{"service":"a","summary":"b","incident_id":"\\ud800"}',
    ):
        await bus.redis.xadd(key, {"data": text})

    async def set_aside() -> bool:
        return len(await dead(bus, INCIDENTS)) == 4

    await eventually(set_aside)
    record = await bus.investigations.read(INV)
    assert record is not None
    assert record.state == "turn_due"
    assert sorted(await keys_of_notices(bus)) == ["", "", "", "service:a:"]


async def test_record_that_cannot_be_read_costs_three_errors_and_one_notice(
    make_bus: MakeBus, start: Start
) -> None:
    """Setting the entry aside read the record, failed like the handler, and came back for ever."""
    bus = make_bus("reasoner", lease_seconds=1)
    await opened(bus)
    await bus.redis.hset(bus.keys.of(INV, "record"), "spend", "{")
    runs: list[int] = []

    async def read(event: Event, entry: Entry) -> None:
        runs.append(entry.delivery_count)
        await bus.investigations.read(INV)

    await start(service(bus, TURNS, TurnDue, read))

    async def settled() -> bool:
        return bool(await dead(bus, TURNS)) and await pending(bus, TURNS) == 0

    await eventually(settled, 9)
    assert len(runs) == 3
    assert len(await dead(bus, TURNS)) == 1
    assert await keys_of_notices(bus) == ["incident:inc-1:"]


async def test_record_of_another_release_waits_for_it_until_the_deadline_and_then_is_told(
    make_bus: MakeBus, start: Start
) -> None:
    bus = make_bus("reasoner", lease_seconds=0.5, deadline_seconds=2)
    record = await opened(bus)
    await bus.redis.hset(bus.keys.of(INV, "record"), "schema_version", "2.0")
    seen: list[int] = []

    async def read(event: Event, entry: Entry) -> None:
        seen.append(entry.delivery_count)
        await bus.investigations.read(INV)

    await start(service(bus, TURNS, TurnDue, read))

    async def set_aside() -> list[DeadLetter]:
        return await dead(bus, TURNS)

    (letter,) = await eventually(set_aside, 9)
    assert "schema 2.0" in letter.reason
    assert len(seen) > 2
    assert max(seen) <= 2
    assert (letter.set_aside_at - record.opened_at).total_seconds() > 2
    assert len(await events(bus, NOTICES)) == 1
    assert await bus.redis.hget(bus.keys.of(INV, "record"), "outcome") == b"null"


async def test_reason_that_cannot_be_written_as_it_is_is_escaped(
    make_bus: MakeBus, start: Start
) -> None:
    bus = make_bus("reasoner")

    async def refuse(event: Event, entry: Entry) -> None:
        raise Rejected("half a pair: \ud800")

    await start(service(bus, TURNS, TurnDue, refuse))
    await bus.publish(TURN)

    async def set_aside() -> list[DeadLetter]:
        return await dead(bus, TURNS)

    (letter,) = await eventually(set_aside)
    assert letter.reason == "half a pair: \\ud800"
