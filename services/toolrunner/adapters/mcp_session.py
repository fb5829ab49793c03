"""An MCP session that many calls share: who is done with it leaves the others alone."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from dataclasses import dataclass, field

from fastmcp import Client
from fastmcp.client.transports import ClientTransport
from mcp import ClientSession
from mcp_types import CallToolResult


class PlainSession(ClientSession):
    """The SDK's session, which believes no schema that a server sent."""

    async def validate_tool_result(self, name: str, result: CallToolResult) -> None:
        """Nothing is checked: only text is read, and a server's pattern may take for ever."""


LEAST_SECONDS = 0.5
"""Between two looks at a server's tools."""


@dataclass(eq=False)
class Session:
    """A connected client and the calls under way on it.

    Once `lost` it gets no further calls, and is closed when those that it has are done: to close it
    sooner would end them, and their servers would be asked again.
    """

    client: Client[ClientTransport]
    stirred: asyncio.Event = field(default_factory=asyncio.Event)
    """Set when its server says that its tools are others now."""
    lost: asyncio.Event = field(default_factory=asyncio.Event)
    _running: int = 0
    _unused: asyncio.Event = field(default_factory=asyncio.Event)

    def __post_init__(self) -> None:
        self._unused.set()

    @contextmanager
    def used(self) -> Iterator[Client[ClientTransport]]:
        """The client, which stays connected for as long as the block takes."""
        self._running += 1
        self._unused.clear()
        try:
            yield self.client
        finally:
            self._running -= 1
            if not self._running:
                self._unused.set()

    def lose(self) -> None:
        """Give it no further calls."""
        self.lost.set()
        self.stirred.set()

    async def lost_within(self, seconds: float) -> bool:
        """Whether it is lost; False after that time, or once its tools are others.

        A server that says so again and again is not heeded more often than that it is tolerable.
        """
        if await set_within(self.lost, LEAST_SECONDS):
            return True
        await set_within(self.stirred, seconds - LEAST_SECONDS)
        self.stirred.clear()
        return self.lost.is_set()

    async def unused(self) -> None:
        """Return once no call is under way on it."""
        await self._unused.wait()


@asynccontextmanager
async def connected(client: Client[ClientTransport]) -> AsyncIterator[None]:
    """Connected for the block, and closed to the end: to cancel that would leave a process."""
    stack = AsyncExitStack()
    await stack.enter_async_context(client)
    try:
        yield
    finally:
        closed = asyncio.create_task(stack.aclose())
        try:
            await asyncio.shield(closed)
        except asyncio.CancelledError:
            await asyncio.wait([closed])
            raise


async def set_within(event: asyncio.Event, seconds: float) -> bool:
    """Whether the event was set within that time."""
    try:
        async with asyncio.timeout(seconds):
            await event.wait()
    except TimeoutError:
        return False
    return True
