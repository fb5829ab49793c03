"""All configured MCP servers as one port: what they offer, and calls by `<server>__<tool>`.

What the lock has is offered, as the lock has it, unless its server lists it otherwise. One that is
away is offered too, so that a restart beside it changes no prompt; its calls are gaps.
"""

import asyncio
import logging
from collections.abc import Callable, Coroutine, Mapping
from dataclasses import dataclass, replace
from typing import Literal

from opentelemetry import propagate
from pydantic import JsonValue

from bus.errors import ToolFailed
from services.toolrunner.adapters.mcp_connection import Connection
from services.toolrunner.adapters.mcp_guard import Guard, Limits
from services.toolrunner.adapters.mcp_http import Bounds
from services.toolrunner.adapters.mcp_servers_file import ServerEntry
from services.toolrunner.adapters.mcp_tracing import CallsContext
from services.toolrunner.long_texts import Condense, Unescaped
from services.toolrunner.pins import Definition, Finding, Lock, compare
from services.toolrunner.ports import Tool


@dataclass(frozen=True)
class _Compared:
    listed: tuple[Definition, ...]
    findings: Mapping[str, Finding]


class McpServers:
    """Connections to every entry of the `mcpServers` file."""

    def __init__(
        self,
        entries: Mapping[str, ServerEntry],
        limits: Limits,
        *,
        lock: Lock,
        condense: Condense = Unescaped,
    ) -> None:
        # FastMCP brings a log handler of its own; its lines go where all others go.
        logging.getLogger("fastmcp").handlers.clear()
        logging.getLogger("fastmcp").propagate = True
        propagate.set_global_textmap(CallsContext())
        self._connections = {
            name: _connection(name, entry, limits=limits, condense=condense)
            for name, entry in entries.items()
        }
        self._lock = lock
        self._compared: dict[str, _Compared] = {}

    async def keep(self) -> None:
        """Keep every connection, until cancelled."""
        async with asyncio.TaskGroup() as tasks:
            for connection in self._connections.values():
                tasks.create_task(connection.keep(), name=f"MCP server {connection.name}")

    def tools(self) -> list[Tool]:
        """What may be offered now, in no particular order."""
        return [
            pinned.offered_by(server)
            for name, (server, pinned) in self._lock.index.items()
            if server in self._connections and not self.withheld(name)
        ]

    def findings(self) -> list[Finding]:
        """Where the servers' lists are not the lock's."""
        return [found for server in self._connections for found in self._findings(server).values()]

    def withheld(self, tool: str) -> str:
        """Why a tool may not be called although it was offered; empty when nothing is known."""
        server, pinned = self._lock.index.get(tool, ("", None))
        if pinned is None:
            return f"{tool} is not among the reviewed tools"
        found = self._findings(server).get(pinned.definition.name)
        return found.sentence if found else ""

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
        server, pinned = self._lock.index.get(tool, ("", None))
        if pinned is None:
            raise ToolFailed(f"{self.withheld(tool)}; nothing was read")
        connection = self._connections.get(server)
        if connection is None:
            raise ToolFailed(f"{server}: no such server is configured any more; nothing was read")

        def checked() -> float:
            # Asked again on a new connection, which may be to another server under the same name.
            if withheld := self.withheld(tool):
                raise ToolFailed(f"{withheld}; nothing was read")
            return check()

        return await connection.call(
            pinned.definition.name,
            {**arguments, **pinned.hidden},
            seconds=seconds,
            check=checked,
            read_only=read_only,
        )

    def _has_listed(self, server: str) -> bool:
        connection = self._connections.get(server)
        return connection is not None and connection.listed.is_set()

    def _findings(self, server: str) -> Mapping[str, Finding]:
        """By the tool's own name; compared once for each list that the server gave."""
        if not self._has_listed(server):
            return {}
        listed = self._connections[server].tools
        known = self._compared.get(server)
        if known is None or known.listed is not listed:
            found = compare(server, self._lock.servers.get(server, ()), listed=listed)
            known = _Compared(listed, {finding.tool: finding for finding in found})
            self._compared[server] = known
        return known.findings

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


def _connection(name: str, entry: ServerEntry, *, limits: Limits, condense: Condense) -> Connection:
    if entry.calls_at_once is not None:
        limits = replace(limits, at_once=entry.calls_at_once)
    if entry.calls_per_second is not None:
        limits = replace(limits, per_second=entry.calls_per_second)
    guard = Guard.of(name, limits)
    bounds = Bounds(limits.max_bytes, condense)
    return Connection(name, entry, at_once=limits.at_once, bounds=bounds, guard=guard)


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
