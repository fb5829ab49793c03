"""What a command does when nobody takes what it writes."""

import contextlib
import errno
import functools
import os
import signal
import sys
from collections.abc import Callable
from typing import ParamSpec, TypeVar

import typer

READER_LEFT = 128 + signal.SIGPIPE
"""What Unix tools exit with when whoever reads them has gone, as `| head` does."""
NOT_WRITTEN = 1
_OF_WRITING = (errno.EPIPE, errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO)

P = ParamSpec("P")
T = TypeVar("T")


def is_of_writing(error: OSError) -> bool:
    """Whether it says that stdout takes no more; an error about a named file does not."""
    return error.filename is None and error.errno in _OF_WRITING


def guard(app: typer.Typer) -> None:
    """Every command of the app, and of those below it, ends as `written` says."""
    for command in app.registered_commands:
        if command.callback is not None:
            command.callback = written(command.callback)
    for group in app.registered_groups:
        if group.typer_instance is not None:
            guard(group.typer_instance)


def written(run: Callable[P, T]) -> Callable[P, T]:
    """`run`, which ends in silence when its reader has gone, else with one sentence."""

    @functools.wraps(run)
    def ran(*args: P.args, **kwargs: P.kwargs) -> T:
        try:
            done = run(*args, **kwargs)
            print(end="", flush=True)  # does nothing where there is no stdout at all
            return done
        except OSError as error:
            if not is_of_writing(error):
                raise
            raise typer.Exit(_ended(error)) from None

    return ran


def _ended(error: OSError) -> int:
    # What still waits to be written would fail once more when Python ends.
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    if error.errno == errno.EPIPE:
        return READER_LEFT
    with contextlib.suppress(OSError):
        typer.echo(f"nightshift: the output could not be written: {error.strerror}", err=True)
    return NOT_WRITTEN
