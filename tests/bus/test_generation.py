"""A process that finds another Redis than before, or less in it, touches it no more."""

import asyncio

import pytest
from redis.asyncio import Redis

from bus.broker import Bus, Consumer, Route
from bus.connection import as_text
from bus.envelope import Entry
from bus.errors import NotConfigured
from bus.events import Event, InvestigationId, NoticeRequested, StopRequested, TurnDue
from bus.generation import StoreChanged
from bus.process import Service, build_app
from bus.streams import INCIDENTS, NOTICES, STOPS, TURNS
from bus.testing import entries, events, eventually
from tests.bus.incidents import opened
from tests.conftest import MakeBus, Start

INV = InvestigationId("inc-1")
STOP = StopRequested(investigation_id=INV, outcome="failed")


async def ignore(event: Event, entry: Entry) -> None:
    return


async def begun(make_bus: MakeBus, service: str = "reasoner") -> Bus:
    bus = make_bus(service)
    await bus.store.begin()
    return bus


async def reconnected(bus: Bus) -> None:
    """The bus has no connection left, as after a restart of Redis."""
    await bus.redis.connection_pool.disconnect()


async def test_the_first_start_on_a_redis_without_a_generation_says_so_once(
    make_bus: MakeBus,
) -> None:
    buses = [make_bus(name) for name in ("ingest", "reasoner", "notifier")]
    await buses[0].redis.delete(buses[0].keys.generation)

    await asyncio.gather(*(bus.store.begin() for bus in buses))

    generation = as_text(await buses[0].redis.get(buses[0].keys.generation))
    (notice,) = await events(buses[0], NOTICES)
    assert isinstance(notice, NoticeRequested)
    assert generation in notice.text


async def test_a_redis_with_a_generation_is_taken_without_a_word(make_bus: MakeBus) -> None:
    bus = await begun(make_bus)

    assert await entries(bus, NOTICES) == []


async def test_another_redis_than_the_named_one_is_refused_from_the_start(
    make_bus: MakeBus,
) -> None:
    right, wrong = (make_bus("reasoner", generation=name) for name in ("tests", "other"))

    await right.store.begin()
    with pytest.raises(NotConfigured, match="generation tests, but NIGHTSHIFT_GENERATION is other"):
        await wrong.store.begin()


@pytest.mark.parametrize("what", ["generation", "other generation", "stream", "entry", "order"])
async def test_a_loss_is_seen_before_a_new_connection_is_used(make_bus: MakeBus, what: str) -> None:
    bus, operator = await begun(make_bus), make_bus("operator")
    ids = [await bus.publish(STOP) for _ in range(3)]
    await bus.store.look()
    key = bus.keys.stream(STOPS)
    match what:
        case "generation":
            await operator.redis.delete(bus.keys.generation)
        case "other generation":
            await operator.redis.set(bus.keys.generation, "other")
        case "stream":
            await operator.redis.delete(key)
        case "entry":  # the last one was lost, and somebody wrote on before we looked
            await operator.redis.xdel(key, ids[2])
            await operator.publish(STOP)
        case "order":  # a store that was begun anew, and is written to
            await operator.redis.delete(key)
            await operator.redis.xadd(key, {"data": "{}"}, id="1-1")
    await reconnected(bus)

    with pytest.raises(StoreChanged, match="until this process is restarted"):
        await bus.redis.set(bus.keys.prefix + "mark", "1", ex=60)

    assert await operator.redis.get(bus.keys.prefix + "mark") is None


async def test_a_reader_compares_before_it_uses_a_new_connection(make_bus: MakeBus) -> None:
    bus, operator = await begun(make_bus), make_bus("operator")
    broker = Consumer(bus, ()).broker
    client = await broker.connect()
    await operator.redis.set(bus.keys.generation, "other")

    with pytest.raises(StoreChanged):
        await client.ping()

    await broker.stop()


