"""Streams are trimmed by what their groups have acknowledged, never by length.

Each stream is trimmed by its owner alone, in one script. What a group has not read or not
acknowledged stays, however old it is: a group that is stuck is told, not solved by forgetting its
work. On a stream that is kept by age only what is pending stays longer (Redis 6.2 hands out a
pending entry that is gone for ever, as nothing). While a group is missing nothing is trimmed at
all: it begins at the first entry.
"""

import asyncio
import logging
from collections.abc import Iterator
from dataclasses import dataclass, field

from redis.exceptions import RedisError

from bus import metrics
from bus.connection import Script, as_text
from bus.port import Bus
from bus.streams import DEAD_LETTERS_KEPT_SECONDS, HOUR, STREAMS

log = logging.getLogger(__name__)
STUCK_DEADLINES = 2
"""A group whose oldest entry has waited for so many deadlines is stuck."""


@dataclass(frozen=True, kw_only=True)
class Trimming:
    """How one key is trimmed: by age, or else once its groups have acknowledged."""

    name: str
    key: str
    seconds: float
    by_age: bool
    groups: tuple[str, ...] = ()


@dataclass
class Janitor:
    """Trims the streams of its service, and the dead letters of each."""

    bus: Bus
    forget_consumers_seconds: float = HOUR
    """A replica that was away so long and holds nothing is forgotten; it may come back."""
    _told: set[str] = field(default_factory=set)
    _trim: Script = field(init=False)

    def __post_init__(self) -> None:
        self._trim = Script(self.bus.redis, "trim")

    async def keep(self) -> None:
        """Trim again and again, until cancelled."""
        while True:
            await self.trim()
            await asyncio.sleep(self.bus.settings.janitor_seconds)

    async def trim(self) -> int:
        """Trim every stream of this service once; how many entries were removed."""
        removed = 0
        for trimming in self._trimmings():
            try:
                removed += await self._one(trimming)
            except (RedisError, OSError) as error:
                log.warning("%s was not trimmed: %s", trimming.name, error)
        return removed

    def _trimmings(self) -> Iterator[Trimming]:
        keys, kept = self.bus.keys, self.bus.settings.keep_acknowledged_seconds
        for stream in STREAMS:
            if stream.owner != self.bus.service:
                continue
            yield Trimming(
                name=stream.name,
                key=keys.stream(stream),
                seconds=stream.kept_seconds or kept,
                by_age=bool(stream.kept_seconds),
                groups=tuple(reader.group for reader in stream.readers),
            )
            if stream.readers:
                yield Trimming(
                    name=f"{stream.name}.dead",
                    key=keys.dead(stream),
                    seconds=DEAD_LETTERS_KEPT_SECONDS,
                    by_age=True,
                )

    async def _one(self, trimming: Trimming) -> int:
        answer = await self._trim.run(
            [trimming.key],
            [
                str(trimming.seconds),
                "" if trimming.by_age else "1",
                str(self.forget_consumers_seconds),
                *trimming.groups,
            ],
        )
        if not isinstance(answer, list):
            raise TypeError(f"trim answered {answer!r}")
        removed, left, missing, *waiting = answer
        metrics.STREAM_LENGTH.set(int(left), {"stream": trimming.name})
        self._tell(f"{trimming.name} is not trimmed: a group is missing", bool(missing))
        for group, seconds in zip(map(as_text, waiting[::2]), waiting[1::2], strict=True):
            metrics.WAITING_SECONDS.set(seconds, {"stream": trimming.name, "group": group})
            stuck = seconds > STUCK_DEADLINES * self.bus.settings.deadline_seconds
            self._tell(f"group {group} is stuck on {trimming.name}, which grows", stuck)
        return int(removed)

    def _tell(self, sentence: str, is_so: bool) -> None:
        """Warn once, when it begins to be so."""
        if is_so and sentence not in self._told:
            log.warning(sentence)
        (self._told.add if is_so else self._told.discard)(sentence)
