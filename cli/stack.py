"""Everything on one machine, each part a process of its own: Redis, the simulator, the services."""

import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any
from urllib.error import URLError
from urllib.request import Request, urlopen

from bus.errors import NotConfigured
from bus.settings import BusSettings
from bus.streams import Keys
from cli import where
from cli.clock import interrupts_wait
from cli.init import name_store
from cli.reaching import client
from simulator.redis_server import RedisServer, any_redis, free_port

ROOT = Path(__file__).parent.parent
OUTSIDE = ("AWS_", "SLACK_", "GITHUB_", "KUBECONFIG", "ANTHROPIC_", "OTEL_", "PYTEST_")
"""Variables of this shell that point at a real outside world; the simulator's take their place."""
MODEL_API = ("ANTHROPIC_API_KEY", "ANTHROPIC_AUTH_TOKEN", "ANTHROPIC_BASE_URL")
SERVICES = ("ingest", "reasoner", "toolrunner", "notifier")
Say = Callable[[str], None]
_NUMBERS = ("no", "one", "two", "three", "four", "five")
JsonObject = dict[str, Any]


class StackFailed(Exception):
    """A part did not start or ended by itself; the text says which and its last words."""


@dataclass(frozen=True, kw_only=True)
class Plan:
    """What is to run. `settings` are environment variables for every service."""

    scenario: str
    reasoners: int = 1
    model_seconds: float = 0.4
    redis_port: int = 0
    own_redis: bool = False
    """A Redis of its own even where REDIS_URL is given."""
    world: tuple[str, ...] = ()
    """Module and arguments of an outside world that is other than just that of `scenario`."""
    services: tuple[str, ...] = SERVICES
    real_model: bool = field(default_factory=lambda: bool(os.environ.get("ANTHROPIC_API_KEY")))
    """The reasoner asks the model that this shell's variables name, and nothing is scripted."""
    settings: Mapping[str, str] = field(default_factory=dict)
    slack: bool = False
    """People of the simulated workspace can ask, stop and judge."""


@dataclass
class Part:
    """One started process with its log."""

    name: str
    process: "subprocess.Popen[bytes]"
    log: Path
    ready_url: str = ""

    def how_it_ended(self) -> str:
        """Which part, and by which code for which reason, or by which signal."""
        code = self.process.returncode
        if code < 0:
            # Its last line would be no cause: whoever is killed says nothing of it.
            which = f"signal {-code} ({signal.strsignal(-code)})"
            return f"{self.name} was ended by {which}; its log is {self.log.name}"
        return f"{self.name} ended with {code}: {self.last_words()}"

    def last_words(self) -> str:
        """The end of the part's log, for an error message."""
        lines = self.log.read_text(encoding="utf-8", errors="replace").strip().splitlines()
        return lines[-1][:400] if lines else "it wrote nothing"


@dataclass
class Stack:
    """The running whole. Use `running_stack`, which always takes it down."""

    plan: Plan
    folder: Path
    redis_url: str
    redis_kind: str
    world: dict[str, Any] = field(default_factory=dict)
    parts: list[Part] = field(default_factory=list)
    redis: RedisServer | None = None

    @property
    def control(self) -> str:
        """Address of the simulator's control API."""
        return str(self.world["addresses"]["control"])

    @property
    def redis_shown(self) -> str:
        """Where its Redis is, for people: never its password."""
        return self.redis_url if self.redis is not None else where.shown_url()

    def start(self, name: str, module: str, *args: str, env: Mapping[str, str]) -> Part:
        """Start `python -m module` with that environment; it may not be ready yet."""
        log = self.folder / f"{name}.log"
        with log.open("ab") as output, interrupts_wait():
            process = subprocess.Popen(
                [sys.executable, "-m", module, *args],
                cwd=ROOT,
                env=dict(env),
                stdout=output,
                stderr=output,
                start_new_session=True,
            )
            part = Part(name, process, log, _ready_url(module, env))
            self.parts.append(part)
        return part

    def name_redis(self) -> None:
        """An own Redis is known to be new: nobody needs to be told."""
        if self.redis is not None:
            prefix = BusSettings.model_fields["stream_prefix"].default
            given = clean_environment() | dict(self.plan.settings)
            keys = Keys(given.get("NIGHTSHIFT_STREAM_PREFIX") or prefix)
            with client(self.redis_url) as redis:
                name_store(redis, keys)

    def check(self) -> None:
        """Raises StackFailed when a part has ended by itself."""
        for part in self.parts:
            if part.process.poll() is not None:
                raise StackFailed(part.how_it_ended())
        if self.redis is not None and not self.redis.runs:
            raise StackFailed("Redis ended by itself")

    def wait(self, what: str, condition: Callable[[], bool], *, seconds: float = 30) -> None:
        """The condition holds afterwards. Raises StackFailed when a part ends or time runs out."""
        give_up_at = time.monotonic() + seconds
        while not condition():
            self.check()
            if time.monotonic() > give_up_at:
                raise StackFailed(f"{what} did not happen within {seconds:.0f} s")
            time.sleep(0.05)

    def stop(self, seconds: float = 12) -> None:
        """Every process has ended, by SIGTERM, or by SIGKILL after that time; the world as last."""
        give_up_at = time.monotonic() + seconds
        for parts in (self.parts[1:], self.parts[:1]):
            for part in parts:
                if part.process.poll() is None:
                    part.process.send_signal(signal.SIGTERM)
            for part in parts:
                try:
                    part.process.wait(max(0.1, give_up_at - time.monotonic()))
                except subprocess.TimeoutExpired:
                    part.process.kill()
                    part.process.wait()
        if self.redis is not None:
            self.redis.stop()


