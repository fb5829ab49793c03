"""The `nightshift` command as a process, and what is left of it when it has ended."""

import contextlib
import fcntl
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

NIGHTSHIFT = Path(sys.executable).parent / "nightshift"
OUTSIDE = ("AWS_", "SLACK_", "GITHUB_", "ANTHROPIC_", "OTEL_", "PYTEST_", "NIGHTSHIFT_")
STARTED = "Ctrl-C stops everything."
PARTS = 6
"""Redis, the simulator and four services, at least."""


@dataclass(frozen=True)
class Ended:
    """How a command ended, and what it said."""

    code: int
    output: str
    errors: str


@dataclass
class Up:
    """A `nightshift up`, with the lines it has written and the processes that it started."""

    process: "subprocess.Popen[str]"
    lines: list[str] = field(default_factory=list)
    parts: set[int] = field(default_factory=set)

    def read_until(self, words: str) -> str:
        """The first line with these words; everything before it was read too."""
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self.lines.append(line)
            if words in line:
                self.parts |= descendants(self.process.pid)
                return line
        raise AssertionError(f"{words!r} was never said: {''.join(self.lines)}")

    @property
    def output(self) -> str:
        """All lines so far."""
        return "".join(self.lines)

    @property
    def redis_port(self) -> int:
        """The port of its Redis, as it said."""
        said = next(line for line in self.lines if "REDIS_URL=" in line)
        return int(said.rpartition(":")[2].partition("/")[0])

    def end(self, number: signal.Signals) -> Ended:
        """How it ended after that signal, which a terminal sends to the whole group."""
        if number == signal.SIGINT:
            os.killpg(self.process.pid, number)
        else:
            self.process.send_signal(number)
        return self.ended()

    def ended(self) -> Ended:
        """How it ended by itself."""
        output, errors = self.process.communicate(timeout=60)
        return Ended(self.process.returncode, self.output + output, errors)

    def left(self) -> dict[int, str]:
        """Those of its processes that still run, with their command lines."""
        return {pid: command_of(pid) for pid in self.parts if is_running(pid)}


def environment(**changes: str) -> dict[str, str]:
    """This shell's variables without those that point at anything outside, and the changes."""
    kept = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(OUTSIDE) and name not in ("REDIS_URL", "KUBECONFIG")
    }
    return kept | {"COLUMNS": "200", "NO_COLOR": "1"} | changes


def start(*arguments: str, folder: Path, **changes: str) -> "subprocess.Popen[str]":
    """`nightshift` with these arguments, in that folder, as a group of processes of its own."""
    return subprocess.Popen(
        [NIGHTSHIFT, *arguments],
        cwd=folder,
        env=environment(TMPDIR=str(folder), **changes),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )


def run(*arguments: str, folder: Path, **changes: str) -> Ended:
    """How the command ended."""
    process = start(*arguments, folder=folder, **changes)
    output, errors = process.communicate(timeout=60)
    return Ended(process.returncode, output, errors)


@contextlib.contextmanager
def up(*arguments: str, folder: Path, lock: Path, **changes: str) -> Iterator[Up]:
    """A `nightshift up` whose Redis has its port; whatever happens, nothing of it is left.

    Whether port 6379 is free is looked at by one of them at a time.
    """
    with locked(lock):
        started = Up(start("up", *arguments, folder=folder, **changes))
        try:
            started.read_until("Redis: ")
        except BaseException:
            started.process.kill()
            raise
    try:
        yield started
    finally:
        if started.process.poll() is None:
            started.end(signal.SIGTERM)
        for pid in started.left():
            os.kill(pid, signal.SIGKILL)


@contextlib.contextmanager
def locked(file: Path) -> Iterator[None]:
    """Only one process of the test run is inside at a time."""
    with file.open("a") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        yield


def descendants(pid: int) -> set[int]:
    """Every process below that one."""
    children: dict[int, list[int]] = {}
    for folder in Path("/proc").iterdir():
        if folder.name.isdigit() and (fields := _stat(int(folder.name))):
            children.setdefault(int(fields[1]), []).append(int(folder.name))
    found: set[int] = set()
    left = [pid]
    while left:
        below = children.get(left.pop(), [])
        found.update(below)
        left += below
    return found


def is_running(pid: int) -> bool:
    """Whether that process still runs; one that only waits to be collected does not."""
    fields = _stat(pid)
    return bool(fields) and fields[0] != "Z"


def command_of(pid: int) -> str:
    """The command line of a process; empty when there is none."""
    with contextlib.suppress(OSError):
        return Path(f"/proc/{pid}/cmdline").read_text().replace("\0", " ").strip()
    return ""


def _stat(pid: int) -> list[str]:
    """State, parent and more of a process; nothing when there is none."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return []
