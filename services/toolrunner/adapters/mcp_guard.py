"""Whether a server is asked now; when it is not, the model is told of a gap, in a sentence."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime

from bus import metrics
from bus.cleaning import clean
from bus.errors import ToolFailed
from services.toolrunner.breaker import Breaker
from services.toolrunner.briefly import briefly
from services.toolrunner.pace import Pace
from services.toolrunner.ports import ServerFailed
from services.toolrunner.settings import Settings


@dataclass(frozen=True)
class Limits:
    """How much one server is asked. 0 calls a second: no limit; 0 failures: it is always asked."""

    at_once: int
    max_bytes: int
    per_second: float = 0.0
    failures: int = 0
    pause: float = 0.0

    @classmethod
    def of(cls, settings: Settings) -> "Limits":
        """As the settings have them, for every server whose entry says nothing else."""
        return cls(
            at_once=settings.calls_per_server,
            per_second=settings.calls_per_second,
            max_bytes=settings.tool_result_bytes,
            failures=settings.server_failures,
            pause=settings.server_pause_seconds,
        )


class NotAsked(ToolFailed):
    """The call was not made, which tells nothing about the server."""


@dataclass
class Guard:
    """Pace and breaker of one server, and since when it has been away."""

    server: str
    pace: Pace = field(default_factory=lambda: Pace(0.0))
    breaker: Breaker = field(default_factory=lambda: Breaker(0, 0.0))
    _since: datetime | None = field(default_factory=lambda: datetime.now(UTC))
    _was_gone: bool = False

    @classmethod
    def of(cls, server: str, limits: Limits) -> "Guard":
        """The guard for those limits."""
        return cls(server, Pace(limits.per_second), Breaker(limits.failures, limits.pause))

    @asynccontextmanager
    async def admitted(self, tool: str, *, seconds: float) -> AsyncIterator[None]:
        """The block is one call, at its turn. Raises NotAsked at once for one that is not made."""
        if not self.breaker.admits(_now()):
            raise self._left_alone(tool)
        answered = failed = False
        try:
            await self._turn(tool, seconds=seconds)
            try:
                yield
                answered = True
            except ToolFailed as error:
                failed = isinstance(error, ServerFailed)
                answered = not failed and not isinstance(error, NotAsked)
                if failed:
                    self.breaker.failed(_now(), reason=self._short(error))
                raise
        finally:
            if answered:
                self.breaker.succeeded()
            elif not failed:
                self.breaker.given_up()
            metrics.SERVERS_LEFT_ALONE.set(int(self.breaker.is_open), {"server": self.server})

    def away(self, tool: str, problem: str) -> ServerFailed:
        """What is told of a call to a server that is not there."""
        since = f"since {self._since:%H:%M:%S} UTC: " if self._since else ""
        return ServerFailed(f"{self.server}: not reachable ({since}{problem}); {_gap(tool)}")

    def not_asked(self, tool: str, why: str) -> NotAsked:
        """What is told of a call that was not made."""
        return NotAsked(f"{self.server}: not asked ({why}); {_gap(tool)}")

    def is_away(self) -> None:
        """From now on, unless it was so already."""
        self._since = self._since or datetime.now(UTC)
        metrics.SERVERS_AWAY.set(1, {"server": self.server})

    def is_gone(self) -> None:
        """It cannot even be connected to."""
        self._was_gone = True

    def is_there(self) -> None:
        """It is connected; if it was gone before, a call may try at once.

        One that only loses its calls connects again each time, and gets no such trial for that.
        """
        self._since = None
        if self._was_gone:
            self.breaker.came_back()
        self._was_gone = False
        metrics.SERVERS_AWAY.set(0, {"server": self.server})

    async def _turn(self, tool: str, *, seconds: float) -> None:
        wait = self.pace.turn(_now(), within=seconds)
        if wait is None:
            pace = f"{self.pace.per_second:g} calls a second"
            raise self.not_asked(tool, f"too many calls wait for their turn at {pace}")
        metrics.PACE_WAIT_SECONDS.record(wait, {"server": self.server})
        if wait:
            await asyncio.sleep(wait)

    def _left_alone(self, tool: str) -> NotAsked:
        times, wait = self.breaker.failures, self.breaker.waits(_now())
        why = f"it failed {times} times in a row, last: {self.breaker.reason}"
        return self.not_asked(tool, f"{why}; it is asked again in {wait:.0f} s")

    def _short(self, error: ToolFailed) -> str:
        said = clean(briefly(str(error).removeprefix(f"{self.server}: ")))
        return said.split(";")[0][:200]


def _gap(tool: str) -> str:
    return f"what {tool} shows is a gap in this diagnosis; nothing was read"


def _now() -> float:
    return asyncio.get_running_loop().time()