def _ready_url(module: str, env: Mapping[str, str]) -> str:
    """Where a part says that it is ready; empty where it does not."""
    if module == "services.toolrunner.servers":
        return f"http://127.0.0.1:{env['NIGHTSHIFT_SERVERS_PORT']}/healthz"
    port = env.get("NIGHTSHIFT_HTTP_PORT", "")
    return f"http://127.0.0.1:{port}/readyz" if port else ""


def clean_environment() -> dict[str, str]:
    """This shell's variables without those that point at a real outside world."""
    return {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(OUTSIDE) and name not in ("REDIS_URL", "NIGHTSHIFT_HTTP_PORT")
    } | {"PYTHONUNBUFFERED": "1", "PYTHONPATH": str(ROOT)}


def service_environment(stack: Stack, service: str, *, replica: str) -> dict[str, str]:
    """What one service gets: its own border's variables, and nobody else's."""
    shared = stack.world["environment"]
    env = clean_environment() | shared.get("all", {}) | shared.get(service, {})
    if service == "ingest" and stack.plan.slack:
        env |= stack.world["slack"]
    if stack.redis is not None:
        env.pop("NIGHTSHIFT_GENERATION", None)  # it names another Redis
    if service == "reasoner" and stack.plan.real_model:
        given = {name: os.environ[name] for name in MODEL_API if os.environ.get(name)}
        # A server of one's own may want no key; the reasoner will not start without one.
        env |= {} if given.keys() & set(MODEL_API[:2]) else {MODEL_API[0]: "none"}
        env |= given
    return {
        **env,
        **stack.plan.settings,
        "REDIS_URL": stack.redis_url,
        "NIGHTSHIFT_REPLICA": replica,
        "NIGHTSHIFT_HTTP_HOST": "127.0.0.1",
        "NIGHTSHIFT_HTTP_PORT": str(free_port()),
    }


@contextmanager
def running_stack(plan: Plan, say: Say) -> Iterator[Stack]:
    """Redis, simulator and services run and are ready inside the block; nothing is left after it.

    Raises StackFailed or NoRedis with one sentence.
    """
    folder = Path(tempfile.mkdtemp(prefix="nightshift-"))
    given = None if plan.own_redis else _given_redis()
    redis = None if given else any_redis(folder / "redis", port=plan.redis_port)
    url, kind = (given, "given by REDIS_URL") if given or redis is None else (redis.url, redis.kind)
    stack = Stack(plan, folder, str(url), kind, redis=redis)
    keep_logs = False
    try:
        say(f"Redis: {kind}")
        stack.name_redis()
        _start_simulator(stack)
        say(f"the outside world: simulated; starting {_counted(plan.services)}")
        _start_services(stack)
        _wait_until_ready(stack, say)
        yield stack
    except StackFailed as error:
        keep_logs = True
        raise StackFailed(f"{error}; logs: {folder}") from None
    finally:
        with interrupts_wait():
            stack.stop()
            if not keep_logs:
                shutil.rmtree(folder, ignore_errors=True)


def _counted(services: tuple[str, ...]) -> str:
    count = len(services)
    return f"{_NUMBERS[count]} service{'' if count == 1 else 's'}"


def _given_redis() -> str | None:
    try:
        return (
            where.settings().redis_url.get_secret_value() if os.environ.get("REDIS_URL") else None
        )
    except NotConfigured as error:
        raise StackFailed(str(error)) from None


def call(url: str, body: object = None) -> JsonObject:
    """The JSON answer of the simulator's control API; a POST when there is a body."""
    content = None if body is None else json.dumps(body).encode()
    request = Request(url, content, {"Content-Type": "application/json"})
    with urlopen(request, timeout=30) as answer:
        found: JsonObject = json.loads(answer.read() or b"{}")
        return found


def _start_simulator(stack: Stack) -> None:
    scenario = stack.plan.scenario
    if scenario.endswith(".yaml"):
        scenario = str(Path(scenario).resolve())  # the simulator starts in another folder
    module, *args = stack.plan.world or ("simulator", "--scenario", scenario)
    args += ["--state", str(stack.folder), "--model-seconds", str(stack.plan.model_seconds)]
    if stack.plan.real_model:
        args.append("--real-model")
    part = stack.start("simulator", module, *args, env=clean_environment())
    state = stack.folder / "simulator.json"
    stack.wait("the simulator's start", state.exists)
    stack.world = json.loads(state.read_text(encoding="utf-8"))
    part.ready_url = ""


def _start_services(stack: Stack) -> None:
    for service in stack.plan.services:
        count = stack.plan.reasoners if service == "reasoner" else 1
        for number in range(1, count + 1):
            replica = f"{service}-{number}"
            env = service_environment(stack, service, replica=replica)
            stack.start(replica, f"services.{service}", env=env)


def _wait_until_ready(stack: Stack, say: Say) -> None:
    for part in stack.parts:
        if part.ready_url:
            stack.wait(f"{part.name} becoming ready", partial(is_ready, part.ready_url), seconds=90)
            say(f"{part.name} is ready (process {part.process.pid})")


def is_ready(url: str) -> bool:
    """Whether a part answers 200 there now."""
    try:
        with urlopen(url, timeout=3) as answer:
            return int(answer.status) == 200
    except (URLError, OSError):
        return False
