"""Waiting for a turn at Slack: whoever waits holds nothing of the incident, and its entry only."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeVar

from services.notifier.ports import Crowded

T = TypeVar("T")
PATIENT_SECONDS = 300.0
"""Afterwards the entry is handed back, so that another replica may have it."""


async def patiently(write: Callable[[], Awaitable[T]]) -> T:
    """What the write answers, which is tried anew whenever its turn may have come.

    It takes what it needs, such as the turn to write an incident's message, at each try and lets go
    of that when it is Crowded. Raises Crowded when that takes very long: nothing was written.
    """
    loop = asyncio.get_running_loop()
    patient_until = loop.time() + PATIENT_SECONDS
    while True:
        try:
            return await write()
        except Crowded as error:
            wait = error.retry_in_seconds
            if loop.time() + wait > patient_until:
                raise
        await asyncio.sleep(wait)
