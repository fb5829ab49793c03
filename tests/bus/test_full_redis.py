"""A full Redis: what would open or enlarge something waits, what closes works.

Redis refuses commands that need memory, but inside a script only as its first write: so every
script on the way to an end begins with a write that needs none.
"""

from collections.abc import AsyncIterator, Iterator

import pytest
from redis.exceptions import OutOfMemoryError, ResponseError

from bus.dead_letter import DeadLetters
from bus.envelope import Entry
from bus.events import Event, IncidentOpened, ToolCallFinished, ToolCallId, ToolCallRequested
from bus.port import Bus, Route
from bus.process import build_app
from bus.record import Commit
from bus.results import Result
from bus.streams import DIAGNOSES, INCIDENTS, TOOL_CALLS
from bus.testing import dead_letters, entries
from services.notifier.due import decide_when_due
from simulator.redis_server import RedisServer, embedded_redis, machine_redis
from tests.bus.incidents import an_entry, an_incident, opened
from tests.conftest import MakeBus, Start


@pytest.fixture(scope="module", params=["the machine's Redis", "embedded Redis 6.2"])
def server(request: pytest.FixtureRequest) -> Iterator[RedisServer]:
    """A server of these tests' own, because they fill it."""
    found = machine_redis() if request.param.startswith("the machine") else embedded_redis()
    if found is None:
        pytest.skip(f"{request.param} is not here")
    found.start()
    yield found
    found.stop()


@pytest.fixture
def redis_url(server: RedisServer) -> str:
    """In place of the servers that other tests share."""
    return server.url


@pytest.fixture
async def bus(make_bus: MakeBus) -> Bus:
    return make_bus("reasoner")


async def fill(bus: Bus) -> None:
    """Redis is full afterwards: nothing that needs memory is taken any more."""
    await bus.redis.config_set("maxmemory", 1)
    with pytest.raises(OutOfMemoryError):
        await bus.redis.set("one more", "1")


@pytest.fixture(autouse=True)
async def space_again(bus: Bus) -> AsyncIterator[None]:
    yield
    await bus.redis.config_set("maxmemory", 0)


def requested(entry_id: str) -> Entry:
    return Entry(stream=TOOL_CALLS, group="toolrunner", entry_id=entry_id, fields={})


async def test_an_open_investigation_reaches_its_end_when_redis_is_full(bus: Bus) -> None:
    record = await opened(bus)
    await fill(bus)

    def at_the_deadline(stands: object) -> Commit | None:
        return decide_when_due(record, record.deadline_at)

    ended = await bus.investigations.apply(record.investigation_id, at_the_deadline)
    assert ended is not None
    assert ended.outcome == "timed_out"
    assert len(await entries(bus, DIAGNOSES)) == 1


async def test_a_concluding_turn_is_committed_and_an_ordinary_one_waits(bus: Bus) -> None:
    record = await opened(bus)
    inv = record.investigation_id
    await fill(bus)
    with pytest.raises(ResponseError, match="maxmemory"):
        await bus.investigations.apply(inv, lambda stands: Commit(record=stands))
    concluding = Commit(
        record=record.changed(concluding="deadline"), transcript=({"role": "user"},)
    )
    assert await bus.investigations.commit(record, concluding)
    assert await bus.investigations.transcript(inv) == [{"role": "user"}]


async def test_a_commit_that_is_refused_leaves_its_entry_pending(bus: Bus) -> None:
    record = await opened(bus)
    key = bus.keys.stream(INCIDENTS)
    await bus.redis.xgroup_create(key, "reasoner", id="0")
    await bus.redis.xreadgroup("reasoner", "r1", {key: ">"})
    (entry,) = await entries(bus, INCIDENTS)
    entry.group = "reasoner"
    await fill(bus)
    with pytest.raises(ResponseError, match="maxmemory"):
        await bus.investigations.apply(
            record.investigation_id, lambda stands: Commit(record=stands), entry=entry
        )
    assert (await bus.redis.xpending(key, "reasoner"))["pending"] == 1
    assert not entry.acknowledged


async def test_an_accepted_incident_is_opened_and_a_new_one_is_refused(bus: Bus) -> None:
    incident = an_incident()
    entry = await an_entry(bus, incident)
    await fill(bus)
    record = await bus.investigations.open(incident, entry, acknowledge=False)
    assert await bus.investigations.read(record.investigation_id) is not None
    with pytest.raises(OutOfMemoryError):
        await bus.publish(IncidentOpened(service="cartservice", summary="one more"))


async def test_a_result_is_not_stored_and_its_entry_waits(bus: Bus) -> None:
    record = await opened(bus)
    finished = ToolCallFinished(
        investigation_id=record.investigation_id, tool_call_id=ToolCallId("1-1"), ok=True
    )
    await fill(bus)
    entry = requested("1-0")
    with pytest.raises(ResponseError, match="maxmemory"):
        await bus.results.store(
            finished, Result(whole="text", shown="text"), audited=None, entry=entry
        )
    assert not entry.acknowledged


async def test_an_entry_is_set_aside_when_redis_is_full(bus: Bus) -> None:
    entry_id = await bus.publish(an_incident())
    entry = Entry(stream=INCIDENTS, group="notifier", entry_id=entry_id, fields={"data": "{"})
    await fill(bus)
    letters = DeadLetters(bus.redis, bus.keys, bus.investigations)
    await letters.set_aside(entry, "not JSON", readable=True)
    assert [letter.reason for letter in await dead_letters(bus, INCIDENTS)] == ["not JSON"]


async def test_a_replica_starts_on_a_full_redis_where_its_groups_stand(
    make_bus: MakeBus, start: Start
) -> None:
    async def ignore(event: Event, entry: Entry) -> None:
        return

    first, second = (
        build_app(make_bus("toolrunner"), [Route(TOOL_CALLS, ToolCallRequested, ignore)])
        for _ in range(2)
    )
    await start(first)
    await fill(first.bus)

    await start(second)

    assert await second.health.problems() == {}
