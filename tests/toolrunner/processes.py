"""The toolrunner's processes, started for a test."""

import asyncio
import contextlib
import os
import signal
import sys
from collections.abc import AsyncIterator
from pathlib import Path


def environment(**changes: str) -> dict[str, str]:
    """Ours without any setting, and these."""
    ours = ("NIGHTSHIFT_", "OTEL_", "KUBECONFIG", "GITHUB_", "AWS_")
    kept = {name: value for name, value in os.environ.items() if not name.startswith(ours)}
    return kept | changes


@contextlib.asynccontextmanager
async def running(
    module: str, *given: str, **variables: str
) -> AsyncIterator[asyncio.subprocess.Process]:
    """That module as a process, for the length of a block."""
    async with logging_to(None, module, *given, **variables) as process:
        yield process


@contextlib.asynccontextmanager
async def logging_to(
    errors: Path | None, /, module: str, *given: str, **variables: str
) -> AsyncIterator[asyncio.subprocess.Process]:
    """The same; what it logs goes to that file, if there is one."""
    with errors.open("wb") if errors else contextlib.nullcontext() as stderr:
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", module, *given), env=environment(**variables), stderr=stderr
        )
    try:
        yield process
    finally:
        if process.returncode is None:
            process.send_signal(signal.SIGTERM)
            await process.wait()
