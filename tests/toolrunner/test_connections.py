"""Servers that are away, come back, or were never there; and what is offered meanwhile."""

import asyncio
import hashlib
import json
import math
import sys
from pathlib import Path

import pytest
from fastmcp.tools import Tool

from bus.broker import Bus
from bus.connection import as_text
from bus.errors import Unavailable
from bus.lease import NOBODY
from bus.streams import TOOL_CALLS
from bus.testing import eventually
from services.toolrunner.adapters.mcp_connection import Connection
from services.toolrunner.adapters.mcp_http import Bounds
from services.toolrunner.adapters.mcp_servers_file import ServerEntry
from services.toolrunner.app import build
from services.toolrunner.settings import Settings
from tests.conftest import MakeBus, Start
from tests.toolrunner.conftest import Run
from tests.toolrunner.foreign import (
    Shop,
    ask,
    investigation,
    pin,
    pinned,
    serving,
    settings_for,
    told,
)
from tests.toolrunner.policies import write_policy

STDIO_SERVER = """
import os
from fastmcp import FastMCP
server = FastMCP("shop")
@server.tool
def read(topic: str) -> str:
    return topic + " " + os.environ["GREETING"] + " " + str("REDIS_URL" in os.environ)
server.run(show_banner=False)
"""


async def offered(bus: Bus) -> list[str]:
    sha256 = as_text(await bus.redis.get(bus.keys.current_catalogue))
    text = as_text(await bus.redis.get(bus.keys.catalogue(sha256))) if sha256 else "[]"
    return [tool["name"] for tool in json.loads(text)]


async def test_a_server_that_is_away_is_a_gap_and_used_again_when_it_is_back(
    make_bus: MakeBus, start: Start, tmp_path: Path
) -> None:
    bus, shop = make_bus("toolrunner"), Shop()
    async with serving(shop.app()) as port:
        settings = settings_for(bus, tmp_path, port)
        await start(build(settings, bus))
        record = await investigation(bus, "1-1", "1-2", "1-3")
        await ask(bus, record, "1-1", tool="shop__read", topic="tea")
        assert (await told(bus, "1-1")).ok
    await ask(bus, record, "1-2", tool="shop__read", topic="tea")
    finished = await told(bus, "1-2")
    assert not finished.ok
    assert finished.error.startswith("shop: not reachable (")
    assert finished.error.endswith("; nothing was read")
    async with serving(shop.app(), port):
        await ask(bus, record, "1-3", tool="shop__read", topic="tea")
        assert (await told(bus, "1-3")).ok
        assert "shop__read" in await offered(bus)


async def test_a_server_that_was_never_there_fails_no_start_and_changes_no_list_of_tools(
    make_bus: MakeBus, start: Start, tmp_path: Path
) -> None:
    bus, shop = make_bus("toolrunner"), Shop()
    async with serving(shop.app()) as port:
        pass
    service = build(settings_for(bus, tmp_path, port, servers_wait_seconds=0.1), bus)
    await start(service)

    async def ready() -> bool:
        return not await service.health.problems()

    await eventually(ready)
    before = as_text(await bus.redis.get(bus.keys.current_catalogue))
    assert "shop__read" in await offered(bus)
    record = await investigation(bus, "1-1", "1-2")
    await ask(bus, record, "1-1", tool="shop__read", topic="tea")
    assert "shop: not reachable" in (await told(bus, "1-1")).error
    async with serving(shop.app(), port):
        await ask(bus, record, "1-2", tool="shop__read", topic="tea")
        assert (await told(bus, "1-2")).ok
        assert as_text(await bus.redis.get(bus.keys.current_catalogue)) == before


async def test_a_replica_that_has_just_started_takes_no_call_before_its_servers_have_listed(
    make_bus: MakeBus, start: Start, tmp_path: Path
) -> None:
    """What happened: replicas were restarted one by one on a machine with much to do.

    The new one read its streams a while before its servers answered, took calls that the old one
    would have carried out, and told that nothing was reachable.
    """
    bus, shop = make_bus("toolrunner"), Shop()
    async with serving(shop.app()) as port:
        old = build(settings_for(bus, tmp_path, port), bus)
        await start(old)

        async def listed() -> bool:
            return "shop__read" in await offered(bus)

        await eventually(listed)
        record = await investigation(bus, "1-1")
        assert record.catalogue
        await old.stop()
    new = make_bus("toolrunner")
    await start(build(settings_for(new, tmp_path, port), new))
    await ask(new, record, "1-1", tool="shop__read", topic="tea")

    async def handed_back() -> bool:
        rows = await new.redis.xpending_range(
            new.keys.stream(TOOL_CALLS), "toolrunner", min="-", max="+", count=1
        )
        return [as_text(row["consumer"]) for row in rows] == [NOBODY]

    await eventually(handed_back)
    assert not await new.results.started(record.investigation_id)
    async with serving(shop.app(), port):
        assert (await told(new, "1-1")).ok


