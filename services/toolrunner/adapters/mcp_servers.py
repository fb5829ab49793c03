"""All configured MCP servers as one port: what they offer, and calls by `<server>__<tool>`."""

import asyncio
import logging
from collections.abc import Callable, Coroutine, Mapping
from dataclasses import replace
from typing import Literal

from pydantic import JsonValue

from bus.errors import ToolFailed
from services.toolrunner.adapters.mcp_connection import Connection
from services.toolrunner.adapters.mcp_guard import Guard, Limits
from services.toolrunner.adapters.mcp_servers_file import ServerEntry
from services.toolrunner.ports import Tool


class McpServers:
    """Connections to every entry of the `mcpServers` file."""

    def __init__(self, entries: Mapping[str, ServerEntry], limits: Limits) -> None:
        # FastMCP brings a log handler of its own; its lines go where all others go.
        logging.getLogger("fastmcp").handlers.clear()
        logging.getLogger("fastmcp").propagate = True
        self._connections = {
            name: _connection(name, entry, limits=limits) for name, entry in entries.items()
        }

    async def keep(self) -> None:
        """Keep every connection, until cancelled."""
        async with asyncio.TaskGroup() as tasks:
            for connection in self._connections.values():
                tasks.create_task(connection.keep(), name=f"MCP server {connection.name}")

    def tools(self) -> list[Tool]:
        """What the servers listed last, in no particular order."""
        return [tool for connection in self._connections.values() for tool in connection.tools]

    async def call(
        self,
        tool: str,
        arguments: Mapping[str, JsonValue],
        *,
        seconds: float,
        check: Callable[[], float],
        read_only: bool,
    ) -> str:
        """The text a tool answered. Raises ToolFailed, within `seconds`, when it gave none."""
        server, _, name = tool.partition("__")
        connection = self._connections.get(server)
        if connection is None:
            raise ToolFailed(f"{server}: no such server is configured any more; nothing was read")
        return await connection.call(
            name, arguments, seconds=seconds, check=check, read_only=read_only
        )

    async def all_listed(self, seconds: float) -> None:
        """Return once every server has listed its tools, or after that time."""
        waits = [connection.listed.wait() for connection in self._connections.values()]
        await _some(waits, seconds, all_of_them=True)

    async def changed(self, seconds: float) -> None:
        """Return once a server lists other tools than before, or after that time."""
        waits = [connection.changed.wait() for connection in self._connections.values()]
        await _some(waits, seconds, all_of_them=False)
        for connection in self._connections.values():
            connection.changed.clear()


def _connection(name: str, entry: ServerEntry, *, limits: Limits) -> Connection:
    if entry.calls_at_once is not None:
        limits = replace(limits, at_once=entry.calls_at_once)
    if entry.calls_per_second is not None:
        limits = replace(limits, per_second=entry.calls_per_second)
    guard = Guard.of(name, limits)
    return Connection(name, entry, at_once=limits.at_once, max_bytes=limits.max_bytes, guard=guard)


async def _some(
    waits: list[Coroutine[None, None, Literal[True]]], seconds: float, *, all_of_them: bool
) -> None:
    if not waits:
        await asyncio.sleep(seconds)
        return
    tasks = [asyncio.ensure_future(wait) for wait in waits]
    until = asyncio.ALL_COMPLETED if all_of_them else asyncio.FIRST_COMPLETED
    try:
        await asyncio.wait(tasks, timeout=seconds, return_when=until)
    finally:
        for task in tasks:
            task.cancel()
