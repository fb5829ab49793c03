"""What stripping and redaction cost: `python -m benchmarks redaction`."""

import statistics
import time
import uuid
from collections.abc import Iterator

from benchmarks.table import Table
from bus.cleaning import clean_counted

COMMAND = "python -m benchmarks redaction"
LINES = 1_000
CHARACTERS = 160
TIMES = 15


def tables() -> Iterator[Table]:
    """Milliseconds of 1,000 lines without and with secrets, of ten times as many, of bad shapes."""
    texts = {
        "clean": log_lines(LINES),
        "a secret in every 100th line": log_lines(LINES, secret_every=100),
        "a secret in every 10th line": log_lines(LINES, secret_every=10),
        "ten times as many, clean": log_lines(10 * LINES),
        "every line ends in a path": _ending_in("path=/cart/0"),
        "every line ends in half a key": _ending_in("key sk-" + "ant-api03-abcdefgh"),
        "one line of names": "password: " * (LINES * CHARACTERS // len("password: ")),
    }
    rows = []
    for name, text in texts.items():
        taken = sorted(_milliseconds(text) for _ in range(TIMES))
        size = f"{len(text) // 1000:,}"
        rows.append((name, size, f"{statistics.median(taken):.0f}", f"{taken[-1]:.0f}"))
    title = f"Stripping and redaction of {LINES:,} lines, {TIMES} times"
    yield Table(title, COMMAND, ("log", "KB", "median ms", "slowest ms"), tuple(rows))


def log_lines(count: int, *, secret_every: int = 0) -> str:
    """A service's log as JSON lines of about 160 characters; every so many logs a card."""
    return "\n".join(_line(number, secret_every) for number in range(count))


def _line(number: int, secret_every: int) -> str:
    trace, user = (uuid.uuid5(uuid.NAMESPACE_URL, f"{kind}{number}") for kind in ("trace", "user"))
    said = f"AddItemAsync called with userId={user}"
    if secret_every and number % secret_every == 0:
        said = "charge for card 4432-8015-6152-0454, password=" + "hunter2hunter2"
    time_of_day = f"03:00:01.{number:06}"
    line = f'{{"severity":"info","time":"{time_of_day}","message":"TraceID: {trace.hex} {said}'
    return line.ljust(CHARACTERS - 3, ".") + '"}'


def _ending_in(end: str) -> str:
    """A clean log whose lines end otherwise."""
    return "\n".join(f"{line[: -len(end) - 1]} {end}" for line in log_lines(LINES).split("\n"))


def _milliseconds(text: str) -> float:
    start = time.perf_counter()
    clean_counted(text)
    return (time.perf_counter() - start) * 1000
