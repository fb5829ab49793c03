"""A fleet: several replicas of each service over a Redis and an outside world of its own.

Every part is a process, started and ended by its id: Redis with an append-only file, the
simulator, the built-in MCP servers (as in a cluster, so that killing a toolrunner does not end
them), and the replicas. All but Redis are forked from zygotes (`tests.chaos.zygote`), replicas and
servers unless the plan wants them as a pod starts them.
"""

import itertools
import json
import secrets
import shutil
import socket
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

from redis.backoff import ConstantBackoff
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.retry import Retry

from cli.reaching import client
from cli.stack import SERVICES, Plan, Stack, StackFailed, clean_environment, service_environment
from simulator.redis_sentinels import WatchedRedis
from simulator.redis_server import RedisServer, any_redis, free_port
from tests.chaos.nursery import Forked, zygote_of
from tests.chaos.plain import Plain, start_plain
from tests.chaos.proxy.proxy import Proxy
from tests.chaos.replica import Replica
from tests.loop.desk import UNLIMITED, Desk

REPLICAS = {"ingest": 1, "reasoner": 2, "toolrunner": 2, "notifier": 2}
SERVERS = "services.toolrunner.servers"
CHANNELS = {
    "redis": ("REDIS_URL", *SERVICES),
    "model": ("ANTHROPIC_BASE_URL", "reasoner"),
    "slack": ("SLACK_API_URL", "notifier"),
    "mcp": ("NIGHTSHIFT_SERVERS_PORT", "toolrunner"),
    "sqs": ("AWS_ENDPOINT_URL", "ingest"),
}
"""Channels that can be proxied: the variable that says where it leads, and who uses it."""


@dataclass(frozen=True, kw_only=True)
class FleetPlan:
    """What is to run. `settings` are environment variables for every service."""

    scenario: str = "cart-loafers"
    replicas: Mapping[str, int] = field(default_factory=dict)
    """Replicas by service, where it is not one ingest and two of each other service."""
    model_seconds: float = 0.05
    modules: Mapping[str, str] = field(default_factory=dict)
    """What is run in place of a service, by service, for faults that come from within."""
    settings: Mapping[str, str] = field(default_factory=dict)
    own: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    """Environment variables of one service alone, by service."""
    proxied: frozenset[str] = frozenset()
    """Channels that lead through the proxy: any of `CHANNELS`."""
    forked: bool = True
    """Whether replicas are forked; else each begins with a new interpreter, as in a pod."""

    def module(self, service: str) -> str:
        """What is run for that service."""
        return self.modules.get(service, f"services.{service}")

    def count(self, service: str) -> int:
        """How many replicas of that service there are at the start."""
        return self.replicas.get(service, REPLICAS[service])


@dataclass
class FleetStack(Stack):
    """The stack as `Desk` sees it. Redis may be away: a test kills it on purpose."""

    processes: list[Forked | Plain] = field(default_factory=list)
    replicas: list[Replica] = field(default_factory=list)

    def check(self) -> None:
        """Raises StackFailed when a process has ended that nobody ended."""
        for part in self.processes:
            if part.code is not None:
                raise StackFailed(f"{part.name} ended with {part.code}: {part.last_words()}")
        for replica in self.replicas:
            if not replica.alive and not replica.expected_to_end:
                code, words = replica.process.code, replica.process.last_words()
                raise StackFailed(f"{replica.name} ended by itself with {code}: {words}")


