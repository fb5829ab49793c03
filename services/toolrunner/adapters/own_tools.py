"""The definitions of the tools of our own servers, read in this process; nothing is reached."""

import secrets

from fastmcp import Client
from pydantic import SecretStr

from services.toolrunner.catalogue import OWN
from services.toolrunner.ports import Tool
from services.toolrunner.servers.app import servers
from services.toolrunner.servers.settings import ServersSettings


async def own_tools() -> list[Tool]:
    """Every tool of kubernetes, github and cloudwatch, and `read_result`."""
    settings = ServersSettings(servers_token=SecretStr(secrets.token_hex(16)))
    found = [OWN]
    for name, server in servers(settings).items():
        async with Client(server) as client:
            listed = await client.list_tools()
        found += [
            Tool(
                f"{name}__{tool.name}",
                tool.description or "",
                tool.input_schema,
                read_only=bool(tool.annotations and tool.annotations.read_only_hint),
            )
            for tool in listed
        ]
    return found
