"""HTTP to MCP servers: the trace context as a header, and answers bounded while they arrive."""

from collections.abc import AsyncIterator
from typing import Any

import httpx2
from mcp.shared._httpx_utils import McpHttpClientFactory
from opentelemetry import propagate

CONNECT_SECONDS = 3.0
TOO_LARGE = "the answer is larger than allowed"


class AnswerTooLarge(httpx2.StreamError, httpx2.SSEError):
    """Both kinds, so that the client answers the one request and keeps the connection."""


class _Bounded(httpx2.AsyncByteStream):
    def __init__(self, stream: httpx2.AsyncByteStream, most: int) -> None:
        self._stream, self._left = stream, most

    async def __aiter__(self) -> AsyncIterator[bytes]:
        async for chunk in self._stream:
            self._left -= len(chunk)
            if self._left < 0:
                raise AnswerTooLarge(TOO_LARGE)
            yield chunk

    async def aclose(self) -> None:
        await self._stream.aclose()


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
        return httpx2.AsyncClient(
            headers=given.get("headers"),
            auth=given.get("auth"),
            timeout=httpx2.Timeout(30.0, connect=CONNECT_SECONDS, read=read),
            event_hooks={"request": [carry_trace], "response": [bound]},
        )

    return make
