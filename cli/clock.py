"""Lines with the seconds since the command began."""

import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from types import FrameType

import typer

from cli.columns import wrapped

LATEST = datetime(9999, 12, 31, tzinfo=UTC)


class Clock:
    """Begins when it is made."""

    def __init__(self) -> None:
        self._began = time.monotonic()

    def say(self, text: str) -> None:
        """Print the text behind the seconds that have passed."""
        before = f"{time.monotonic() - self._began:6.1f} s  "
        typer.echo(wrapped(text, hang=len(before), before=before))


def time_of(entry_id: str) -> datetime:
    """When an entry was written by its id, which anybody may have chosen: the last year at most."""
    seconds = int(entry_id.partition("-")[0]) / 1000
    return datetime.fromtimestamp(min(seconds, LATEST.timestamp()), UTC)


class _Interrupts:
    held = 0
    waiting = False


def interrupt_on_signals() -> None:
    """SIGTERM, SIGINT and SIGHUP end the command by KeyboardInterrupt, in a background job too."""

    def stop(_number: int, _frame: FrameType | None) -> None:
        if _Interrupts.held:
            _Interrupts.waiting = True
            return
        raise KeyboardInterrupt

    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, stop)


@contextmanager
def interrupts_wait() -> Iterator[None]:
    """What is inside is done whole; a signal that came meanwhile interrupts afterwards."""
    _Interrupts.held += 1
    try:
        yield
    finally:
        _Interrupts.held -= 1
    if _Interrupts.waiting and not _Interrupts.held:
        _Interrupts.waiting = False
        raise KeyboardInterrupt
