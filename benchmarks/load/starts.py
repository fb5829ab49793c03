"""A service from its start until it is ready, with the cache of files warm or empty."""

import os
import socket
import sys
import sysconfig
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from benchmarks.load.memory import family, read_mb
from cli.stack import ROOT, Part, Stack, StackFailed, is_ready, service_environment
from simulator.redis_server import free_port

SERVERS = "services.toolrunner.servers"
READ_AT_START = (".py", ".pyc", ".so", ".lua", ".md", ".json", ".toml", ".cedar", ".yaml")
READY_SECONDS = 120.0


@dataclass(frozen=True)
class Start:
    """One start: seconds until it was ready, and what was read from disk for it."""

    seconds: float
    read_mb: float

    def __add__(self, other: "Start") -> "Start":
        """Both, one after the other."""
        return Start(self.seconds + other.seconds, self.read_mb + other.read_mb)


def start_of(stack: Stack, service: str) -> Start:
    """A service that is started alone; the toolrunner starts its servers itself."""
    env = service_environment(stack, service, replica=f"{service}-start")
    part, start = _started(stack, f"services.{service}", env, is_ready)
    _end(stack, part)
    return start


def start_of_pod(stack: Stack) -> tuple[Start, Start]:
    """The toolrunner as in its pod: first the servers, which listen, then the toolrunner."""
    port = free_port()
    given = {"NIGHTSHIFT_SERVERS_PORT": str(port), "NIGHTSHIFT_SERVERS_TOKEN": "of-the-benchmark"}
    env = service_environment(stack, "toolrunner", replica="toolrunner-start") | given
    servers, first = _started(stack, SERVERS, env, lambda _: _listens(port))
    part, second = _started(stack, "services.toolrunner", env, is_ready)
    _end(stack, part, servers)
    return first, second


def forget_files() -> int:
    """Pages of Python, its packages and Nightshift left the cache of files; how many files.

    Those that a running process has mapped stay, and so do names and sizes.
    """
    places = {*map(sysconfig.get_path, ("stdlib", "platstdlib", "purelib", "platlib")), str(ROOT)}
    places |= {sys.base_prefix}
    files = {path.resolve() for place in places for path in _files(Path(place))}
    for path in files:
        opened = os.open(path, os.O_RDONLY)
        try:
            os.posix_fadvise(opened, 0, 0, os.POSIX_FADV_DONTNEED)
        finally:
            os.close(opened)
    return len(files)


def _files(place: Path) -> Iterable[Path]:
    for folder, names, files in os.walk(place):
        names[:] = [name for name in names if name not in (".git", ".venv", ".mypy_cache")]
        yield from (Path(folder, file) for file in files if file.endswith(READ_AT_START))


def _started(
    stack: Stack, module: str, env: Mapping[str, str], ready: Callable[[str], bool]
) -> tuple[Part, Start]:
    began = time.monotonic()
    part = stack.start(module, module, env=env)
    stack.wait(f"{module} being ready", partial(ready, part.ready_url), seconds=READY_SECONDS)
    seconds = time.monotonic() - began
    return part, Start(seconds, sum(map(read_mb, family(part.process.pid))))


def _end(stack: Stack, *parts: Part) -> None:
    for part in parts:
        part.process.terminate()
        if part.process.wait(30):
            raise StackFailed(part.how_it_ended())
        stack.parts.remove(part)


def _listens(port: int) -> bool:
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=1):
            return True
    except OSError:
        return False
