"""What becomes of deliveries: takeover, hand-over, stops. On a real Redis."""

import asyncio
from collections.abc import Awaitable, Callable
from itertools import pairwise

from bus.broker import Bus, Route
from bus.envelope import Entry
from bus.events import (
    DeadLetter,
    Event,
    InvestigationId,
    StopRequested,
    TurnDue,
)
from bus.process import Service, build_app
from bus.streams import (
    STOPS,
    TURNS,
    Stream,
)
from bus.testing import dead_letters, entries, eventually
from tests.bus.incidents import opened
from tests.conftest import MakeBus, Start

INV = InvestigationId("inc-1")
TURN = TurnDue(investigation_id=INV, turn=7)
Handle = Callable[[Event, Entry], Awaitable[None]]


def service(bus: Bus, stream: Stream, event: type[Event], handle: Handle) -> Service:
    return build_app(bus, [Route(stream, event, handle)])


async def dead(bus: Bus, stream: Stream) -> list[DeadLetter]:
    return await dead_letters(bus, stream)


async def pending(bus: Bus, stream: Stream) -> int:
    summary = await bus.redis.xpending(bus.keys.stream(stream), bus.service)
    return int(summary["pending"])


async def test_entries_published_before_the_first_start_are_handled(
    make_bus: MakeBus, start: Start
) -> None:
    bus = make_bus("reasoner")
    await bus.publish(TURN)
    seen: list[Event] = []

    async def handle(event: Event, entry: Entry) -> None:
        seen.append(event)

    running = service(bus, TURNS, TurnDue, handle)
    await start(running)

    async def handled() -> bool:
        return seen == [TURN] and await pending(bus, TURNS) == 0

    await eventually(handled)


async def test_long_handler_keeps_its_entry_past_the_lease(make_bus: MakeBus, start: Start) -> None:
    bus, other = (make_bus("reasoner", lease_seconds=0.5) for _ in range(2))
    runs: list[str] = []
    done = asyncio.Event()

    async def slow(event: Event, entry: Entry) -> None:
        runs.append("first")
        await done.wait()

    async def never(event: Event, entry: Entry) -> None:
        runs.append("second")

    first, second = service(bus, TURNS, TurnDue, slow), service(other, TURNS, TurnDue, never)
    await start(first)
    await bus.publish(TURN)
    await eventually(lambda: _is(runs, ["first"]))
    await start(second)
    idle_seen: list[int] = []

    async def renewed_three_times() -> bool:
        rows = await other.redis.xpending_range(
            other.keys.stream(TURNS), "reasoner", min="-", max="+", count=1
        )
        idle_seen.append(int(rows[0]["time_since_delivered"]))
        return sum(a > b for a, b in pairwise(idle_seen)) >= 6

    await eventually(renewed_three_times)
    done.set()

    async def acknowledged() -> bool:
        return await pending(other, TURNS) == 0

    await eventually(acknowledged)
    assert runs == ["first"]


async def test_dead_owners_entries_are_all_taken_over(make_bus: MakeBus, start: Start) -> None:
    bus = make_bus("reasoner", lease_seconds=0.5)
    key = bus.keys.stream(TURNS)
    for turn in range(1, 41):
        await bus.publish(TurnDue(investigation_id=INV, turn=turn))
    await bus.redis.xgroup_create(key, "reasoner", id="0")
    await bus.redis.xreadgroup("reasoner", "dead-owner", {key: ">"})
    seen: set[int] = set()

    async def handle(event: TurnDue, entry: Entry) -> None:
        seen.add(event.turn)

    running = build_app(bus, [Route(TURNS, TurnDue, handle)])
    await start(running)

    async def all_done() -> bool:
        return len(seen) == 40 and await pending(bus, TURNS) == 0

    await eventually(all_done, 9)


