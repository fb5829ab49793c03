"""What each part of a running stack holds and uses, looked at again and again."""

import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks.load.memory import NOTHING, Memory, family, memory_of
from benchmarks.load.processes import cpu_seconds
from benchmarks.load.starts import SERVERS
from cli.stack import SERVICES, Stack

LOOK_SECONDS = 0.2
Pids = Mapping[str, tuple[int, ...]]


def residents(stack: Stack) -> Pids:
    """The processes of every service; the servers, which a toolrunner starts, by themselves too."""
    found: dict[str, tuple[int, ...]] = {}
    for service in SERVICES:
        (part,) = [part for part in stack.parts if part.name == f"{service}-1"]
        found[service] = tuple(family(part.process.pid))
    servers = tuple(pid for pid in found["toolrunner"] if SERVERS in _command(pid))
    beside = {pid for each in servers for pid in family(each)}
    alone = tuple(pid for pid in found["toolrunner"] if pid not in beside)
    return {
        **{name: pids for name, pids in found.items() if name != "toolrunner"},
        "toolrunner without its servers": alone,
        "the toolrunner's servers": tuple(sorted(beside)),
        "toolrunner and its servers": found["toolrunner"],
    }


@dataclass
class Watch:
    """The most that each part held, and the CPU that it used, while this was looking."""

    stack: Stack
    most: dict[str, Memory] = field(default_factory=dict)
    cpu: dict[str, float] = field(default_factory=dict)
    _over: threading.Event = field(default_factory=threading.Event)

    def look(self) -> None:
        """Looked once."""
        for name, pids in residents(self.stack).items():
            self.most[name] = self.most.get(name, NOTHING).most(memory_of(*pids))

    def look_on(self) -> None:
        """Looked until it was over."""
        while not self._over.wait(LOOK_SECONDS):
            self.look()

    def end(self) -> None:
        """Nothing is looked at any more."""
        self._over.set()


@contextmanager
def watching(stack: Stack) -> Iterator[Watch]:
    """Every part is watched inside the block."""
    watch, before = Watch(stack), _cpu(stack)
    looker = threading.Thread(target=watch.look_on)
    looker.start()
    try:
        yield watch
    finally:
        watch.end()
        looker.join()
        after = _cpu(stack)
        watch.cpu |= {name: after[name] - before.get(name, 0.0) for name in after}
        watch.look()


def _cpu(stack: Stack) -> dict[str, float]:
    return {name: sum(map(cpu_seconds, pids)) for name, pids in residents(stack).items()}


def _command(pid: int) -> str:
    return Path(f"/proc/{pid}/cmdline").read_text(encoding="utf-8").replace("\0", " ")
