"""A foreign MCP server over HTTP, as somebody else would run it, and a toolrunner that uses it."""

import asyncio
import contextlib
import json
import socket
from collections.abc import AsyncIterator, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import uvicorn
from fastmcp import FastMCP
from fastmcp.exceptions import ToolError
from fastmcp.tools import Tool
from mcp_types import Tool as McpTool
from mcp_types import ToolAnnotations
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from bus.broker import Bus
from bus.events import ToolCallFinished, ToolCallId, ToolCallRequested
from bus.record import Call, Commit, Record
from bus.streams import TOOL_RESULTS
from bus.testing import events, eventually
from services.toolrunner.adapters.lock_file import lock_text
from services.toolrunner.adapters.mcp_listing import definition_of
from services.toolrunner.adapters.mcp_servers_file import ServerEntry
from services.toolrunner.adapters.pinning import list_all
from services.toolrunner.pins import Lock, Pinned, pinned_anew
from services.toolrunner.settings import LOCK, Settings
from simulator.serving import Lent
from tests.bus.incidents import opened
from tests.toolrunner.policies import write_policy

ALLOWED = ("read", "hang", "flood", "fail", "label", "sell", "order")
A_KEY = "AKIA" + "ABCDEFGH" * 2
"""What `read` answers about the key."""
READS = ToolAnnotations(read_only_hint=True)
HARMLESS = ToolAnnotations(read_only_hint=False, destructive_hint=False, idempotent_hint=True)


@dataclass
class Shop:
    """The server's tools and what was asked of them. `hold` keeps slow ones from answering.

    `lost` counts calls yet to come that are carried out, and whose connection then breaks;
    `given_up` those whose caller left before they were let go.
    """

    calls: list[str] = field(default_factory=list)
    hold: asyncio.Event = field(default_factory=asyncio.Event)
    lost: int = 0
    given_up: int = 0

    def read(self, topic: str, lines: int = 3) -> str:
        """Some lines about a topic."""
        self.calls.append(f"read {topic}")
        topic = f"key {A_KEY}" if topic == "the key" else topic
        return "\n".join(f"{topic} line {number}" for number in range(1, lines + 1))

    async def hang(self) -> str:
        """Answer only when let."""
        self.calls.append("hang")
        try:
            await self.hold.wait()
        except asyncio.CancelledError:
            self.given_up += 1
            raise
        return "let go"

    def flood(self, size: int) -> str:
        """As many characters as asked for."""
        return "x" * size

    def fail(self) -> str:
        """Fail with a sentence."""
        raise ToolError("missing permission: read shelves")

    def secret(self) -> str:
        """A tool that is on no allow-list."""
        self.calls.append("secret")
        return "never"

    def label(self, labels: dict[str, str]) -> str:
        """A tool with an open object as argument."""
        return json.dumps(labels, sort_keys=True)

    async def sell(self, item: str, slowly: bool = False) -> str:
        """A tool that changes something; its server says nothing about that."""
        self.calls.append(f"sell {item}")
        if slowly:
            await self.hold.wait()
        return f"sold {item}"

    def order(self, item: str) -> str:
        """A tool that changes something, and does no harm when it is asked twice."""
        self.calls.append(f"order {item}")
        return f"ordered {item}"

    def tools(self) -> list[Tool]:
        """What it lists."""
        read = (self.read, self.hang, self.flood, self.fail, self.secret, self.label)
        return [
            *(Tool.from_function(tool, annotations=READS) for tool in read),
            Tool.from_function(self.sell),
            Tool.from_function(self.order, annotations=HARMLESS),
        ]

    def app(self) -> ASGIApp:
        """The server as an ASGI application."""
        server: FastMCP[None] = FastMCP("shop")
        for tool in self.tools():
            server.add_tool(tool)
        inner = server.http_app(path="/mcp")

        async def outer(scope: Scope, receive: Receive, send: Send) -> None:
            if not self.lost or scope["type"] != "http":
                await inner(scope, receive, send)
                return
            asked = [await receive()]
            is_call = b'"tools/call"' in asked[0].get("body", b"")

            async def again() -> Message:
                return asked.pop() if asked else await receive()

            self.lost -= is_call
            await inner(scope, again, _nowhere if is_call else send)
            if is_call:
                await _break_off(send)

        return outer


class Serving(uvicorn.Server):
    """A uvicorn server for the length of a block."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Leave signals to pytest."""
        yield


