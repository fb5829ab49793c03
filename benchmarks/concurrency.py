"""How many investigations one reasoner process carries: `python -m benchmarks concurrency`.

Real: the reasoner process and Redis. Stand-ins, each a process of its own: a model that answers
after one second, and a toolrunner that answers at once. Six turns an investigation, one call in
each but the last, whose diagnosis quotes a line that is checked. This process publishes and waits.
"""

import json
import os
import statistics
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.request import Request, urlopen

from redis import Redis

from benchmarks.load.processes import (
    TURNS,
    Parts,
    cpu_seconds,
    machine_seconds,
    resident_mb,
)
from benchmarks.table import Table
from bus.connection import as_text
from bus.streams import DIAGNOSES, INCIDENTS, Keys

COMMAND = "python -m benchmarks concurrency"
NUMBERS = (1, 50, 200, 1_000)
DEADLINE_SECONDS = 300.0
FULL_SHARE = 0.9
"""From this share of busy cores on the machine counts as full."""
LOOK_SECONDS = 0.1
IDLE_SECONDS = 5.0
KEYS = Keys("nightshift:")


@dataclass
class Run:
    """One wave of investigations, and what it took."""

    count: int
    wall: float = 0.0
    diagnosed: int = 0
    peak: int = 0
    calls: int = 0
    cpu: dict[str, float] = field(default_factory=dict)
    busy: float = 0.0
    """Share of all cores that was busy, with whatever else ran on the machine."""
    healthz: list[float] = field(default_factory=list)

    @property
    def own_ms(self) -> float:
        """CPU of the reasoner for each turn."""
        return 1000 * self.cpu["reasoner"] / (self.count * TURNS)


def tables() -> Iterator[Table]:
    """What each number of investigations took, then what each process used of the machine."""
    with running() as (parts, redis):
        idle = idle_table(parts)
        runs = [play(parts, redis, number) for number in NUMBERS]
    rows = [_row(run, single=runs[0].wall) for run in runs]
    columns = (
        *("investigations", "wall s", "times a single one", "diagnosed", "peak in flight"),
        *("own CPU ms a turn (at most 8)", "/healthz ms, median", "slowest"),
    )
    title = f"One reasoner, a model that answers after 1 s, {TURNS} turns"
    yield Table(title, COMMAND, columns, tuple(rows))
    names = sorted(runs[0].cpu)
    used = ("investigations", *(f"{name} CPU s" for name in names), "cores busy", "machine")
    yield Table("CPU of each process", COMMAND, used, tuple(_cpu_row(run) for run in runs))
    yield idle


@contextmanager
def running() -> Iterator[tuple[Parts, "Redis"]]:
    """All processes, warm: one investigation is over."""
    with Parts() as parts, Redis.from_url(parts.redis.url) as redis:
        play(parts, redis, 1)
        yield parts, redis


def idle_table(parts: Parts) -> Table:
    """What a reasoner with nothing to do takes, and how long it takes to be back."""
    pid = parts.pids["reasoner"]
    before = cpu_seconds(pid)
    time.sleep(IDLE_SECONDS)
    share = 1000 * (cpu_seconds(pid) - before) / IDLE_SECONDS
    row = (f"{resident_mb(pid):.0f}", f"{share:.0f}", f"{parts.start_seconds:.1f}")
    columns = ("memory, MB", "CPU, thousandths of a core", "start until ready, s")
    return Table("A reasoner with nothing to do", COMMAND, columns, (row,))


def play(parts: Parts, redis: "Redis", count: int) -> Run:
    """Publish so many incidents at once and wait until all have ended, or the deadline is past."""
    run = Run(count)
    _figures(parts, reset=True)
    looking = threading.Event()
    looker = threading.Thread(target=_look, args=(parts, run, looking))
    looker.start()
    before, own, machine = parts.cpu(), time.process_time(), machine_seconds()
    began = time.monotonic()
    seen = _newest(redis)
    with redis.pipeline(transaction=False) as pipeline:
        for number in range(count):
            told = {"service": "cartservice", "summary": f"HTTP 500 on checkout, {number}"}
            pipeline.xadd(KEYS.stream(INCIDENTS), {"data": json.dumps(told)})
        pipeline.execute()
    while run.diagnosed < count and time.monotonic() - began < DEADLINE_SECONDS:
        read: Any = redis.xread({KEYS.stream(DIAGNOSES): seen}, block=200)
        for _, entries in read or []:
            seen = as_text(entries[-1][0])
            run.diagnosed += sum(b'"diagnosed"' in entry[1][b"data"] for entry in entries)
    run.wall = time.monotonic() - began
    busy, total = (after - first for after, first in zip(machine_seconds(), machine, strict=True))
    run.busy = busy / total
    run.cpu = {name: spent - before[name] for name, spent in parts.cpu().items()}
    run.cpu["driver"] = time.process_time() - own
    looking.set()
    looker.join()
    figures = _figures(parts)
    run.peak, run.calls = figures["peak"], figures["calls"]
    return run


def _newest(redis: "Redis") -> str:
    newest: Any = redis.xrevrange(KEYS.stream(DIAGNOSES), count=1)
    return as_text(newest[0][0]) if newest else "0-0"


def _figures(parts: Parts, *, reset: bool = False) -> dict[str, int]:
    path, body = ("reset", b"{}") if reset else ("figures", None)
    with urlopen(Request(f"http://127.0.0.1:{parts.model_port}/{path}", body)) as answer:
        found: dict[str, int] = json.load(answer)
        return found


def _look(parts: Parts, run: Run, over: threading.Event) -> None:
    """Ask `/healthz` over a new connection each time, as a kubelet does."""
    while not over.wait(LOOK_SECONDS):
        began = time.monotonic()
        with urlopen(f"http://127.0.0.1:{parts.http_port}/healthz", timeout=30) as answer:
            answer.read()
        run.healthz.append(1000 * (time.monotonic() - began))


def _row(run: Run, *, single: float) -> tuple[str, ...]:
    return (
        f"{run.count:,}",
        f"{run.wall:.1f}",
        f"{run.wall / single:.2f}",
        f"{run.diagnosed:,}",
        f"{run.peak:,}",
        f"{run.own_ms:.1f}",
        f"{statistics.median(run.healthz):.0f}",
        f"{max(run.healthz):.0f}",
    )


def _cpu_row(run: Run) -> tuple[str, ...]:
    spent = (f"{run.cpu[name]:.1f}" for name in sorted(run.cpu))
    cores = os.cpu_count() or 1
    state = "full" if run.busy >= FULL_SHARE else "not full"
    return (f"{run.count:,}", *spent, f"{run.busy * cores:.1f} of {cores}", state)
