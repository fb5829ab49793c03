"""What a long reading tells whoever waits for it, and what it is told. Pure."""

from collections.abc import Awaitable, Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import TypeVar

T = TypeVar("T")
Step = Callable[[], None]
"""Called by a reading for each part that it has read: it ends there where nobody waits for it."""


def no_step() -> None:
    """Nobody is told."""


def stepping(parts: Iterable[T], step: Step) -> Iterator[T]:
    """The same parts, with a step before each."""
    for part in parts:
        step()
        yield part


async def stays() -> bool:
    """Nobody went away."""
    return False


@dataclass(frozen=True)
class Asking:
    """Who waits."""

    on_progress: Step = no_step
    """Called for each part that was handled: a long body gets its time anew with each."""
    is_gone: Callable[[], Awaitable[bool]] = stays
    """Whether the answer would reach nobody."""


NOBODY = Asking()