@contextlib.asynccontextmanager
async def serving(
    app: ASGIApp, port: int = 0, *, certificate: Path | None = None, key: Path | None = None
) -> AsyncIterator[int]:
    """The application on a loopback port, which is given; over TLS with a certificate.

    Its connections are lent to it, so that a stand-in can end one in the middle of an answer.
    """
    listening = socket.create_server(("127.0.0.1", port))
    config = uvicorn.Config(
        app,
        http=Lent,
        log_level="critical",
        timeout_graceful_shutdown=1,
        ssl_certfile=certificate,
        ssl_keyfile=key,
    )
    server = Serving(config)
    task = asyncio.create_task(server.serve(sockets=[listening]))

    async def started() -> bool:
        return server.started

    await eventually(started)
    try:
        yield int(listening.getsockname()[1])
    finally:
        if certificate:
            # A TLS connection whose client left is only closed in peace while the server runs.
            await eventually(lambda: _has_no_connections(server))
        server.should_exit = True
        await task
        # What a client that is gone left half open is not closed by a server that had to hurry.
        for connection in list(server.server_state.connections):
            connection.transport.abort()
        await asyncio.sleep(0)


def pinned(tools: Iterable[Tool]) -> tuple[Pinned, ...]:
    """These tools, reviewed as a FastMCP server lists them."""
    return tuple(Pinned(definition_of(tool.to_mcp_tool())) for tool in tools)


def pinned_as_told(tool: Mapping[str, object]) -> tuple[Pinned, ...]:
    """A tool, reviewed as a server tells of it on the wire."""
    return (Pinned(definition_of(McpTool.model_validate(tool))),)


def pin(folder: Path, **servers: Iterable[Pinned]) -> None:
    """The lock in that folder has exactly these tools of these servers."""
    lock = Lock({name: tuple(tools) for name, tools in servers.items()})
    (folder / LOCK).write_text(lock_text(lock), encoding="ascii")


async def lock_as_listed(entries: Mapping[str, ServerEntry]) -> Lock:
    """The lock that has what these running servers list, as if all of it had been reviewed."""
    listed = await list_all(entries, seconds=30, max_bytes=1_000_000)
    return pinned_anew(Lock({}), listed, all_of_it=True)


def settings_for(bus: Bus, folder: Path, port: int, **changes: object) -> Settings:
    """Settings of a toolrunner that knows one server, `shop`, and allows most of its tools.

    All of them are pinned.
    """
    pin(folder, shop=pinned(Shop().tools()))
    servers = {"mcpServers": {"shop": {"url": f"http://127.0.0.1:{port}/mcp"}}}
    (folder / "servers.json").write_text(json.dumps(servers), encoding="utf-8")
    write_policy(folder, *(f"shop__{tool}" for tool in ALLOWED))
    own = {"mcp_servers": str(folder / "servers.json"), "policy_dir": str(folder)}
    plain = Settings.model_construct()
    return plain.model_copy(update=bus.settings.model_dump() | own | changes)


async def investigation(bus: Bus, *call_ids: str, incident_id: str = "inc-1") -> Record:
    """An open investigation that awaits those calls."""
    record = await opened(bus, incident_id)

    def decide(now: Record) -> Commit:
        calls = tuple(
            Call(tool_call_id=ToolCallId(call_id), tool_use_id=f"tu-{call_id}", tool="shop__read")
            for call_id in call_ids
        )
        return Commit(record=now.changed(state="awaiting_tools", calls=calls))

    after = await bus.investigations.apply(record.investigation_id, decide)
    assert after is not None
    return after


async def ask(bus: Bus, record: Record, call_id: str, /, *, tool: str, **arguments: object) -> None:
    """Ask for a call, as the reasoner does."""
    call = ToolCallRequested.model_validate(
        {
            "investigation_id": record.investigation_id,
            "tool_call_id": call_id,
            "turn": 1,
            "tool": tool,
            "arguments": arguments,
        }
    )
    await bus.publish(call, traceparent=record.trace.traceparent)


async def told(bus: Bus, call_id: str, times: int = 1) -> ToolCallFinished:
    """What was told about a call, once it was told so many times."""

    async def found() -> list[ToolCallFinished]:
        all_events = await events(bus, TOOL_RESULTS)
        ours = [event for event in all_events if isinstance(event, ToolCallFinished)]
        about = [event for event in ours if event.tool_call_id == call_id]
        return about if len(about) >= times else []

    return (await eventually(found))[-1]


async def _nowhere(_: Message) -> None:
    return None


async def _break_off(send: Send) -> None:
    headers = [(b"content-type", b"application/json"), (b"content-length", b"1000")]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": b'{"jsonrpc": "2.'})


async def _has_no_connections(server: uvicorn.Server) -> bool:
    return not server.server_state.connections
