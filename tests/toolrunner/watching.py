"""What a toolrunner takes of its machine, with the process that condenses long answers for it."""

import contextlib
import os
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from services.toolrunner.adapters import condensing_child

EVERY_SECONDS = 0.02
_CHILD = condensing_child.__name__.encode()


@dataclass
class Watched:
    """A toolrunner by its number; what it talks to is none of it."""

    pid: int
    _peak: float = 0.0
    _seconds: dict[int, float] = field(default_factory=dict)
    _over: threading.Event = field(default_factory=threading.Event)

    def memory(self) -> float:
        """Megabytes now, of both."""
        return sum(_megabytes(pid, "VmRSS") for pid in (self.pid, *self.children()))

    def peak(self) -> float:
        """Megabytes at most since `forget_peak`: as seen of both, or as Linux knows of the one."""
        return max(self._peak, _megabytes(self.pid, "VmHWM"))

    def forget_peak(self) -> None:
        """What was used before is no longer the peak."""
        Path(f"/proc/{self.pid}/clear_refs").write_text("5", encoding="utf-8")
        self._peak = 0.0

    def processor(self) -> float:
        """Seconds of processor time that both have used."""
        self._look()
        return sum(self._seconds.values())

    def children(self) -> list[int]:
        """The numbers of those that condense for it."""
        found: list[int] = []
        for thread in Path(f"/proc/{self.pid}/task").iterdir():
            with contextlib.suppress(OSError):
                numbers = (thread / "children").read_text(encoding="utf-8").split()
                found += [int(number) for number in numbers if _condenses(number)]
        return found

    @contextlib.contextmanager
    def under_watch(self) -> Iterator[None]:
        """It is looked at again and again for the length of the block."""
        watching = threading.Thread(target=self._watch)
        watching.start()
        try:
            yield
        finally:
            self._over.set()
            watching.join()

    def _watch(self) -> None:
        while not self._over.wait(EVERY_SECONDS):
            self._look()

    def _look(self) -> None:
        pids = (self.pid, *self.children())
        self._peak = max(self._peak, sum(_megabytes(pid, "VmRSS") for pid in pids))
        for pid in pids:
            self._seconds[pid] = max(_seconds(pid), self._seconds.get(pid, 0.0))


def _condenses(pid: str) -> bool:
    return _CHILD in Path(f"/proc/{pid}/cmdline").read_bytes()


def _megabytes(pid: int, line: str) -> float:
    """0 for a process that has ended."""
    with contextlib.suppress(OSError):
        status = Path(f"/proc/{pid}/status").read_text(encoding="utf-8").splitlines()
        return sum(int(each.split()[1]) for each in status if each.startswith(line)) / 1024
    return 0.0


def _seconds(pid: int) -> float:
    with contextlib.suppress(OSError):
        fields = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2]
        user, system = fields.split()[11:13]
        return (int(user) + int(system)) / os.sysconf("SC_CLK_TCK")
    return 0.0
