"""HTTP to MCP servers: a last look at the lease, the trace context, and bounded answers.

Many calls share one MCP session, and the client ends it when an HTTP exchange of any of them
raises. So what goes wrong with one exchange is answered here, to its own call.
"""

import math
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any

import httpx2
from mcp.shared._httpx_utils import McpHttpClientFactory
from opentelemetry import propagate

from bus.errors import ToolFailed, Unavailable
from services.toolrunner.servers.not_late import NOT_AFTER, REFUSED, failure, refusal

CONNECT_SECONDS = 3.0
KEPT_SECONDS = 2.0
"""An unused connection is closed after this. Many servers do so after five seconds, and a request
that meets such a close on its way is lost: so we must be first."""
LOST = 502
TOO_LARGE = "the answer is larger than allowed"


class AnswerTooLarge(httpx2.StreamError, httpx2.SSEError):
    """Both kinds, so that the client answers the one request and keeps the connection."""


class AnswerLost(httpx2.StreamError):
    """An answer that broke off; the client answers the one request and keeps the connection."""


class _Bounded(httpx2.AsyncByteStream):
    def __init__(self, stream: httpx2.AsyncByteStream, most: int) -> None:
        self._stream, self._left = stream, most

    async def __aiter__(self) -> AsyncIterator[bytes]:
        try:
            async for chunk in self._stream:
                self._left -= len(chunk)
                if self._left < 0:
                    raise AnswerTooLarge(TOO_LARGE)
                yield chunk
        except httpx2.TransportError as error:
            raise AnswerLost(_told(error)) from error

    async def aclose(self) -> None:
        await self._stream.aclose()


def _always() -> float:
    """Listing tools and the like belongs to no entry."""
    return math.inf


@dataclass
class Departure:
    """A request under way: `check` is asked where it leaves; `left`: the server may have it."""

    check: Callable[[], float] = _always
    left: bool = False


_DEPARTURE: ContextVar[Departure] = ContextVar("departure")
"""Of the call under way; the MCP client posts in the context of its caller."""


@contextmanager
def departing(departure: Departure) -> Iterator[None]:
    """What is sent inside belongs to that departure, and fails without the session."""
    under_way = _DEPARTURE.set(departure)
    try:
        yield
    finally:
        _DEPARTURE.reset(under_way)


class _LastLook(httpx2.AsyncClient):
    """Checks once more where the request leaves: from the call to here the client needs a while.

    A request that may not be sent, or gets no answer, is answered here in the server's place, which
    keeps the session for the calls of others. One that is sent says until when it may be answered;
    our own servers heed it.
    """

    async def send(self, request: httpx2.Request, **given: Any) -> httpx2.Response:
        shared = _DEPARTURE.get(None)
        departure = shared or Departure()
        try:
            not_after = departure.check()
        except (ToolFailed, Unavailable):
            return httpx2.Response(REFUSED, json=refusal("it was not sent"), request=request)
        if not_after != math.inf:
            request.headers[NOT_AFTER] = repr(not_after)
        before, departure.left = departure.left, True
        try:
            return await super().send(request, **given)
        except httpx2.TransportError as error:
            if isinstance(error, httpx2.ConnectError | httpx2.ConnectTimeout):
                departure.left = before
            # While a session is made, it is nobody else's yet.
            if shared is None:
                raise
            return httpx2.Response(LOST, json=failure(_told(error)), request=request)


def _told(error: Exception) -> str:
    return f"{type(error).__name__}: {error}"


def bounded_client(max_bytes: int) -> McpHttpClientFactory:
    """A factory of HTTP clients whose answers are at most that large on the wire."""

    async def carry_trace(request: httpx2.Request) -> None:
        # Servers that do not read `_meta` join the trace by this header.
        propagate.inject(request.headers)

    async def bound(response: httpx2.Response) -> None:
        if isinstance(response.stream, httpx2.AsyncByteStream):
            response.stream = _Bounded(response.stream, max_bytes)

    def make(*_: Any, **given: Any) -> httpx2.AsyncClient:
        timeout = given.get("timeout")
        read = timeout.read if timeout else 300.0
        return _LastLook(
            headers=given.get("headers"),
            auth=given.get("auth"),
            timeout=httpx2.Timeout(30.0, connect=CONNECT_SECONDS, read=read),
            limits=httpx2.Limits(keepalive_expiry=KEPT_SECONDS),
            event_hooks={"request": [carry_trace], "response": [bound]},
        )

    return make