@dataclass
class Fleet:
    """The running whole. Use `running_fleet`, which always takes it down."""

    plan: FleetPlan
    stack: FleetStack
    redis: RedisServer
    desk: Desk
    keep_logs: bool = False
    """Set by whoever found something wrong: the logs stay where `folder` is."""
    proxy: Proxy = field(default_factory=Proxy)
    servers: Mapping[str, str] = field(default_factory=dict)
    _numbers: Iterator[int] = field(default_factory=lambda: itertools.count(1))

    @property
    def folder(self) -> Path:
        """Where the logs and Redis's files are."""
        return self.stack.folder

    @property
    def lease_seconds(self) -> float:
        """The lease that the plan sets, or the default."""
        return float(self.plan.settings.get("NIGHTSHIFT_LEASE_SECONDS", 30))

    @property
    def replicas(self) -> list[Replica]:
        """Those that have not ended, oldest first."""
        return [replica for replica in self.stack.replicas if replica.alive]

    def of(self, service: str) -> list[Replica]:
        """The replicas of a service that have not ended."""
        return [replica for replica in self.replicas if replica.service == service]

    def start(
        self, service: str, settings: Mapping[str, str] | None = None, *, module: str = ""
    ) -> Replica:
        """One more replica, under a name that no other had; it may not be ready yet.

        It is forked, unless something is to be preloaded. `module` is run in place of the service,
        for a test that must fail.
        """
        name = f"{service}-{next(self._numbers)}"
        port = free_port()
        env = service_environment(self.stack, service, replica=name)
        env = UNLIMITED | env | {"NIGHTSHIFT_HTTP_PORT": str(port)}
        env |= self.plan.own.get(service, {})
        if service == "toolrunner":
            env |= self.servers
        env |= settings or {}
        env |= self._proxied(name, service, env)
        started = self._start(name, module or self.plan.module(service), env)
        replica = Replica(name, service, started, port)
        self.stack.replicas.append(replica)
        return replica

    def start_servers(self) -> tuple[Forked | Plain, dict[str, str]]:
        """More MCP servers, which listen: the process, and what a toolrunner has to be given."""
        port = free_port()
        given = {
            "NIGHTSHIFT_SERVERS_PORT": str(port),
            "NIGHTSHIFT_SERVERS_TOKEN": secrets.token_hex(16),
        }
        env = service_environment(self.stack, "toolrunner", replica="servers") | given
        process = self._start(f"servers-{port}", SERVERS, env)
        self.stack.processes.append(process)
        self.stack.wait("the MCP servers' start", lambda: _listens(port), seconds=60)
        return process, given

    def replace(self, replica: Replica) -> Replica:
        """Another one in its place; it was killed, unless it had ended."""
        replica.kill()
        self.proxy.shut(replica.name)
        return self.start(replica.service)

    def wait_ready(self, *replicas: Replica, seconds: float = 60) -> None:
        """Those replicas (all, without one) are ready."""
        for replica in replicas or self.replicas:
            self.stack.wait(f"{replica.name} becoming ready", replica.ready, seconds=seconds)

    def _proxied(self, name: str, service: str, env: Mapping[str, str]) -> dict[str, str]:
        """The variables that lead this replica through addresses of its own."""
        variables = {
            channel: CHANNELS[channel][0]
            for channel in self.plan.proxied
            if service in CHANNELS[channel][1:]
        }
        targets = {channel: _target(env[variable]) for channel, variable in variables.items()}
        ports = self.proxy.open(name, service, targets)
        return {
            variable: env[variable].replace(str(targets[channel][1]), str(ports[channel]))
            for channel, variable in variables.items()
        }

    def _start(self, name: str, module: str, env: Mapping[str, str]) -> Forked | Plain:
        """A process of a service; what is preloaded must be there before Python starts."""
        if self.plan.forked and "LD_PRELOAD" not in env:
            return self._fork(name, module, env)
        return start_plain(name, module, env, log=self.folder / f"{name}.log")

    def _fork(self, name: str, module: str, env: Mapping[str, str], *args: str) -> Forked:
        zygote = zygote_of(module)
        key = f"{self.folder.name}/{name}"
        return zygote.fork(key, env, log=self.folder / f"{name}.log", args=args)

    def _start_all(self) -> None:
        forked = (SERVERS, *(self.plan.module(name) for name in SERVICES))
        for module in ("simulator", *(forked if self.plan.forked else ())):
            zygote_of(module)  # all of them import at the same time
        self._start_simulator()
        _, self.servers = self.start_servers()
        for service in SERVICES:
            for _ in range(self.plan.count(service)):
                self.start(service)
        self.wait_ready()

    def _start_simulator(self) -> None:
        args = ["--scenario", self.plan.scenario, "--state", str(self.folder)]
        args += ["--model-seconds", str(self.plan.model_seconds)]
        env = clean_environment()
        self.stack.processes.append(self._fork("simulator", "simulator", env, *args))
        state = self.folder / "simulator.json"
        self.stack.wait("the simulator's start", state.exists, seconds=60)
        self.stack.world = json.loads(state.read_text(encoding="utf-8"))

    def _end(self) -> None:
        """No process is left, frozen ones included."""
        for replica in self.replicas:
            replica.kill()
        for part in self.stack.processes:
            Replica(part.name, "", part, 0).kill()
        self.proxy.close()
        self.redis.stop()


@contextmanager
def running_fleet(plan: FleetPlan, watched: WatchedRedis | None = None) -> Iterator[Fleet]:
    """Everything runs and is ready inside the block; nothing is left after it.

    Over a Redis of its own, or a `watched` one that was started, which is stopped, too. Raises
    StackFailed or NoRedis with one sentence; then the logs are kept.
    """
    folder = Path(tempfile.mkdtemp(prefix="nightshift-fleet-"))
    redis = watched or any_redis(folder / "redis")
    inner = Plan(scenario=plan.scenario, settings=plan.settings, model_seconds=plan.model_seconds)
    stack = FleetStack(inner, folder, redis.url, redis.kind, redis=redis)
    # The desk outlives a Redis that is killed and started again.
    patient = Retry(ConstantBackoff(0.1), 300, supported_errors=(RedisConnectionError,))
    with client(redis.url, seconds=None, retry=patient) as connection:
        fleet = Fleet(plan, stack, redis, Desk(stack, connection))
        try:
            stack.name_redis()
            fleet._start_all()
            yield fleet
        except StackFailed as error:
            fleet.keep_logs = True
            raise StackFailed(f"{error}; logs: {folder}") from None
        finally:
            fleet._end()
            if not fleet.keep_logs:
                shutil.rmtree(folder, ignore_errors=True)


def _target(address: str) -> tuple[str, int]:
    """Where an address, or a loopback port, leads."""
    if address.isdecimal():
        return ("127.0.0.1", int(address))
    parts = urlsplit(address)
    return (parts.hostname or "127.0.0.1", parts.port or 80)


def _listens(port: int) -> bool:
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=1):
            return True
    except OSError:
        return False
