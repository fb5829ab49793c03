"""What an MCP server lists: its tools as values, and word from it that the list has changed."""

import asyncio
from collections.abc import Awaitable, Callable

import mcp_types
from fastmcp import Client
from fastmcp.client.transports import ClientTransport

from services.toolrunner.pins import Definition


def definition_of(tool: mcp_types.Tool) -> Definition:
    """The six fields of a tool as they came over the wire."""
    annotations = None
    if tool.annotations is not None:
        annotations = tool.annotations.model_dump(mode="json", by_alias=True, exclude_none=True)
    return Definition(
        name=tool.name,
        title=tool.title,
        description=tool.description,
        input_schema=tool.input_schema,
        output_schema=tool.output_schema,
        annotations=annotations,
    )


async def listed(client: Client[ClientTransport], *, seconds: float) -> tuple[Definition, ...]:
    """Every tool that the server lists. Raises TimeoutError, or what the client raises."""
    async with asyncio.timeout(seconds):
        return tuple(definition_of(tool) for tool in await client.list_tools())


def when_list_changes(
    stirred: asyncio.Event,
) -> Callable[[mcp_types.ServerNotification | Exception], Awaitable[None]]:
    """A handler of a server's messages that only sets the event: it runs where answers are read."""

    async def heard(message: mcp_types.ServerNotification | Exception) -> None:
        if isinstance(message, mcp_types.ToolListChangedNotification):
            stirred.set()

    return heard
