"""How fast the model is asked, by all replicas together: limits, pauses, breaker, all in Redis.

One hash for each model, by Redis time. A call asks for leave before each try; what it hears is
told here again, so that all replicas know it.
"""

import math
from dataclasses import dataclass, field
from importlib.resources import files
from typing import Any

from redis.asyncio import Redis

from bus.connection import as_text
from bus.streams import Keys
from services.reasoner.settings import Settings

KEPT_SECONDS = 90_000
_SCRIPTS = files("services.reasoner.adapters") / "scripts"


@dataclass(frozen=True)
class Leave:
    """Whether a call may go, and when. Unless it may, its place is not kept."""

    word: str
    """`go`: after the wait. `limit`, `paused`, `open`: not now; ask again after the wait."""
    wait_seconds: float


@dataclass
class Pace:
    """Asks and tells Redis; `limits` of 0 are off."""

    redis: Redis
    keys: Keys
    settings: Settings
    _troubled: set[str] = field(default_factory=set)
    """Models of which failures are on record, as far as this replica knows."""

    def __post_init__(self) -> None:
        self._enter: Any = self._script("enter")
        self._tell: Any = self._script("tell")

    async def enter(self, model: str, *, tokens: int, patience: float) -> Leave:
        """Leave for one call of so many tokens; it is taken when the word is `go`.

        `patience` is the longest wait that a place is taken for.
        """
        settings = self.settings
        args = [
            settings.model_requests_per_minute,
            settings.model_tokens_per_minute,
            tokens,
            _ms(patience),
            settings.model_failures,
            _ms(settings.model_pause_seconds),
            KEPT_SECONDS,
        ]
        word, wait, troubled = await self._enter(keys=[self._key(model)], args=args)
        if int(troubled):
            self._troubled.add(model)
        return Leave(as_text(word), int(wait) / 1000)

    async def worked(self, model: str, *, over: int = 0) -> None:
        """The model answers; `over` tokens were asked leave for and not used."""
        if not over and model not in self._troubled:
            return
        self._troubled.discard(model)
        await self._told(model, "worked", more=over)

    async def failed(self, model: str, *, by: str) -> None:
        """One more failure in a row, of that investigation's call."""
        self._troubled.add(model)
        await self._told(model, "failed", more=by)

    async def pause(self, model: str, seconds: float) -> None:
        """Nobody asks the model for so long; no longer than an investigation can wait."""
        await self._told(model, "paused", more=_ms(min(seconds, self.settings.deadline_seconds)))

    async def _told(self, model: str, what: str, *, more: str | int) -> None:
        settings = self.settings
        pause = _ms(settings.model_pause_seconds)
        args = [what, more, settings.model_failures, pause, KEPT_SECONDS]
        await self._tell(keys=[self._key(model)], args=args)

    def _key(self, model: str) -> str:
        return f"{self.keys.prefix}pace:{self.settings.provider}:{model}"

    def _script(self, name: str) -> Any:
        text = _SCRIPTS.joinpath(f"{name}.lua").read_text(encoding="utf-8")
        return self.redis.register_script(text)


def _ms(seconds: float) -> int:
    return math.ceil(seconds * 1000)
