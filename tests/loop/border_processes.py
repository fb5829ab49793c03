"""Services as real processes that get the variables of their border, PATH, PYTHONPATH, no more."""

import asyncio
import contextlib
import os
import signal
import sys
import tempfile
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import httpx2

from bus.testing import eventually

ROOT = Path(__file__).parents[2]
AUDIT = """
import os, sys
log = os.open({log!r}, os.O_CREAT | os.O_APPEND | os.O_WRONLY)
def heard(event, args):
    if event == "socket.connect" and isinstance(args[1], tuple):
        os.write(log, f"{{args[1][0]}}:{{args[1][1]}}\\n".encode())
    if event == "socket.getaddrinfo":
        os.write(log, f"{{args[0]}}:{{args[1]}}\\n".encode())
sys.addaudithook(heard)
"""
"""Python runs this before anything else of a process: no connection and no look-up escapes it."""


@dataclass(frozen=True)
class Ended:
    """How a process ended, and what it said."""

    code: int | None
    said: str

    @property
    def sentences(self) -> list[str]:
        """What stands beside the log lines."""
        return [line for line in self.said.splitlines() if line and not line.startswith("{")]


@dataclass(frozen=True)
class Running:
    """A process that was started, with the file of its output."""

    process: asyncio.subprocess.Process
    output: Path
    port: str

    @property
    def said(self) -> str:
        """All that it wrote so far."""
        return self.output.read_text(encoding="utf-8", errors="replace")

    async def problems(self) -> dict[str, str] | None:
        """What `/readyz` says is wrong; empty when it is ready, None while nothing listens."""
        assert self.process.returncode is None, self.said
        try:
            async with httpx2.AsyncClient(trust_env=False) as client:
                answer = await client.get(f"http://127.0.0.1:{self.port}/readyz", timeout=5)
        except httpx2.TransportError:
            return None
        found: dict[str, str] = answer.json()["problems"]
        assert answer.status_code == (503 if found else 200)
        return found

    async def is_ready(self) -> bool:
        """Whether `/readyz` answers 200."""
        return await self.problems() == {}


def listen_in(folder: Path) -> Path:
    """A file that gets the target of every connection of processes started with that folder."""
    log = folder / "connections.txt"
    (folder / "sitecustomize.py").write_text(AUDIT.format(log=str(log)), encoding="utf-8")
    return log


@contextlib.asynccontextmanager
async def running(
    module: str, variables: Mapping[str, str], *, folder: Path | None = None
) -> AsyncIterator[Running]:
    """The process runs as long as the block; it is asked to end, and ends within 30 seconds."""
    path = f"{folder}{os.pathsep}{ROOT}" if folder else str(ROOT)
    plain = {"PATH": os.environ["PATH"], "PYTHONPATH": path}
    with tempfile.NamedTemporaryFile(prefix=f"{module}-") as output:
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            *("-m", module),
            env=plain | dict(variables),
            cwd=folder or ROOT,
            stdout=output,
            stderr=output,
        )
        port = variables.get("NIGHTSHIFT_HTTP_PORT", "")
        try:
            yield Running(process, Path(output.name), port)
        finally:
            await _end(process)


async def ended(module: str, variables: Mapping[str, str]) -> Ended:
    """How a process that ends by itself does so."""
    async with running(module, variables) as started:
        code = await asyncio.wait_for(started.process.wait(), 90)
        return Ended(code, started.said)


async def stop(services: Sequence[Running]) -> list[int | None]:
    """The exit codes of all of them, after SIGTERM to each at once."""
    for service in services:
        service.process.send_signal(signal.SIGTERM)
    return [await asyncio.wait_for(service.process.wait(), 30) for service in services]


async def told(started: Running, word: str) -> dict[str, str]:
    """What `/readyz` says once only one thing is wrong, and its sentence holds that word."""

    async def found() -> dict[str, str]:
        problems = await started.problems() or {}
        return problems if [word in sentence for sentence in problems.values()] == [True] else {}

    return await eventually(found, 90)


async def _end(process: asyncio.subprocess.Process) -> None:
    if process.returncode is not None:
        return
    process.send_signal(signal.SIGTERM)
    try:
        await asyncio.wait_for(process.wait(), 30)
    except TimeoutError:
        process.kill()
        await process.wait()
        raise