async def test_the_catalogue_is_canonical_sorted_and_holds_only_what_is_allowed(run: Run) -> None:
    bus = await run()
    sha256 = as_text(await bus.redis.get(bus.keys.current_catalogue))
    text = as_text(await bus.redis.get(bus.keys.catalogue(sha256)))
    tools = json.loads(text)
    names = [tool["name"] for tool in tools]
    assert names == sorted(names)
    assert names == [
        "read_result",
        "shop__fail",
        "shop__flood",
        "shop__hang",
        "shop__label",
        "shop__order",
        "shop__read",
        "shop__sell",
    ]
    assert hashlib.sha256(text.encode()).hexdigest() == sha256
    assert all(set(tool) == {"name", "description", "input_schema", "read_only"} for tool in tools)
    assert [tool["name"] for tool in tools if not tool["read_only"]] == [
        "shop__order",
        "shop__sell",
    ]
    assert all(tool["input_schema"]["additionalProperties"] is False for tool in tools)
    assert await bus.redis.ttl(bus.keys.current_catalogue) > 500
    assert await bus.redis.ttl(bus.keys.catalogue(sha256)) > 3500


async def test_a_call_is_checked_against_the_list_that_its_investigation_pinned(run: Run) -> None:
    bus = await run()
    old = [{"name": "shop__read", "description": "", "input_schema": {"type": "object"}}]
    await bus.redis.set(bus.keys.catalogue("old"), json.dumps(old), ex=60)
    await bus.redis.set(bus.keys.current_catalogue, "old", ex=60)
    record = await investigation(bus, "1-1")
    assert record.catalogue == "old"
    await ask(bus, record, "1-1", tool="shop__flood", size=1)
    assert (await told(bus, "1-1")).error.endswith("offered tools: shop__read")


def with_stdio_server(settings: Settings, folder: Path) -> Settings:
    script = folder / "server.py"
    script.write_text(STDIO_SERVER, encoding="utf-8")
    entry = {"command": sys.executable, "args": [str(script)], "env": {"GREETING": "hello"}}
    servers = Path(settings.mcp_servers)
    servers.write_text(json.dumps({"mcpServers": {"shop": entry}}), encoding="utf-8")

    def read(topic: str) -> str:
        return topic

    pin(folder, shop=pinned([Tool.from_function(read)]))
    write_policy(folder, "shop__read")
    return settings


async def test_a_stdio_server_gets_its_own_variables_and_none_of_ours(
    make_bus: MakeBus, start: Start, tmp_path: Path
) -> None:
    bus = make_bus("toolrunner")
    settings = with_stdio_server(settings_for(bus, tmp_path, 1), tmp_path)
    await start(build(settings, bus))

    async def seen() -> bool:
        return "shop__read" in await offered(bus)

    await eventually(seen, seconds=9)
    record = await investigation(bus, "1-1")
    await ask(bus, record, "1-1", tool="shop__read", topic="tea")
    assert (await told(bus, "1-1")).ok
    result = await bus.results.read(record.investigation_id, "1-1")
    assert result is not None
    assert result.whole == "tea hello False"


async def test_a_call_whose_lease_ran_out_on_the_way_never_leaves_and_costs_no_connection() -> None:
    shop, looked = Shop(), []

    def runs_out_after_the_first_look() -> float:
        looked.append(1)
        if len(looked) > 1:
            raise Unavailable("the lease on this entry has run out")
        return math.inf

    async with serving(shop.app()) as port:
        entry = ServerEntry(url=f"http://127.0.0.1:{port}/mcp")
        connection = Connection("shop", entry, at_once=5, bounds=Bounds(100_000))
        keeping = asyncio.create_task(connection.keep())
        await connection.listed.wait()
        held = connection.call("hang", {}, seconds=5, check=lambda: math.inf, read_only=True)
        other = asyncio.create_task(held)
        await eventually(lambda: asyncio.sleep(0, shop.calls))
        with pytest.raises(Unavailable):
            await connection.call(
                "read",
                {"topic": "tea"},
                seconds=5,
                check=runs_out_after_the_first_look,
                read_only=True,
            )
        assert shop.calls == ["hang"]
        shop.hold.set()
        assert await other == "let go"
        keeping.cancel()
        await asyncio.wait([keeping])
