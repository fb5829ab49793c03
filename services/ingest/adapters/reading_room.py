"""Where strangers' words are read: whatever that raises is a reason, and takes nothing else along.

What is long is read in a thread, a few at once. Whoever is waited for no longer is read no further.
"""

import asyncio
import threading
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any, TypeVar

from pydantic import ValidationError

from bus.errors import NightshiftError, Rejected, Unavailable
from services.ingest.progress import NOBODY, Asking, Step, no_step

T = TypeVar("T")
AT_ONCE = 2
LONG = 16 * 1024
"""Characters; what is shorter is read at once."""
LOOK_SECONDS = 0.1


class _GivenUp(Exception):
    """Nobody waits for this reading any more."""


@dataclass
class ReadingRoom:
    """At most so many long readings at once; every other one waits, however many come."""

    at_once: int = AT_ONCE
    look_seconds: float = LOOK_SECONDS
    """How often is looked whether what is read in a thread moves, and whether anybody waits."""
    _steps: int = field(default=0, init=False)
    _desks: asyncio.Semaphore = field(init=False)
    _readings: set[asyncio.Task[Any]] = field(default_factory=set, init=False)

    def __post_init__(self) -> None:
        self._desks = asyncio.Semaphore(self.at_once)

    async def read(self, work: Callable[[Step], T], *, size: int = 0, asking: Asking = NOBODY) -> T:
        """What the work returns, which calls its step for each part that it has read.

        Raises Rejected and ValidationError, Rejected also for what nobody foresaw, and Unavailable
        where whoever asked went away.
        """
        if size < LONG:
            return _read(work, no_step)
        given_up = threading.Event()
        reading = asyncio.create_task(self._in_its_turn(work, given_up))
        self._readings.add(reading)
        reading.add_done_callback(self._ended)
        try:
            return await self._moving(reading, asking)
        finally:
            given_up.set()

    async def foreseen(self, work: Awaitable[T]) -> T:
        """What came of it; raises Rejected for whatever no part of Nightshift raises on purpose."""
        try:
            return await work
        except (NightshiftError, ValidationError):
            raise
        except Exception as error:
            raise _unforeseen(error) from error

    async def _in_its_turn(self, work: Callable[[Step], T], given_up: threading.Event) -> T:
        def step() -> None:
            self._steps += 1
            if given_up.is_set():
                raise _GivenUp

        async with self._desks:
            # A desk is free only once its thread has ended, not when nobody waits for it.
            return await asyncio.to_thread(_read, work, step)

    async def _moving(self, reading: asyncio.Task[T], asking: Asking) -> T:
        """As long as anything moves in this room, what waits here has its time anew."""
        seen = self._steps
        while not (await asyncio.wait([reading], timeout=self.look_seconds))[0]:
            if self._steps != seen:
                seen = self._steps
                asking.on_progress()
            if await asking.is_gone():
                raise Unavailable("the sender went away")
        return reading.result()

    def _ended(self, reading: asyncio.Task[Any]) -> None:
        self._readings.discard(reading)
        if not reading.cancelled():
            reading.exception()  # whoever still waits is told; else it was given up


def _read(work: Callable[[Step], T], step: Step) -> T:
    try:
        step()
        return work(step)
    except (Rejected, ValidationError, _GivenUp):
        raise
    except Exception as error:
        raise _unforeseen(error) from error


def _unforeseen(error: Exception) -> Rejected:
    return Rejected(f"it cannot be read: {type(error).__name__}: {str(error)[:500]}")
