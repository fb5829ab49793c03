"""Asking servers for their tools in order to pin them, outside a running toolrunner."""

import asyncio
import secrets
import socket
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager

import uvicorn
from pydantic import SecretStr

from bus.errors import NotConfigured
from bus.serving import HttpServer
from services.toolrunner.adapters.mcp_connection import Connection
from services.toolrunner.adapters.mcp_http import Bounds
from services.toolrunner.adapters.mcp_servers_file import (
    ServerEntry,
    built_in_servers,
    load_servers,
)
from services.toolrunner.pins import Definition
from services.toolrunner.servers.app import build
from services.toolrunner.servers.settings import ServersSettings
from services.toolrunner.settings import Settings

Listed = Mapping[str, tuple[Definition, ...]]


async def list_all(
    entries: Mapping[str, ServerEntry], *, seconds: float, max_bytes: int
) -> dict[str, tuple[Definition, ...]]:
    """What each server lists, as a toolrunner would see it.

    Raises NotConfigured that names a server which gave no list in that time.
    """
    connections = {
        name: Connection(name, entry, at_once=1, bounds=Bounds(max_bytes))
        for name, entry in entries.items()
    }
    keeping = [asyncio.create_task(connection.keep()) for connection in connections.values()]
    try:
        for name, connection in connections.items():
            try:
                async with asyncio.timeout(seconds):
                    await connection.listed.wait()
            except TimeoutError:
                raise NotConfigured(
                    f"server {name} gave no list of tools: {connection.problem}"
                ) from None
        return {name: connection.tools for name, connection in connections.items()}
    finally:
        for task in keeping:
            task.cancel()
        if keeping:
            await asyncio.wait(keeping)


@asynccontextmanager
async def configured(settings: Settings) -> AsyncIterator[dict[str, ServerEntry]]:
    """The servers that a toolrunner with these settings has; the built-in ones run for the block.

    Raises NotConfigured for a file that cannot be used.
    """
    token = settings.servers_token.get_secret_value()
    if settings.mcp_servers:
        yield load_servers(settings.mcp_servers)
    elif token:
        yield built_in_servers(settings.servers_port, token)
    else:
        async with _built_in() as entries:
            yield entries


@asynccontextmanager
async def _built_in() -> AsyncIterator[dict[str, ServerEntry]]:
    """They reach nothing outside to list their tools, so they need no settings of their own."""
    token = secrets.token_hex(16)
    listening = socket.create_server(("127.0.0.1", 0))
    app = build(ServersSettings.model_construct(servers_token=SecretStr(token)))
    server = HttpServer(uvicorn.Config(app, log_level="error", timeout_graceful_shutdown=1))
    serving = asyncio.create_task(server.serve(sockets=[listening]))
    try:
        yield built_in_servers(listening.getsockname()[1], token)
    finally:
        server.should_exit = True
        await serving
