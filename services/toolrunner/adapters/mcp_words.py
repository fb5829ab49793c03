"""What a server that runs as a process of ours writes to its standard error: cleaned log lines.

It is somebody else's text: it may hold secrets, escape sequences, or lines that look like ours.
What is written at once is cleaned at once, for a secret may stand on several lines. A server that
writes more than is told is still read, so that it does not wait for us; one that floods does.
"""

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field

import anyio
from anyio.abc import ByteReceiveStream

from bus.cleaning import clean

log = logging.getLogger(__name__)
CHUNK_BYTES = 64 * 1024
EVERY_SECONDS = 0.5
MOST_CHUNKS = 8
"""Read in that time."""
MOST_BYTES = 16 * 1024
"""Told of what came in that time, in whole lines."""
MOST_LINES = 50
MOST_CHARACTERS = 1_000
"""Of one line."""
LAST_WORDS_SECONDS = 1.0
"""How long what it wrote at its end is waited for."""
_GONE = (anyio.EndOfStream, anyio.BrokenResourceError, anyio.ClosedResourceError, OSError)


@asynccontextmanager
async def telling(stderr: ByteReceiveStream | None, server: str) -> AsyncIterator[None]:
    """What comes is logged as that server's, during the block and until it ends, or soon after."""
    if stderr is None:
        yield
        return
    told = asyncio.create_task(_tell(stderr, _Words(server)), name=f"words of {server}")
    try:
        yield
    finally:
        try:
            with anyio.CancelScope(shield=True):
                await asyncio.wait([told], timeout=LAST_WORDS_SECONDS)
        finally:
            told.cancel()


async def _tell(stderr: ByteReceiveStream, words: "_Words") -> None:
    with suppress(*_GONE):
        while True:
            words.add(await stderr.receive(CHUNK_BYTES))
            with suppress(TimeoutError):
                async with asyncio.timeout(EVERY_SECONDS):
                    for _ in range(MOST_CHUNKS):
                        words.add(await stderr.receive(CHUNK_BYTES))
                    await asyncio.Event().wait()
            await words.tell()
    await words.tell(is_over=True)


@dataclass
class _Words:
    """What came and is not told yet."""

    server: str
    _held: bytearray = field(default_factory=bytearray)
    _left_out: int = 0

    def add(self, piece: bytes) -> None:
        """As much of it is held as is told; what follows is counted in bytes."""
        room = MOST_BYTES - len(self._held)
        self._held += piece[:room]
        self._left_out += max(0, len(piece) - room)

    async def tell(self, *, is_over: bool = False) -> None:
        """The whole lines are logged; of one that goes on, its end is waited for."""
        end = len(self._held) if is_over and not self._left_out else self._held.rfind(b"\n") + 1
        lines = bytes(self._held[:end]).decode(errors="replace")
        if self._left_out or len(self._held) == MOST_BYTES:
            # What is left of a line that does not end, or of which the rest is not there.
            self._left_out += len(self._held) - end
            end = len(self._held)
        del self._held[:end]
        every = (await asyncio.to_thread(clean, lines)).splitlines()
        said = [line for line in every if line.strip()]
        for line in said[:MOST_LINES]:
            log.info("it says: %s", line[:MOST_CHARACTERS], extra={"server": self.server})
        if len(said) > MOST_LINES or self._left_out:
            lacks = f"{max(0, len(said) - MOST_LINES)} lines and {self._left_out} bytes"
            log.info("it says more: %s are left out", lacks, extra={"server": self.server})
            self._left_out = 0
