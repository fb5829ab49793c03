"""`redis+sentinel://`: every connection goes to the master, the next one too, and to no other."""

from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr
from redis import Redis
from redis.exceptions import ConnectionError as RedisConnectionError

from bus.address import address_of
from bus.broker import Bus, Consumer, Route
from bus.envelope import Entry
from bus.errors import NotConfigured
from bus.events import Event, StopRequested, TurnDue
from bus.generation import StoreChanged
from bus.process import build_app
from bus.sentinels import Sentinels
from bus.settings import BusSettings, load
from bus.streams import STOPS, TURNS
from bus.testing import eventually
from cli.reaching import client
from simulator.redis_sentinels import WatchedRedis, watched_redis

pytestmark = pytest.mark.timeout(60)
INV = "inc-1"
SECONDS = 20
STOP = StopRequested.model_validate({"investigation_id": INV, "outcome": "failed"})


@pytest.fixture
def watched(tmp_path: Path) -> Iterator[WatchedRedis]:
    """A master, its replica and three Sentinels."""
    server = watched_redis(folder=tmp_path / "redis")
    if server is None:
        pytest.skip("redis-server is not on PATH")
    try:
        yield server.start()
    finally:
        server.stop()


@pytest.fixture
async def bus(watched: WatchedRedis) -> AsyncIterator[Bus]:
    """A reasoner's bus there, with nothing begun."""
    made = Bus.of(settings(watched.url), "reasoner")
    yield made
    await made.close()


