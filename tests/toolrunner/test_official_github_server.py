"""GitHub's official server by configuration, against its published tools: what is offered and sent.

The stand-in presents the published definitions, whatever the headers ask for: so would a server
that ignores them, or that somebody took over.
"""

import json
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from fastmcp import FastMCP
from fastmcp.tools.base import Tool, ToolResult
from mcp_types import ToolAnnotations
from pydantic import JsonValue, PrivateAttr
from starlette.types import ASGIApp, Receive, Scope, Send

from bus.broker import Bus
from bus.testing import eventually
from services.toolrunner.adapters.mcp_servers_file import load_servers
from services.toolrunner.adapters.strict_schema import StrictSchema
from services.toolrunner.app import build
from services.toolrunner.catalogue import catalogue_of
from services.toolrunner.ports import Tool as Offered
from tests.conftest import MakeBus, Start
from tests.docs.pages import ROOT, Page
from tests.toolrunner.foreign import (
    ask,
    investigation,
    pin,
    pinned,
    serving,
    settings_for,
    told,
)
from tests.toolrunner.policies import Permits, write_policy

PUBLISHED = json.loads(
    (Path(__file__).parent / "published" / "github_mcp_server.json").read_text(encoding="utf-8")
)["tools"]
(ENTRY,) = [
    json.loads(block)
    for block in Page(ROOT / "docs" / "community-servers.md").blocks
    if "api.githubcopilot.com" in block
]
HEADERS = ENTRY["mcpServers"]["official"]["headers"]
NAMES = HEADERS["X-MCP-Tools"].split(",")
WRITERS = ("create_or_update_file", "merge_pull_request", "push_files", "delete_file")


def schema_of(tool: dict[str, object]) -> dict[str, JsonValue]:
    """A published tool's input schema, without its prose."""
    arguments, required = tool["arguments"], tool["required"]
    assert isinstance(arguments, dict)
    assert isinstance(required, list)
    properties: dict[str, JsonValue] = {name: {"type": kind} for name, kind in arguments.items()}
    return {"type": "object", "properties": properties, "required": required}


@dataclass
class Official:
    """The server: what it was called for, and the headers that came."""

    calls: list[str] = field(default_factory=list)
    headers: list[dict[str, str]] = field(default_factory=list)

    def tools(self) -> Iterator[Tool]:
        """All that is published."""
        for published in PUBLISHED:
            hints = ToolAnnotations.model_validate(published["annotations"])
            tool = Published(
                name=published["name"], parameters=schema_of(published), annotations=hints
            )
            tool._calls = self.calls
            yield tool

    def app(self) -> ASGIApp:
        """The server as an ASGI application."""
        server: FastMCP[None] = FastMCP("official")
        for tool in self.tools():
            server.add_tool(tool)
        inner = server.http_app(path="/mcp/")

        async def outer(scope: Scope, receive: Receive, send: Send) -> None:
            if scope["type"] == "http":
                pairs = ((name.decode(), value.decode()) for name, value in scope["headers"])
                self.headers.append(dict(pairs))
            await inner(scope, receive, send)

        return outer


class Published(Tool):
    """A tool that notes that it was called."""

    _calls: list[str] = PrivateAttr(default_factory=list)

    async def run(self, arguments: dict[str, object]) -> ToolResult:
        """Answer with its own name and what it was given."""
        self._calls.append(self.name)
        return ToolResult(f"{self.name} {json.dumps(arguments, sort_keys=True)}")


@pytest.fixture
async def official() -> AsyncIterator[tuple[Official, int]]:
    """The running server and its port."""
    server = Official()
    async with serving(server.app()) as port:
        yield server, port


@pytest.fixture
async def bus(
    official: tuple[Official, int],
    *,
    make_bus: MakeBus,
    start: Start,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> Bus:
    """The bus of a toolrunner that has the documented entry, with the server's address in it."""
    monkeypatch.setenv("GITHUB_MCP_TOKEN", "of the tests")
    entry = ENTRY["mcpServers"]["official"] | {"url": f"http://127.0.0.1:{official[1]}/mcp/"}
    file = tmp_path / "official.json"
    file.write_text(json.dumps({"mcpServers": {"official": entry}}), encoding="utf-8")
    found = make_bus("toolrunner")
    settings = settings_for(found, tmp_path, 1, mcp_servers=str(file))
    pin(tmp_path, official=pinned(official[0].tools()))
    write_policy(tmp_path, *(f"official__{name}" for name in NAMES))
    found.settings = settings
    service = build(settings, found)
    await start(service)

    async def ready() -> bool:
        return not await service.health.problems()

    await eventually(ready)
    return found


def test_every_recommended_tool_is_published_as_reading_only_and_names_the_repository() -> None:
    published = {tool["name"]: tool for tool in PUBLISHED}
    for name in NAMES:
        assert published[name]["annotations"]["readOnlyHint"] is True
        assert {"owner", "repo"} <= set(published[name]["required"])
    assert "owner" not in published["search_code"]["arguments"]
    hints = [published[name]["annotations"].get("readOnlyHint") for name in WRITERS]
    assert hints == [None, None, False, False]


def test_what_is_recommended_is_what_the_file_s_loader_takes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GITHUB_MCP_TOKEN", "of the tests")
    file = tmp_path / "servers.json"
    file.write_text(json.dumps(ENTRY), encoding="utf-8")
    headers = load_servers(str(file))["official"].headers
    assert headers["Authorization"] == "Bearer of the tests"
    assert headers["X-MCP-Readonly"] == headers["X-MCP-Lockdown"] == "true"


def test_a_tool_without_the_hint_is_never_called_again_even_where_it_is_allowed() -> None:
    tools = [
        Offered(
            f"official__{tool['name']}",
            "",
            schema_of(tool),
            read_only=tool["annotations"].get("readOnlyHint") is True,
        )
        for tool in PUBLISHED
    ]
    everything = Permits(tuple(tool.name for tool in tools))
    catalogue = catalogue_of(tools, everything, check=StrictSchema())
    assert {f"official__{name}" for name in NAMES} <= catalogue.read_only
    assert not {f"official__{name}" for name in WRITERS} & catalogue.read_only


async def test_of_all_that_is_published_only_the_recommended_is_offered_and_called(
    official: tuple[Official, int], bus: Bus
) -> None:
    server, _ = official
    record = await investigation(bus, "1-1", "1-2", "1-3", "1-4", "1-5", "1-6")
    place = {"owner": "online-boutique", "repo": "microservices-demo"}
    await ask(bus, record, "1-1", tool="official__get_commit", **place, sha="8d41f0b")
    for number, name in enumerate([*WRITERS, "search_code"], start=2):
        await ask(bus, record, f"1-{number}", tool=f"official__{name}", **place)
    read = await told(bus, "1-1")
    refused = [await told(bus, f"1-{number}") for number in range(2, 7)]
    assert read.ok
    assert all("denied: there is no tool" in each.error for each in refused)
    offered = sorted(f"official__{name}" for name in NAMES)
    assert all(each.error.endswith(", ".join([*offered, "read_result"])) for each in refused)
    assert server.calls == ["get_commit"]
    for headers in server.headers:
        assert headers["x-mcp-readonly"] == headers["x-mcp-lockdown"] == "true"
        assert headers["x-mcp-tools"] == ",".join(NAMES)
