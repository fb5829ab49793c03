"""How a server is reached: by HTTP, or as a process of ours. What it may answer is bounded."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import replace

from fastmcp.client.transports import ClientTransport, StreamableHttpTransport
from fastmcp.client.transports.base import SessionKwargs, TransportOptions
from mcp import ClientSession
from typing_extensions import Unpack

from services.toolrunner.adapters.mcp_http import Bounds, bounded_client
from services.toolrunner.adapters.mcp_servers_file import ServerEntry
from services.toolrunner.adapters.mcp_session import PlainSession
from services.toolrunner.adapters.mcp_stdio import BoundedStdio


class _Http(StreamableHttpTransport):
    @asynccontextmanager
    async def connect_session(
        self,
        *,
        transport_options: TransportOptions | None = None,
        **session_kwargs: Unpack[SessionKwargs],
    ) -> AsyncGenerator[ClientSession, None]:
        options = replace(transport_options or TransportOptions(), session_class=PlainSession)
        async with super().connect_session(transport_options=options, **session_kwargs) as session:
            yield session


def transport_to(entry: ServerEntry, *, bounds: Bounds, server: str) -> ClientTransport:
    """A new transport to the server of that name, for results within these bounds."""
    if entry.command:
        return BoundedStdio(entry, bounds, server=server)
    return _Http(
        entry.url,
        headers=entry.headers,
        httpx_client_factory=bounded_client(bounds),
        max_sse_event_size=bounds.parsed,
    )
