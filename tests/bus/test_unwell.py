"""What Redis itself suffers from is counted against no entry; what an entry causes is. On both."""

import asyncio
from collections.abc import Awaitable, Iterator

import pytest
from redis.asyncio import Redis
from redis.exceptions import RedisError

from bus.dead_letter import MAX_ERRORS
from bus.envelope import Entry
from bus.events import InvestigationId, TurnDue
from bus.port import Route
from bus.process import build_app
from bus.streams import TURNS
from bus.testing import all_settled, dead_letters, eventually
from simulator.redis_server import RedisServer, embedded_redis, machine_redis
from tests.conftest import MakeBus, Start

pytestmark = pytest.mark.timeout(60)
WRITES = "redis.call('SET', KEYS[1], 'x')"
FOR_EVER = "while true do end"


@pytest.fixture(params=["the machine's Redis", "embedded Redis 6.2"])
def server(request: pytest.FixtureRequest) -> Iterator[RedisServer]:
    """A server of these tests' own, because they make it ill."""
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


async def error_of(answer: Awaitable[object]) -> RedisError:
    """What the command or script raised."""
    with pytest.raises(RedisError) as raised:
        await answer
    return raised.value


async def both(redis: Redis) -> list[RedisError]:
    """The errors of a write and of a script that writes."""
    return [await error_of(redis.set("a", "1")), await error_of(redis.eval(WRITES, 1, "a"))]


async def busy(redis: Redis, other: Redis) -> list[RedisError]:
    """The errors while a script runs for ever, that script's own, and of one that cannot be ended.

    The server has to be killed afterwards.
    """
    await redis.config_set("lua-time-limit", 10)
    endless = asyncio.create_task(error_of(redis.eval(FOR_EVER, 0)))

    async def is_busy() -> str:
        try:
            await other.get("a")
        except RedisError as error:
            return str(error)
        return ""

    assert "BUSY" in await eventually(is_busy)
    found = await both(other)
    await other.script_kill()
    found.append(await endless)
    endless = asyncio.create_task(error_of(redis.eval(WRITES + FOR_EVER, 1, "a")))
    await eventually(is_busy)
    found.append(await error_of(other.script_kill()))
    endless.cancel()
    return found


async def illnesses(server: RedisServer) -> list[RedisError]:
    """What a client of that server meets when it is ill, or has other rights than it should."""
    found: list[RedisError] = []
    async with Redis.from_url(server.url) as redis:
        await redis.config_set("min-replicas-to-write", 1)
        found += await both(redis)
        await redis.config_set("min-replicas-to-write", 0)
        await redis.config_set("maxmemory", 1)
        found += await both(redis)
        await redis.config_set("maxmemory", 0)
        await redis.acl_setuser("b", enabled=True, passwords=["+p"], commands=["+@all", "-set"])
        async with Redis.from_url(server.url.replace("//", "//b:p@")) as limited:
            found += await both(limited)
        async with Redis.from_url(server.url.replace("//", "//b:q@")) as unknown:
            found.append(await error_of(unknown.ping()))
        await redis.replicaof("127.0.0.1", "1")
        found += await both(redis)
        await redis.config_set("replica-serve-stale-data", "no")
        found += await both(redis)
        await redis.replicaof("NO", "ONE")
        found.append(await error_of(redis.evalsha("0" * 40, 0)))
        async with Redis.from_url(server.url) as other:
            found += await busy(redis, other)
    server.kill()
    server.start()
    return found


async def own_errors(redis: Redis) -> list[RedisError]:
    """Errors that an entry causes, with such words in what it says."""
    await redis.set("a", "READONLY : -BUSY ")
    return [
        await error_of(redis.incr("a")),
        await error_of(redis.eval("redis.call('BUSY : -OOM x')", 0)),
        await error_of(redis.eval("error('x: -BUSY x')", 0)),
        await error_of(redis.eval("redis.call('LPUSH', 'a', 'BUSY : -BUSY ')", 0)),
    ]


async def test_what_redis_suffers_from_is_counted_against_no_entry(
    make_bus: MakeBus, start: Start, server: RedisServer
) -> None:
    """A Redis that was busy, without its replicas, or closed to a user ended investigations."""
    errors = await illnesses(server)
    bus = make_bus("reasoner", lease_seconds=0.5)
    met = [0] * len(errors)

    async def suffer(event: TurnDue, entry: Entry) -> None:
        met[event.turn - 1] += 1
        if met[event.turn - 1] <= MAX_ERRORS:
            raise errors[event.turn - 1]

    await start(build_app(bus, [Route(TURNS, TurnDue, suffer)]))
    for turn in range(1, len(errors) + 1):
        await bus.publish(TurnDue(investigation_id=InvestigationId("inc-1"), turn=turn))

    async def settled() -> bool:
        return await all_settled(bus, TURNS, group="reasoner")

    await eventually(settled, 20)
    assert [letter.reason for letter in await dead_letters(bus, TURNS)] == []
    assert set(met) == {MAX_ERRORS + 1}


async def test_words_of_an_entry_in_an_error_of_redis_are_no_illness(
    make_bus: MakeBus, start: Start, server: RedisServer
) -> None:
    async with Redis.from_url(server.url) as redis:
        errors = await own_errors(redis)
    bus = make_bus("reasoner", lease_seconds=0.5)

    async def fail(event: TurnDue, entry: Entry) -> None:
        raise errors[event.turn - 1]

    await start(build_app(bus, [Route(TURNS, TurnDue, fail)]))
    for turn in range(1, len(errors) + 1):
        await bus.publish(TurnDue(investigation_id=InvestigationId("inc-1"), turn=turn))

    async def all_set_aside() -> bool:
        return len(await dead_letters(bus, TURNS)) == len(errors)

    await eventually(all_set_aside, 20)