def settings(url: str, **more: Any) -> BusSettings:
    given = {"REDIS_URL": SecretStr(url), "http_host": "127.0.0.1", "http_port": 0}
    return BusSettings.model_validate(given | more)


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("redis+sentinel://h/m", "redis+sentinel://h:26379/m/0"),
        (
            "redis+sentinel://u:p%2Fw@a:1,b,[::1],[::2]:3/m-1.x/2",
            "redis+sentinel://a:1,b:26379,[::1]:26379,[::2]:3/m-1.x/2",
        ),
        (
            "rediss+sentinel://:w@a/m?ssl_ca_certs=/x&sentinel_password=s",
            "rediss+sentinel://a:26379/m/0",
        ),
    ],
)
def test_an_address_with_sentinels_is_shown_without_a_password(
    url: str, shown: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("REDIS_URL", url)
    assert load(BusSettings).address.shown == shown
    assert "p/w" not in repr(load(BusSettings).address)


def test_redis_and_its_sentinels_have_users_of_their_own_and_one_authority() -> None:
    options = (
        "username=r&password=one%26&sentinel_username=s&sentinel_password=two%26&ssl_ca_certs=/x"
    )

    found = address_of(f"rediss+sentinel://a,b:7/m/3?{options}")

    assert found.sentinels == (("a", 26379), ("b", 7))
    assert found.options == {"username": "s", "password": "two&", "ssl": True, "ssl_ca_certs": "/x"}
    assert found.url == "rediss://m/3?username=r&password=one%26&ssl_ca_certs=%2Fx"


@pytest.mark.parametrize(
    "url",
    [
        "redis+sentinel://h",
        "redis+sentinel://h/",
        "redis+sentinel:///m",
        "redis+sentinel://h,/m",
        "redis+sentinel://h:0/m",
        "redis+sentinel://h:99999/m",
        "redis+sentinel://h/m/0/1",
        "redis+sentinel://h/m/x",
        "redis+sentinel://h/m?db=1",
        "redis+sentinel://h/m?ssl_ca_certs=/x",
        "redis+sentinel://h/m?sentinel_db=1",
        "redis+sentinel://u:se/cret@h/m",
        "redis+sentinel://h/m#x",
        "redis-sentinel://h/m",
        "sentinel://h/m",
        "redis://h?sentinel_password=secret",
    ],
)
def test_a_bad_address_with_sentinels_is_refused_with_the_forms_that_are_none(
    url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("REDIS_URL", url)
    with pytest.raises(NotConfigured) as refused:
        load(BusSettings)
    assert "redis+sentinel://host1:26379,host2:26379/NAME/0" in str(refused.value)
    assert "secret" not in str(refused.value).replace("sentinel_password", "")
    assert "se/cret" not in str(refused.value)


async def test_all_connections_of_a_process_follow_a_failover_that_lost_nothing(
    watched: WatchedRedis, bus: Bus
) -> None:
    """Its own, FastStream's, the readers', those of a command."""
    handled: list[str] = []

    async def note(event: Event, entry: Entry) -> None:
        handled.append(entry.entry_id)

    service = build_app(bus, [Route(TURNS, TurnDue, note)])
    await service.start()
    first = await bus.publish(TurnDue.model_validate({"investigation_id": INV, "turn": 1}))
    await eventually(lambda: has(handled, first), seconds=SECONDS)
    with client(watched.url) as command:
        assert port_of(command) == watched.port
        watched.kill()

        async def moved() -> bool:
            return watched.master_port() == watched.replica.port

        await eventually(moved, seconds=SECONDS)
        second = await bus.publish(TurnDue.model_validate({"investigation_id": INV, "turn": 2}))
        await eventually(lambda: has(handled, second), seconds=SECONDS)
        broker = await service.consumer.broker.connect()
        asked = [await bus.redis.info("server"), await broker.info("server")]
        assert {int(answer["tcp_port"]) for answer in asked} == {watched.replica.port}
        assert port_of(command) == watched.replica.port
    assert handled == [first, second]
    assert await service.health.problems() == {}
    await service.stop()


async def test_a_failover_to_a_replica_that_lost_the_last_entry_stops_the_process(
    watched: WatchedRedis, bus: Bus
) -> None:
    await bus.store.begin()
    await bus.publish(STOP)
    await eventually(lambda: replica_has(watched, bus), seconds=SECONDS)
    watched.deafen_replica()
    await bus.publish(STOP)
    await bus.store.look()

    watched.kill()

    async def refused() -> bool:
        try:
            await bus.store.look()
        except StoreChanged as error:
            return "is gone, which stood before" in str(error)
        except RedisConnectionError:
            pass
        return False

    await eventually(refused, seconds=SECONDS)
    broker = await Consumer(bus, ()).broker.connect()
    with pytest.raises(StoreChanged, match="until this process is restarted"):
        await broker.ping()
    await broker.aclose()


async def test_a_server_that_is_no_master_is_not_used_whatever_sentinels_say(
    watched: WatchedRedis, bus: Bus
) -> None:
    """What a Sentinel that was cut off names may have become a replica meanwhile."""
    for port in watched.ports:
        with Redis(port=port) as sentinel:
            watch(sentinel, watched.replica.port)

    with pytest.raises(RedisConnectionError, match="is a replica"):
        await bus.redis.ping()


def test_the_newest_configuration_is_believed_while_one_sentinel_is_behind(
    watched: WatchedRedis,
) -> None:
    with Redis(port=watched.ports[2]) as behind:
        watch(behind, 1)
        with Redis(port=watched.ports[0]) as sentinel:
            sentinel.execute_command("SENTINEL", "FAILOVER", "mymaster")
        asked = Sentinels(address_of(watched.url))

        assert asked.ask() != ("127.0.0.1", 1)
        asked.close()


async def has(found: list[str], entry_id: str) -> bool:
    return entry_id in found


async def replica_has(watched: WatchedRedis, bus: Bus) -> bool:
    with Redis(port=watched.replica.port) as replica:
        return bool(replica.xlen(bus.keys.stream(STOPS)))


def port_of(command: Any) -> int:
    return int(command.info("server")["tcp_port"])


def watch(sentinel: Any, port: int) -> None:
    """From now on the Sentinel takes that for the master."""
    sentinel.execute_command("SENTINEL", "REMOVE", "mymaster")
    sentinel.execute_command("SENTINEL", "MONITOR", "mymaster", "127.0.0.1", port, 2)
