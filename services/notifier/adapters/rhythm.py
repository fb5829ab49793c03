"""Work that is done again and again, and that no error ends."""

import asyncio
import logging
from collections.abc import Awaitable, Callable

log = logging.getLogger(__name__)
INTRODUCTION, LOOK, REPAIR, THREADS = 5.0, 5.0, 1.0, 0.5
"""Seconds between two steps of each kind."""


async def every(seconds: float, step: Callable[[], Awaitable[None]]) -> None:
    """Do the step, wait, and again until cancelled; what goes wrong is logged and tried again."""
    failed = False
    while True:
        try:
            await step()
            failed = False
        except Exception as error:
            name = getattr(step, "__qualname__", "a step")
            if not failed:
                log.error("%s failed and is tried again: %s", name, error, exc_info=error)
            failed = True
        await asyncio.sleep(seconds)
