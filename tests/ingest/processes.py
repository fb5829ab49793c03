"""Ingest as a real process that reads a test's queue."""

import asyncio
import os
import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager

from bus.broker import Bus
from tests.ingest.bodies import REGION
from tests.ingest.conftest import Queue


@asynccontextmanager
async def ingest_process(
    queue: Queue, bus: Bus, settings: Mapping[str, str]
) -> AsyncIterator[asyncio.subprocess.Process]:
    """It runs inside the block over the bus's Redis and prefix, and is killed at its end."""
    own = {
        "NIGHTSHIFT_QUEUE_URL": queue.url,
        "NIGHTSHIFT_QUEUE_VISIBILITY_SECONDS": "5",
        "NIGHTSHIFT_QUEUE_WAIT_SECONDS": "1",
        "NIGHTSHIFT_STREAM_PREFIX": bus.settings.stream_prefix,
        "NIGHTSHIFT_HTTP_PORT": "0",
        "NIGHTSHIFT_CATCH_UP": "false",
        "AWS_REGION": REGION,
        "REDIS_URL": bus.settings.redis_url.get_secret_value(),
    }
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "services.ingest",
        env={**os.environ, **own, **settings},
        stderr=asyncio.subprocess.DEVNULL,
    )
    try:
        yield process
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()
