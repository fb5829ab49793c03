"""What each service takes: `python -m benchmarks footprint`.

From a process's start to the first 200 of `/readyz`; memory and CPU at rest and under a burst of
alarms; what each extra takes on disk. The services, a Redis and the simulator are real processes.
"""

import asyncio
import os
import statistics
import time
from collections.abc import Iterator, Sequence

from redis import Redis

from benchmarks.load.memory import Memory
from benchmarks.load.residents import Watch, residents, watching
from benchmarks.load.senders import Sending, by_alertmanager, send
from benchmarks.load.sizes import extras
from benchmarks.load.starts import Start, forget_files, start_of, start_of_pod
from benchmarks.table import Table
from bus.streams import STOPS, Keys
from cli.publishing.doors import doors_of
from cli.publishing.target import Target
from cli.stack import SERVICES, Plan, Stack, StackFailed, running_stack

COMMAND = "python -m benchmarks footprint"
READY_SECONDS = {"toolrunner": 8.0}
REST_MB = {"toolrunner": 200.0}
OTHERS_READY_SECONDS, OTHERS_REST_MB = 5.0, 150.0
"""What is asked (issue 9)."""
WARM, COLD = 7, 3
REST_SECONDS = 15.0
BURST = Sending("a burst", by_alertmanager, alarms=100, each=10, at_once=2)
FIRST = 20_000
"""From this number on names have four letters."""
BURST_SECONDS = 300.0
SETTINGS = {
    "NIGHTSHIFT_MAX_OPEN": "100000",
    "NIGHTSHIFT_MAX_NEW": "100000",
    "NIGHTSHIFT_SOURCE_BURST": "100000",
    "NIGHTSHIFT_MAX_DAY_COST_USD": "100000",
    "NIGHTSHIFT_CATALOG": "",
}


def tables() -> Iterator[Table]:
    """Starts, then memory, then what is installed."""
    plan = Plan(scenario="cart-loafers", own_redis=True, services=(), settings=SETTINGS)
    with running_stack(plan, lambda _: None) as stack:
        yield _starts(stack)
    plan = Plan(scenario="cart-loafers", own_redis=True, settings=SETTINGS, model_seconds=1.0)
    with running_stack(plan, lambda _: None) as stack:
        yield from _memory(stack)
    yield _sizes()


def _starts(stack: Stack) -> Table:
    for service in SERVICES:
        start_of(stack, service)  # so that all is compiled and read once
    found: dict[str, list[Start]] = {}
    for _ in range(WARM):
        _start_each(stack, found)
    cold: dict[str, list[Start]] = {}
    for _ in range(COLD):
        _start_each(stack, cold, empties=True)
    rows = [_start_row(name, starts, cold[name]) for name, starts in found.items()]
    columns = (
        *("service", "asked, s", "warm, s: median", "slowest"),
        *("files not in memory, s: median", "slowest", "read from disk, MB"),
    )
    busy = os.getloadavg()[0]
    title = f"From start to ready, {WARM} times and {COLD} times (load average {busy:.1f})"
    return Table(title, COMMAND, columns, tuple(rows))


def _start_each(stack: Stack, found: dict[str, list[Start]], *, empties: bool = False) -> None:
    for service in SERVICES:
        if empties:
            forget_files()
        found.setdefault(service, []).append(start_of(stack, service))
    if empties:
        forget_files()
    servers, beside = start_of_pod(stack)
    found.setdefault("its pod: the servers", []).append(servers)
    found.setdefault("its pod: then the toolrunner", []).append(beside)
    found.setdefault("its pod, both", []).append(servers + beside)


def _start_row(name: str, warm: Sequence[Start], cold: Sequence[Start]) -> tuple[str, ...]:
    asked = "" if name.startswith("its pod: ") else f"{_ready_seconds(name):.0f}"
    read = statistics.median(start.read_mb for start in cold)
    return (name, asked, *_seconds(warm), *_seconds(cold), f"{read:.0f}")


def _seconds(starts: Sequence[Start]) -> tuple[str, str]:
    taken = [start.seconds for start in starts]
    return f"{statistics.median(taken):.1f}", f"{max(taken):.1f}"


def _ready_seconds(name: str) -> float:
    service = "toolrunner" if name.startswith("its pod") else name
    return READY_SECONDS.get(service, OTHERS_READY_SECONDS)


def _memory(stack: Stack) -> Iterator[Table]:
    with watching(stack) as rest:
        time.sleep(REST_SECONDS)
    began = time.monotonic()
    with watching(stack) as burst:
        _burst(stack)
    seconds = time.monotonic() - began
    with watching(stack) as after:
        time.sleep(REST_SECONDS)
    names = list(residents(stack))
    columns = (
        *("process", "asked, MB", "at rest: resident, MB", "proportional", "its own"),
        *(f"in a burst of {BURST.alarms}: most resident, MB", "at rest again, resident, MB"),
    )
    rows = tuple(
        (name, _asked(name), *_each(rest.most[name]), *_resident(name, burst, after))
        for name in names
    )
    yield Table("Memory at rest and under load", COMMAND, columns, rows)
    used = tuple(
        (name, f"{_milli(rest, name, REST_SECONDS)}", f"{_milli(burst, name, seconds)}")
        for name in names
    )
    head = ("process", "at rest, thousandths of a core", f"in the burst of {seconds:.0f} s")
    yield Table("CPU at rest and under load", COMMAND, head, used)


def _burst(stack: Stack) -> None:
    """All alarms were sent to ingest, and every incident of theirs has its stop signal."""
    (ingest,) = [part for part in stack.parts if part.name == "ingest-1"]
    address = ingest.ready_url.removesuffix("/readyz")
    target = Target(doors_of(stack), address, control=stack.control, signing=stack.folder / "sns")
    sent = asyncio.run(send(BURST, target, first=FIRST))
    if sent.statuses != {200}:
        raise StackFailed(f"ingest answered {sorted(sent.statuses)}")
    key = Keys("nightshift:").stream(STOPS)
    with Redis.from_url(stack.redis_url) as redis:
        stack.wait(
            "the end of the burst", lambda: redis.xlen(key) >= BURST.alarms, seconds=BURST_SECONDS
        )


def _asked(name: str) -> str:
    if name in SERVICES:
        return f"{REST_MB.get(name, OTHERS_REST_MB):.0f}"
    return f"{REST_MB['toolrunner']:.0f}" if name == "toolrunner and its servers" else ""


def _each(memory: Memory) -> tuple[str, str, str]:
    return f"{memory.rss:.0f}", f"{memory.pss:.0f}", f"{memory.own:.0f}"


def _resident(name: str, *watches: Watch) -> tuple[str, ...]:
    return tuple(f"{watch.most[name].rss:.0f}" for watch in watches)


def _milli(watch: Watch, name: str, seconds: float) -> int:
    return round(1000 * watch.cpu[name] / seconds)


def _sizes() -> Table:
    rows = (
        (each.name, len(each.packages), round(each.mb), round(each.compiled_mb), each.largest())
        for each in extras()
    )
    columns = ("extra", "packages", "MB", "of these compiled Python", "the largest, MB")
    shown = tuple(tuple(map(str, row)) for row in rows)
    return Table("What each extra installs", COMMAND, columns, shown)