async def test_stopped_replica_hands_its_work_over_uncounted(
    make_bus: MakeBus, start: Start
) -> None:
    first_bus, second_bus = (
        make_bus("reasoner", lease_seconds=60, drain_seconds=0.1) for _ in range(2)
    )
    started = asyncio.Event()
    deliveries: list[int] = []

    async def hang(event: Event, entry: Entry) -> None:
        started.set()
        await asyncio.Event().wait()

    async def take(event: Event, entry: Entry) -> None:
        deliveries.append(entry.delivery_count)

    first = service(first_bus, TURNS, TurnDue, hang)
    await start(first)
    await first_bus.publish(TURN)
    await started.wait()
    second = service(second_bus, TURNS, TurnDue, take)
    await start(second)
    await first.stop()
    await eventually(lambda: _is(deliveries, [1]))


async def test_stop_cancels_the_work_of_its_investigation_only(
    make_bus: MakeBus, start: Start
) -> None:
    bus = make_bus("reasoner", lease_seconds=60, drain_seconds=0.1)
    started: set[str] = set()
    cancelled: list[str] = []

    async def hang(event: TurnDue, entry: Entry) -> None:
        started.add(event.investigation_id)
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            cancelled.append(event.investigation_id)
            raise

    running = build_app(bus, [Route(TURNS, TurnDue, hang)])
    await start(running)
    for name in ("inc-1", "inc-2"):
        await bus.publish(TurnDue(investigation_id=InvestigationId(name), turn=1))
    await eventually(lambda: _is(started, {"inc-1", "inc-2"}))
    await bus.publish(StopRequested(investigation_id=INV, outcome="cancelled"))
    await eventually(lambda: _is(cancelled, ["inc-1"]))

    async def acknowledged() -> bool:
        return await pending(bus, TURNS) == 1

    await eventually(acknowledged)


async def test_handler_that_cancels_itself_has_not_done_its_work(
    make_bus: MakeBus, start: Start
) -> None:
    """A library cancelled the work from within; it was taken for done, and its entry was gone."""
    bus = make_bus("reasoner", lease_seconds=1)
    runs: list[int] = []

    async def cancelled_at_first(event: TurnDue, entry: Entry) -> None:
        runs.append(event.turn)
        if event.turn == 2 or len(runs) == 1:
            cancelled = asyncio.ensure_future(asyncio.Event().wait())
            cancelled.cancel()
            await cancelled

    await start(build_app(bus, [Route(TURNS, TurnDue, cancelled_at_first)]))
    await bus.publish(TurnDue(investigation_id=INV, turn=1))
    await eventually(lambda: _is(runs, [1, 1]))
    await bus.publish(TurnDue(investigation_id=INV, turn=2))

    async def set_aside() -> list[DeadLetter]:
        return await dead(bus, TURNS)

    (letter,) = await eventually(set_aside, 9)
    assert "failed 3 times" in letter.reason
    assert runs == [1, 1, 2, 2, 2]
    assert await pending(bus, TURNS) == 0


async def test_readiness_fails_when_redis_lost_its_groups(make_bus: MakeBus, start: Start) -> None:
    bus = make_bus("reasoner")

    async def handle(event: Event, entry: Entry) -> None:
        return

    running = service(bus, TURNS, TurnDue, handle)
    await start(running)
    assert await running.health.problems() == {}
    await bus.redis.delete(bus.keys.stream(TURNS))
    sentence = await asyncio.wait_for(running.failed, 9)
    assert "stopped: the group is gone" in sentence
    assert "redis" in await running.health.problems()


async def test_handler_span_hangs_under_the_entrys_trace(make_bus: MakeBus, start: Start) -> None:
    bus = make_bus("reasoner")
    record = await opened(bus)

    async def handle(event: Event, entry: Entry) -> None:
        await bus.publish(StopRequested(investigation_id=INV, outcome="failed"))

    running = service(bus, TURNS, TurnDue, handle)
    await start(running)

    async def published() -> list[str]:
        written = await entries(bus, STOPS)
        return [entry.fields["traceparent"] for entry in written]

    (traceparent,) = await eventually(published)
    assert traceparent == record.trace.traceparent


async def _is(seen: object, wanted: object) -> bool:
    return seen == wanted
