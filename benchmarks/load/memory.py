"""Memory and reads of a process with its children, from /proc, so on Linux only."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

KB_IN_MB = 1024
_PROC = Path("/proc")


@dataclass(frozen=True)
class Memory:
    """What processes hold, in MB: resident, proportional (shared pages by share), and of its own.

    Resident is what a container's limit is near to; pages that several processes share count in
    each. Of its own is what would be freed if only this process ended.
    """

    rss: float
    pss: float
    own: float

    def __add__(self, other: "Memory") -> "Memory":
        """Both together."""
        return Memory(self.rss + other.rss, self.pss + other.pss, self.own + other.own)

    def most(self, other: "Memory") -> "Memory":
        """The larger of each."""
        pairs = ((self.rss, other.rss), (self.pss, other.pss), (self.own, other.own))
        return Memory(*(max(pair) for pair in pairs))


NOTHING = Memory(0.0, 0.0, 0.0)


def memory_of(*pids: int) -> Memory:
    """What these processes hold together; one that has ended holds nothing."""
    return sum((_memory(pid) for pid in pids), NOTHING)


def family(pid: int) -> list[int]:
    """A process and everything that it started, and so on, that still runs."""
    found = [pid]
    for each in found:
        found += _children(each)
    return found


def read_mb(pid: int) -> float:
    """What a process has read from disk so far, past the cache of files."""
    lines = (_PROC / str(pid) / "io").read_text(encoding="ascii").splitlines()
    told = dict(line.split(": ") for line in lines)
    return int(told["read_bytes"]) / KB_IN_MB**2


def _memory(pid: int) -> Memory:
    try:
        text = (_PROC / str(pid) / "smaps_rollup").read_text(encoding="ascii")
    except (FileNotFoundError, ProcessLookupError):
        return NOTHING
    rows = (line.split() for line in text.splitlines()[1:])
    told = {name: int(count) / KB_IN_MB for name, count, _ in rows}
    own = told["Private_Clean:"] + told["Private_Dirty:"]
    return Memory(told["Rss:"], told["Pss:"], own)


def _children(pid: int) -> Iterator[int]:
    for task in (_PROC / str(pid) / "task").glob("*/children"):
        yield from map(int, task.read_text(encoding="ascii").split())
