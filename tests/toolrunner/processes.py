"""The toolrunner's processes, started for a test."""

import asyncio
import contextlib
import os
import signal
import sys
from collections.abc import AsyncIterator


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
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", module, *given, env=environment(**variables)
    )
    try:
        yield process
    finally:
        if process.returncode is None:
            process.send_signal(signal.SIGTERM)
            await process.wait()
