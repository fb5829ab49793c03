"""What one door holds at once: so many requests, so many bytes, each body for so long.

Each door has a room of its own. Where one is full, whoever has been sending a body for longest
makes way: a sender that means it sends its body at once, a stranger fills rooms by being slow.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from functools import partial

from starlette.requests import Request

from bus.errors import Unavailable
from services.ingest.adapters.http_body import Body, Refused, check_length

PATIENCE_SECONDS = 1.0
"""A body that is younger makes way for nobody."""


@dataclass(eq=False)
class _Reader:
    """One request whose body is being read, or worked on."""

    limit: asyncio.Timeout
    began: float
    counted: int = 0


@dataclass
class Room:
    """At most `at_once` requests and `most_bytes` of bodies, each of them read within a time."""

    at_once: int
    most_bytes: int
    body_seconds: float = field(kw_only=True)
    _bytes: int = field(default=0, init=False)
    _inside: set[_Reader] = field(default_factory=set, init=False)
    _reading: dict[_Reader, None] = field(default_factory=dict, init=False)
    """Those whose body is not whole yet, the oldest first."""

    @asynccontextmanager
    async def body(
        self, request: Request, most: int, *, is_packed: bool = False
    ) -> AsyncIterator[bytes]:
        """The whole body, which counts until it is let go.

        Raises Refused and Rejected for one that is too long, too slow or broken, Unavailable when
        there is no room, ClientDisconnect when the sender went away.
        """
        check_length(request.headers.get("content-length", ""), most)
        reader = self._enter()
        try:
            found = Body(most, partial(self._count, reader), is_packed=is_packed)
            await self._read(reader, found, request=request)
            content = bytes(found.content)
            del found
            yield content
        finally:
            self._leave(reader)

    async def _read(self, reader: _Reader, body: Body, *, request: Request) -> None:
        try:
            async with reader.limit:
                self._reading[reader] = None
                await body.read(request.stream())
        except TimeoutError:
            if reader not in self._inside:
                raise Unavailable("others were waiting", retry_in_seconds=1.0) from None
            raise Refused(408, "the body came too slowly") from None
        finally:
            self._reading.pop(reader, None)

    def _enter(self) -> _Reader:
        if len(self._inside) >= self.at_once and not self._make_way():
            raise Unavailable("too many requests at once", retry_in_seconds=1.0)
        began = asyncio.get_running_loop().time()
        reader = _Reader(asyncio.timeout(self.body_seconds), began)
        self._inside.add(reader)
        return reader

    def _leave(self, reader: _Reader) -> None:
        if reader in self._inside:
            self._inside.remove(reader)
            self._bytes -= reader.counted

    def _count(self, reader: _Reader, more: int) -> None:
        if reader not in self._inside:
            return
        reader.counted += more
        self._bytes += more
        while self._bytes > self.most_bytes:
            if not self._make_way(reader):
                raise Unavailable("too many bytes are being read at once", retry_in_seconds=1.0)

    def _make_way(self, for_whom: _Reader | None = None) -> bool:
        """Whether another one, the slowest of all, is on its way out."""
        now = asyncio.get_running_loop().time()
        slowest = next(iter(self._reading), None)
        if slowest is None or slowest is for_whom:
            return False
        if now - slowest.began < PATIENCE_SECONDS:
            return False
        del self._reading[slowest]
        self._leave(slowest)
        slowest.limit.reschedule(now)
        return True
