"""A body of HTTP, counted while it comes in and while it is unpacked.

Neither a long one nor a small one that unpacks to a long one costs more than its limit.
"""

import zlib
from collections.abc import AsyncIterator, Callable

from bus.errors import Rejected

_GZIP = zlib.MAX_WBITS | 16


class Refused(Exception):
    """The request is answered with a status of its own."""

    def __init__(self, status: int, reason: str) -> None:
        super().__init__(reason)
        self.status = status


TOO_LONG = 413
FAR_TOO_LONG = 4
"""Times the limit beyond which no body is read. An honest sender of a little too much gets its
answer once it has sent: before, it would find the connection closed and no answer."""


def check_length(stated: str, most: int) -> None:
    """Raises Refused where the head says that the body is far longer than `most`."""
    if stated.isascii() and stated.isdigit() and int(stated[:20]) > FAR_TOO_LONG * most:
        raise _too_large(most)


class Body:
    """A body as it comes in, never longer than `most`."""

    def __init__(self, most: int, count: Callable[[int], None], *, is_packed: bool) -> None:
        self.content = bytearray()
        self._most = most
        self._count = count
        self._unpacking = zlib.decompressobj(_GZIP) if is_packed else None
        self._came = 0

    async def read(self, stream: AsyncIterator[bytes]) -> None:
        """The whole of it is in `content`."""
        async for chunk in stream:
            self._came += len(chunk)
            if self._came > self._most:
                raise _too_large(self._most)
            self._add(self._unpacked(chunk) if self._unpacking else chunk)
        if self._unpacking and not self._unpacking.eof and self._came:
            raise Rejected("the body is not whole gzip")

    def _unpacked(self, chunk: bytes) -> bytes:
        unpacking = self._unpacking or zlib.decompressobj(_GZIP)
        try:
            # One byte more than there is room for says that it is too long.
            found = unpacking.decompress(chunk, self._most - len(self.content) + 1)
        except zlib.error:
            raise Rejected("the body is not gzip") from None
        if unpacking.unconsumed_tail:
            raise _too_large(self._most)
        if unpacking.unused_data:
            raise Rejected("the body goes on behind its gzip")
        return found

    def _add(self, piece: bytes) -> None:
        if len(self.content) + len(piece) > self._most:
            raise _too_large(self._most)
        self._count(len(piece))
        self.content += piece


def _too_large(most: int) -> Refused:
    return Refused(TOO_LONG, f"the body is longer than {most} bytes")
