"""`/healthz`, `/readyz` and `/metrics` of a process."""

import asyncio
import contextlib
import logging
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field

from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from redis.exceptions import RedisError
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import BaseRoute, Route

from bus import metrics
from bus.broker import Consumer

log = logging.getLogger(__name__)
Check = Callable[[], Awaitable[str]]


@dataclass
class Health:
    """Whether a process can work: `problems` says what is wrong, empty when nothing is."""

    consumer: Consumer
    checks: dict[str, Check] = field(default_factory=dict)
    """Further checks of a service: each answers with a sentence, empty when all is well."""
    started: bool = False

    def dead_readers(self) -> list[str]:
        """Streams whose reading has stopped for good."""
        reads = self.started and not self.consumer.bus.store.trouble
        reading = self.consumer.reading if reads else {}
        return sorted({name for name, sub in reading.items() if not sub.running})

    async def problems(self) -> dict[str, str]:
        """What keeps the process from working, by name; answers within about three seconds."""
        if trouble := self.consumer.bus.store.trouble:
            return {"store": trouble}
        found = {"start": ""} if self.started else {"start": "still starting"}
        if dead := self.dead_readers():
            found["readers"] = f"reading stopped: {', '.join(dead)}"
        answers = await asyncio.gather(self._redis(), *map(_bounded, self.checks.values()))
        found |= dict(zip(["redis", *self.checks], answers, strict=True))
        for name, problem in found.items():
            metrics.UNREADY.set(int(bool(problem)), {"check": name})
        return {name: problem for name, problem in found.items() if problem}

    async def _redis(self) -> str:
        redis, keys = self.consumer.bus.redis, self.consumer.bus.keys
        try:
            async with asyncio.timeout(2):
                for stream, reader in self.consumer.readers:
                    groups = await redis.xinfo_groups(keys.stream(stream))
                    if reader.group not in [row["name"].decode() for row in groups]:
                        return f"group {reader.group} is missing on {stream.name}"
                await redis.ping()
        except (RedisError, OSError, TimeoutError) as error:
            return f"Redis does not answer: {error or type(error).__name__}"
        return ""

    async def measure(self) -> None:
        """Keep the queue gauges up to date, every five seconds, until cancelled."""
        while True:
            with contextlib.suppress(RedisError, OSError):
                await self._measure_once()
            await asyncio.sleep(5)

    async def _measure_once(self) -> None:
        bus = self.consumer.bus
        now = await bus.investigations.now()
        for stream, reader in self.consumer.readers:
            key = bus.keys.stream(stream)
            labels = {"stream": stream.name, "group": reader.group}
            for row in await bus.redis.xinfo_groups(key):
                if row["name"].decode() == reader.group:
                    metrics.LAG.set(int(row.get("lag") or 0), labels)
            pending = await bus.redis.xpending(key, reader.group)
            metrics.PENDING.set(pending["pending"], labels)
            age = now.timestamp() - int(at.split(b"-")[0]) / 1000 if (at := pending["min"]) else 0.0
            metrics.OLDEST_PENDING_SECONDS.set(max(0.0, age), labels)


def http_app(health: Health, routes: Sequence[BaseRoute]) -> Starlette:
    """The process's HTTP: liveness, readiness, metrics, and a service's own routes."""

    async def healthz(_: Request) -> Response:
        dead = health.dead_readers()
        return PlainTextResponse(f"dead: {', '.join(dead)}" if dead else "ok", 503 if dead else 200)

    async def readyz(_: Request) -> Response:
        problems = await health.problems()
        return JSONResponse({"ready": not problems, "problems": problems}, 503 if problems else 200)

    async def scrape(_: Request) -> Response:
        return Response(generate_latest(), media_type=CONTENT_TYPE_LATEST)

    own = [Route("/healthz", healthz), Route("/readyz", readyz), Route("/metrics", scrape)]
    app = Starlette(routes=[*own, *routes])
    app.router.redirect_slashes = False
    return app


async def _bounded(check: Check) -> str:
    try:
        async with asyncio.timeout(2):
            return await check()
    except TimeoutError:
        return "does not answer within 2 s"
