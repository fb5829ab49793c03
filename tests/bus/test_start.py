"""A service that a Redis refuses at its start says why and what to do: a process, a real Redis."""

import subprocess
import sys
from collections.abc import Callable, Iterator

import pytest
from redis import Redis

from bus.errors import NotConfigured
from bus.settings import BusSettings, load
from simulator.redis_server import RedisServer, embedded_redis, machine_redis
from tests.cli.nightshift import Ended, environment

pytestmark = pytest.mark.timeout(60)
HIDDEN = "word" + "9"


@pytest.fixture(params=["the machine's Redis", "embedded Redis 6.2"])
def server(request: pytest.FixtureRequest) -> Iterator[RedisServer]:
    """A server of each test's own: fresh, and ruined afterwards."""
    found = machine_redis() if request.param.startswith("the machine") else embedded_redis()
    if found is None:
        pytest.skip(f"{request.param} is not here")
    found.start()
    yield found
    found.stop()


def variables(url: str, **changes: str) -> dict[str, str]:
    given = {
        "REDIS_URL": url,
        "NIGHTSHIFT_REDIS_WAIT_SECONDS": "0",
        "NIGHTSHIFT_SLACK_CHANNEL": "C1",
        "NIGHTSHIFT_HTTP_PORT": "0",
        "SLACK_BOT_TOKEN": "none",
    }
    return environment(**given | changes)


def started(url: str) -> Ended:
    """How a notifier ended that was started on that Redis."""
    end = subprocess.run(
        [sys.executable, "-m", "services.notifier"],
        env=variables(url),
        capture_output=True,
        text=True,
        timeout=25,
        check=False,
    )
    return Ended(end.returncode, end.stdout, end.stderr)


def full(redis: "Redis") -> None:
    redis.config_set("maxmemory", 1)


def full_later(redis: "Redis") -> None:
    redis.set("nightshift:generation", "g1")
    full(redis)


def read_only(redis: "Redis") -> None:
    redis.replicaof("127.0.0.1", "1")


def without_scripts(redis: "Redis") -> None:
    redis.acl_setuser("default", enabled=True, categories=["+@all", "-@scripting"])


def without_its_keys(redis: "Redis") -> None:
    redis.acl_setuser("default", enabled=True, reset_keys=True, keys=["other:*"])


def another_ones_stream(redis: "Redis") -> None:
    redis.set("nightshift:notices", "x")


def another_ones_name(redis: "Redis") -> None:
    redis.hset("nightshift:generation", "a", "b")


@pytest.mark.parametrize(
    ("ruin", "words"),
    [
        (full, "it is full; raise its `maxmemory`"),
        (full_later, "it is full; raise its `maxmemory`"),
        (read_only, "it is a read-only replica; let REDIS_URL name the primary"),
        (without_scripts, "its user may not do that; allow it (`ACL SETUSER`)"),
        (without_its_keys, "its user may not do that; allow it (`ACL SETUSER`)"),
        (another_ones_stream, "a key there is not Nightshift's; rename it"),
        (another_ones_name, "a key there is not Nightshift's; rename it"),
    ],
)
def test_a_redis_that_refuses_the_start_is_one_sentence_with_what_to_do(
    ruin: Callable[["Redis"], None], words: str, server: RedisServer
) -> None:
    with Redis.from_url(server.url) as redis:
        ruin(redis)

    end = started(server.url)

    assert end.code == 1
    (sentence,) = end.errors.splitlines()
    assert sentence.startswith(f"nightshift notifier: Redis at {server.url} cannot be used: ")
    assert words in sentence


@pytest.fixture
def loading() -> Iterator[RedisServer]:
    """A server that loads its data for eight seconds, and refuses nearly everything meanwhile."""
    found = machine_redis()
    if found is None:
        pytest.skip("no redis-server: the embedded one answers nobody while it loads little data")
    found.start()
    with Redis.from_url(found.url) as redis:
        redis.config_set("appendonly", "no")
        redis.mset({f"key-{number}": "x" * 100 for number in range(4000)})
        redis.save()
    found.kill()
    slowly = ["--key-load-delay", "2000", "--loading-process-events-interval-bytes", "1024"]
    where = ["--bind", "127.0.0.1", "--port", str(found.port), "--dir", str(found.folder)]
    process = subprocess.Popen(
        [found.binary, *where, "--save", "", *slowly], stdout=subprocess.DEVNULL
    )
    yield found
    process.kill()
    process.wait()
    found.stop()


def test_a_redis_that_loads_its_data_is_waited_for_and_named_when_that_takes_too_long(
    loading: RedisServer,
) -> None:
    patient = subprocess.Popen(
        [sys.executable, "-m", "services.notifier"],
        env=variables(loading.url, NIGHTSHIFT_REDIS_WAIT_SECONDS="30"),
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        end = started(loading.url)

        assert end.code == 1
        (sentence,) = end.errors.splitlines()
        assert f"Redis at {loading.url} cannot be used: it is still loading its data" in sentence
        assert patient.stderr is not None
        assert any("notifier started as" in line for line in patient.stderr)
    finally:
        patient.kill()
        patient.communicate()


@pytest.mark.parametrize(
    "url",
    [
        "redis://127.0.0.1:9/0?password={hidden}&username={hidden}",
        "redis://{hidden}:{hidden}@127.0.0.1:9/1?db=0&password={hidden}",
    ],
)
def test_only_host_port_and_database_of_an_address_are_shown(url: str) -> None:
    end = started(url.format(hidden=HIDDEN))

    assert end.code == 1
    assert "Redis at redis://127.0.0.1:9/0 cannot be used: " in end.errors
    assert HIDDEN not in end.errors + end.output


@pytest.mark.parametrize(
    "tail",
    [
        "127.0.0.1:9/0?socket_timeout=x",
        "127.0.0.1:9/0?passwd=word9",
        "127.0.0.1:9/0?decode_responses=1",
        "127.0.0.1:9/0?db=word9",
        "127.0.0.1:9/word9",
        "127.0.0.1:9/0/1",
        "127.0.0.1:9/0#word9",
        ":wo/rd9@127.0.0.1:9",
        ":1?rd9@127.0.0.1:9",
        "127.0.0.1:99999",
        "127.0.0.1:9?ssl_cert_reqs=none",
        "[::1",
    ],
)
def test_an_address_that_means_something_else_than_it_says_is_refused(
    tail: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("REDIS_URL", f"redis://{tail}")
    with pytest.raises(NotConfigured) as refused:
        load(BusSettings)
    assert "REDIS_URL must look like redis://host:6379/0" in str(refused.value)
    assert "rd9" not in str(refused.value)


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("redis://h", "redis://h:6379/0"),
        ("redis://u:p%2F@h:1/2?db=3", "redis://h:1/3"),
        ("rediss://[::1]:1/?ssl_cert_reqs=none&ssl_ca_certs=/x", "rediss://[::1]:1/0"),
    ],
)
def test_an_address_is_shown_as_it_is_used(
    url: str, shown: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("REDIS_URL", url)
    assert load(BusSettings).address.shown == shown