async def test_closing_closes_what_a_reader_opened_too(make_bus: MakeBus) -> None:
    """FastStream waits for no reader that it ends, and one may connect once more after that."""
    bus, operator = await begun(make_bus), make_bus("operator")
    client = await Consumer(bus, ()).broker.connect()
    number = str(await client.client_id())

    await bus.close()

    async def gone() -> bool:
        return number not in [row["id"] for row in await operator.redis.client_list()]

    await eventually(gone)


async def test_trimming_and_going_on_are_no_loss(make_bus: MakeBus) -> None:
    bus, operator = await begun(make_bus), make_bus("operator")
    for _ in range(3):
        await bus.publish(STOP)
    await bus.store.look()
    for left in (1, 0):
        await operator.redis.xtrim(bus.keys.stream(STOPS), maxlen=left, approximate=False)
        await reconnected(bus)
        await bus.store.look()
    await operator.publish(STOP)
    await reconnected(bus)

    await bus.store.look()

    assert bus.store.trouble == ""


async def test_an_entry_that_was_read_or_written_counts_at_once(make_bus: MakeBus) -> None:
    bus, operator = await begun(make_bus), make_bus("operator")
    entry_id = await operator.publish(STOP)
    bus.store.saw(bus.keys.stream(STOPS), entry_id)
    await operator.redis.delete(bus.keys.stream(STOPS))

    with pytest.raises(StoreChanged):
        await bus.store.look()


async def test_streams_of_others_do_not_matter(make_bus: MakeBus) -> None:
    """A service's user of Redis may not even read them."""
    bus, operator = await begun(make_bus, "toolrunner"), make_bus("operator")
    await opened(operator)
    await bus.store.look()
    await operator.redis.delete(bus.keys.stream(TURNS))

    await bus.store.look()


async def test_a_service_stays_up_unready_and_ends_all_work(
    make_bus: MakeBus, start: Start
) -> None:
    bus, operator = make_bus("reasoner"), make_bus("operator")
    seen: list[str] = []
    ended = asyncio.Event()

    async def on_turn_due(event: Event, entry: Entry) -> None:
        seen.append(entry.entry_id)

    async def background() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            ended.set()

    running = build_app(bus, [Route(TURNS, TurnDue, on_turn_due)], background=[background])
    await start(running)
    await opened(operator)
    await eventually(lambda: has(seen, 1))
    await operator.redis.set(bus.keys.generation, "other")

    await asyncio.wait_for(ended.wait(), 5)
    await operator.publish(TurnDue(investigation_id=INV, turn=2))

    problems = await running.health.problems()
    assert list(problems) == ["store"]
    assert "its generation is other, not tests" in problems["store"]
    await eventually(lambda: all_stopped(running))
    assert not running.failed.done()
    assert running.health.dead_readers() == []
    assert len(seen) == 1


async def test_a_flushed_redis_is_a_loss_and_ends_no_process(
    make_bus: MakeBus, start: Start, redis_url: str
) -> None:
    """The reader is the first to see it: its group is gone."""
    bus = make_bus("reasoner")
    running = build_app(bus, [Route(TURNS, TurnDue, ignore)])
    await start(running)
    async with Redis.from_url(redis_url) as redis:
        await redis.delete(bus.keys.generation, bus.keys.stream(TURNS), bus.keys.stream(INCIDENTS))

    async def refused() -> bool:
        return "its generation is missing" in (await running.health.problems()).get("store", "")

    await eventually(refused)
    await eventually(lambda: all_stopped(running))
    assert not running.failed.done()


async def has(found: list[str], count: int) -> bool:
    return len(found) == count


async def all_stopped(running: Service) -> bool:
    return not any(reading.running for reading in running.consumer.reading.values())


async def test_what_outlives_the_end_of_its_process_gets_no_connection(
    make_bus: MakeBus, start: Start
) -> None:
    bus = make_bus("reasoner")
    service = build_app(bus, [])
    await start(service)
    await bus.redis.ping()

    await service.stop()

    with pytest.raises(StoreChanged):
        await bus.redis.ping()
