"""HTTP connections to the model API: kept open between turns, and in small pools.

The client's one pool looks at every connection it has, twice a request: with 200 calls in flight
that takes longer than all the rest of sending one. And it closes whatever is idle beyond 100
connections, or for 5 seconds, so that the next turn pays for another TLS handshake.
"""

from dataclasses import dataclass
from typing import Any
from urllib.request import getproxies

from anthropic import DefaultAsyncHttpxClient
from httpx2 import (
    AsyncBaseTransport,
    AsyncHTTPTransport,
    Limits,
    Request,
    Response,
    create_ssl_context,
)

IN_A_POOL = 12
"""Calls at once over one pool, before the next pool is used."""
KEPT_SECONDS = 30.0
"""Longer than a turn's tools take, shorter than servers keep what is idle."""


@dataclass
class _Pool:
    transport: AsyncHTTPTransport
    asked: int = 0
    """Requests whose answer has not begun."""


class Spread(AsyncBaseTransport):
    """Sends each request over the first pool that has room, so that few connections stay warm."""

    def __init__(self) -> None:
        self._tls = create_ssl_context()
        self._pools: list[_Pool] = []

    async def handle_async_request(self, request: Request) -> Response:
        """The answer, whose body is still to be read."""
        pool = self._with_room()
        pool.asked += 1
        try:
            return await pool.transport.handle_async_request(request)
        finally:
            pool.asked -= 1

    async def aclose(self) -> None:
        """Every connection is closed."""
        for pool in self._pools:
            await pool.transport.aclose()

    def _with_room(self) -> _Pool:
        for pool in self._pools:
            if pool.asked < IN_A_POOL:
                return pool
        limits = Limits(max_connections=None, keepalive_expiry=KEPT_SECONDS)
        self._pools.append(_Pool(AsyncHTTPTransport(verify=self._tls, limits=limits)))
        return self._pools[-1]


def http_client(**options: Any) -> DefaultAsyncHttpxClient:
    """The SDK's own client over such pools; where a proxy is set, over the SDK's."""
    if getproxies():
        return DefaultAsyncHttpxClient(**options)
    return DefaultAsyncHttpxClient(mounts={"all://": Spread()}, **options)
