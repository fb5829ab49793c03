"""To clean and condense an answer takes time too: it is bounded like the server's."""

import asyncio
import time
from collections.abc import Callable
from typing import TypeVar

from bus.errors import ToolFailed

READING_SECONDS = 0.9
"""For an answer that came at the last moment of its tool's limit."""
T = TypeVar("T")


async def in_time(read: Callable[[], T], *, until: float) -> T:
    """What `read` gives, by `until` (monotonic) and a little more. Raises ToolFailed after that.

    It runs in a thread, because cleaning megabytes must not hold up leases and other calls. A
    thread cannot be stopped; what it still does is bounded by the size of an answer.
    """
    left = until + READING_SECONDS - time.monotonic()
    try:
        return await asyncio.wait_for(asyncio.to_thread(read), left)
    except TimeoutError:
        said = "the answer came, and could not be cleaned in the time that was left; ask for less"
        raise ToolFailed(said) from None
