"""A service as a process: settings, logs, start, signals, an exit code that tells the truth."""

import argparse
import asyncio
import contextlib
import logging
import signal
import sys
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from typing import TypeVar

from opentelemetry import trace
from redis.exceptions import RedisError
from starlette.routing import BaseRoute

from bus.broker import Bus, Consumer, Route
from bus.cleaning import clean
from bus.connection import unusable, wait_for_redis
from bus.errors import NotConfigured
from bus.health import Check, Health, http_app
from bus.janitor import Janitor
from bus.logs import set_up_logging
from bus.metrics import set_up_metrics
from bus.redaction.tags import use_key
from bus.serving import HttpServer, http_server
from bus.settings import BusSettings, load, variable_of

log = logging.getLogger(__name__)
S = TypeVar("S", bound=BusSettings)
Background = Callable[[], Awaitable[None]]


@dataclass
class Service:
    """One service, built and not yet started."""

    bus: Bus
    consumer: Consumer
    health: Health
    background: tuple[Background, ...] = ()
    http_routes: tuple[BaseRoute, ...] = ()
    server: HttpServer | None = None
    failed: "asyncio.Future[str]" = field(init=False)
    _tasks: list["asyncio.Task[None]"] = field(default_factory=list)
    _stopped: bool = False

    async def start(self) -> None:
        """Groups stand, entries are read, background work runs, HTTP answers."""
        self.failed = asyncio.get_running_loop().create_future()
        await self.bus.store.begin()
        settings = self.bus.settings
        app = http_app(self.health, self.http_routes)
        self.server = http_server(app, host=settings.http_host, port=settings.http_port)
        self._run("http", self._serve)
        await self.consumer.subscribe()
        await self.consumer.broker.start()
        self._run("leases", self.consumer.leases.keep)
        self._run("queue gauges", self.health.measure)
        self._run("reader watch", self._watch_readers)
        self._run("janitor", Janitor(self.bus).keep)
        for work in self.background:
            self._run(getattr(work, "__qualname__", "background"), work)
        self._run("store", self._watch_store)
        self.health.started = True

    async def stop(self) -> None:
        """Handlers got their time, what is left is handed over, everything is closed."""
        if self._stopped:
            return
        self._stopped, self.health.started = True, False
        await self.consumer.broker.stop()
        with contextlib.suppress(RedisError, OSError):
            await self.consumer.leases.hand_over(self.consumer.readers)
        if self.server is not None:
            self.server.should_exit = True
        for task in self._tasks[1:]:
            task.cancel()
        await asyncio.wait(self._tasks, timeout=3)
        await self.bus.close()

    @property
    def http_port(self) -> int:
        """The port that HTTP listens on, once started."""
        if self.server is None or not self.server.servers:
            return 0
        port: int = self.server.servers[0].sockets[0].getsockname()[1]
        return port

    async def _serve(self) -> None:
        if self.server is None:
            return
        try:
            await self.server.serve()
        except SystemExit:
            message = f"port {self.bus.settings.http_port} cannot be listened on"
            raise NotConfigured(f"{message}; set NIGHTSHIFT_HTTP_PORT") from None

    async def _watch_readers(self) -> None:
        dead: list[str] = []
        while not dead:
            await asyncio.sleep(0.5)
            dead = self.health.dead_readers()
        with contextlib.suppress(RedisError, OSError):
            await self.bus.store.look()
        if not self.bus.store.trouble:
            raise NotConfigured(
                f"reading {', '.join(dead)} stopped: the group is gone; start again"
            )

    async def _watch_store(self) -> None:
        """A changed store ends all work; the process stays, so that no restart hides the loss."""
        await self.bus.store.watch()
        for task in self._tasks[1:]:
            if task is not asyncio.current_task():
                task.cancel()
        await self.consumer.broker.stop()

    def _run(self, name: str, work: Background) -> None:
        async def watched() -> None:
            try:
                await work()
            except asyncio.CancelledError:
                raise
            except NotConfigured as error:
                self._fail(str(error))
            except Exception as error:
                log.exception("%s failed", name)
                self._fail(f"{name} failed: {type(error).__name__}: {error}")

        self._tasks.append(asyncio.create_task(watched(), name=name))

    def _fail(self, sentence: str) -> None:
        if not self.failed.done():
            self.failed.set_result(sentence)


def build_app(
    bus: Bus,
    routes: Sequence[Route],
    *,
    background: Sequence[Background] = (),
    http_routes: Sequence[BaseRoute] = (),
    checks: dict[str, Check] | None = None,
) -> Service:
    """A service from its routing table; nothing connects yet."""
    consumer = Consumer(bus, tuple(routes))
    return Service(
        bus=bus,
        consumer=consumer,
        health=Health(consumer, checks or {}),
        background=tuple(background),
        http_routes=tuple(http_routes),
    )


def run(name: str, kind: type[S], *, build: Callable[[S, Bus], Service]) -> None:
    """The whole of a service's `__main__`: exits 0 after a signal, else 1 with one sentence."""
    about = f"The {name} service of Nightshift."
    parser = argparse.ArgumentParser(prog=f"python -m services.{name}", description=about)
    parser.add_argument("--check", action="store_true", help="only validate and print the settings")
    only_check = parser.parse_args().check
    try:
        settings = load(kind)
        set_up_logging(name, settings.log_level)
        use_key(settings.redaction_key.get_secret_value())
        if only_check:
            build(settings, Bus.of(settings, name))  # reads the files that the settings name
            _show(settings)
            return
        asyncio.run(_run(name, settings, build=build))
    except NotConfigured as error:
        sys.exit(f"nightshift {name}: {error}")


async def _run(name: str, settings: S, *, build: Callable[[S, Bus], Service]) -> None:
    stopped = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stopped.set)
    set_up_metrics(name, settings.consumer)
    bus = Bus.of(settings, name)
    trace.set_tracer_provider(bus.tracing.provider)
    service = build(settings, bus)
    try:
        version = await wait_for_redis(bus.redis, settings)
        await service.start()
    except (RedisError, OSError) as error:
        raise unusable(settings, error) from None
    log.info("%s started as %s; Redis %s", name, settings.consumer, version)
    service.failed.add_done_callback(lambda _: stopped.set())
    await stopped.wait()
    log.info("%s stops", name)
    await service.stop()
    if service.failed.done():
        raise NotConfigured(service.failed.result())


def _show(settings: BusSettings) -> None:
    kind = type(settings)
    shown = {variable_of(kind, name): str(getattr(settings, name)) for name in kind.model_fields}
    sys.stdout.write("".join(f"{name}={clean(value)}\n" for name, value in shown.items()))
