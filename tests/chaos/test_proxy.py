"""The proxy: what passes it, what it keeps from passing, and what it knows of it."""

import os
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
from redis import Redis
from redis.backoff import NoBackoff
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import TimeoutError as RedisTimeoutError
from redis.retry import Retry

from simulator.redis_server import RedisServer
from tests.chaos.proxy.naming import scripts
from tests.chaos.proxy.passage import Cut, Delay, Gate, Hold, Passage, Phase, Verdict
from tests.chaos.proxy.proxy import Proxy

pytestmark = [pytest.mark.xdist_group("chaos"), pytest.mark.timeout(30)]
KEY = "nightshift:one:record"


@pytest.fixture
def proxy() -> Iterator[Proxy]:
    made = Proxy()
    yield made
    made.close()


@pytest.fixture
def through(proxy: Proxy, own_redis: RedisServer) -> Iterator[Callable[..., "Redis"]]:
    """Clients of the real Redis, each with an address of its own at the proxy."""
    made: list[Redis] = []

    def client(name: str = "reasoner-1", timeout: float = 5) -> "Redis":
        ports = proxy.open(name, "reasoner", {"redis": ("127.0.0.1", own_redis.port)})
        made.append(Redis(port=ports["redis"], retry=Retry(NoBackoff(), 0), socket_timeout=timeout))
        return made[-1]

    yield client
    for one in made:
        one.close()


@pytest.fixture
def direct(own_redis: RedisServer) -> Iterator["Redis"]:
    with Redis(port=own_redis.port) as client:
        client.flushall()
        yield client


def when(phase: Phase, verdict: Verdict) -> Callable[[Passage, Phase], Verdict | None]:
    return lambda passage, at: verdict if at == phase else None


def test_every_script_of_the_product_has_a_name() -> None:
    named = set(scripts().values())
    assert named >= {"open", "commit", "start_call", "store_result", "append", "renew"}
    assert named >= {"take", "settle", "finish", "append_once", "reserve"}


def test_pipelined_replies_belong_to_their_commands(
    proxy: Proxy, through: Callable[..., "Redis"], direct: "Redis"
) -> None:
    direct.delete(KEY)
    with through().pipeline(transaction=False) as together:
        together.hset(KEY, "version", "1")
        together.get("absent")
        together.hset(KEY, mapping={"a": "b" * 300_000})
        together.set("nightshift:notice:x", os.urandom(300_000))
        answers = together.execute()
    assert answers == [1, None, 1, True]
    said = [(passage.operation, passage.incident, passage.answer) for passage in proxy.log]
    changed = ("redis hset record", "one", "1")
    assert said == [changed, changed, ("redis set notice", "", "OK")]
    assert {passage.replica for passage in proxy.log} == {"reasoner-1"}


@pytest.mark.parametrize(("phase", "stands"), [("before", 0), ("between", 1)])
def test_cut_before_reaches_nobody_and_cut_between_is_done_without_a_reply(
    proxy: Proxy, through: Callable[..., "Redis"], direct: "Redis", phase: Phase, stands: int
) -> None:
    client = through()
    client.ping()
    proxy.hook = when(phase, Cut())
    with pytest.raises(RedisConnectionError):
        client.hset(KEY, "version", "1")
    assert direct.exists(KEY) == stands
    assert proxy.log[-1].fate == "cut"


def test_held_command_is_carried_out_when_its_gate_opens(
    proxy: Proxy, through: Callable[..., "Redis"], direct: "Redis"
) -> None:
    held, other = through(), through("reasoner-2")
    gate = Gate()
    proxy.hook = lambda passage, phase: (
        Hold(gate) if (passage.replica, phase) == ("reasoner-1", "before") else None
    )
    with ThreadPoolExecutor(1) as pool:
        late = pool.submit(held.hset, KEY, "version", "1")
        assert other.hset(KEY, "state", "ended") == 1
        assert direct.hget(KEY, "version") is None
        gate.open()
        assert late.result(5) == 1
    assert direct.hget(KEY, "version") == b"1"


def test_delay_makes_a_command_late(proxy: Proxy, through: Callable[..., "Redis"]) -> None:
    client = through()
    proxy.hook = when("before", Delay(0.2))
    client.hset(KEY, "version", "1")
    assert proxy.log[-1].answered_at - proxy.log[-1].at >= 0.2


def test_nothing_is_said_in_a_black_hole_until_it_is_over(
    proxy: Proxy, through: Callable[..., "Redis"], direct: "Redis"
) -> None:
    client = through()
    client.ping()
    proxy.weather("redis", "black hole")
    with ThreadPoolExecutor(1) as pool:
        late = pool.submit(client.hset, KEY, "version", "1")
        assert direct.exists(KEY) == 0
        proxy.weather("redis", "fair")
        assert late.result(5) == 1


def test_half_open_connection_stays_silent_and_a_new_one_speaks_once_it_is_over(
    proxy: Proxy, through: Callable[..., "Redis"]
) -> None:
    old = through(timeout=0.3)
    old.ping()
    proxy.weather("redis", "half-open")
    proxy.weather("redis", "fair")
    with pytest.raises(RedisTimeoutError):
        old.ping()
    assert old.ping()


def test_reset_ends_every_connection_and_new_ones_pass(
    proxy: Proxy, through: Callable[..., "Redis"]
) -> None:
    clients = [through(), through("reasoner-2")]
    with ThreadPoolExecutor(2) as pool:
        waiting = [pool.submit(client.blpop, ["nothing"], 2) for client in clients]
        while sum(not late.done() for late in waiting) == 2 and proxy.reset("redis") == 0:
            pass
        ended = [late.exception(5) for late in waiting]
    assert RedisConnectionError in [type(error) for error in ended]
    assert [client.ping() for client in clients] == [True, True]


def test_refused_connections_are_accepted_again_on_the_same_port(
    proxy: Proxy, through: Callable[..., "Redis"]
) -> None:
    client = through()
    assert client.ping()
    proxy.weather("redis", "refused")
    with pytest.raises(RedisConnectionError, match="refused"):
        client.ping()
    proxy.weather("redis", "fair")
    assert client.ping()
