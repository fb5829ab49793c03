"""What is made again after its answer was lost: what reads, and nothing else."""

import asyncio
import json
import math
import sys
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from pydantic import SecretStr

from bus.broker import Bus
from bus.connection import as_text
from bus.events import ToolCallAudited, ToolCallId
from bus.streams import AUDIT
from bus.testing import events, eventually
from services.toolrunner.adapters.mcp_connection import Connection
from services.toolrunner.adapters.mcp_http import Bounds
from services.toolrunner.adapters.mcp_servers_file import ServerEntry
from services.toolrunner.app import build
from services.toolrunner.ports import ResultUnknown
from tests.chaos.proxy.passage import Cut, Passage, Phase, Verdict
from tests.chaos.proxy.proxy import Proxy
from tests.conftest import MakeBus, Start
from tests.toolrunner.conftest import Run
from tests.toolrunner.foreign import Shop, ask, investigation, serving, settings_for, told
from tests.toolrunner.processes import running

STARTED = "was started before; whether it was carried out is unknown; it is not called again"
LOST = "the call may have been made; its result is unknown; not called again"

STDIO_SERVER = """
import os, sys
from fastmcp import FastMCP
server = FastMCP("shop")
@server.tool
def sell(item: str) -> str:
    with open(sys.argv[1], "a", encoding="utf-8") as sales:
        sales.write(item + "\\n")
    os._exit(1)
server.run(show_banner=False)
"""
Killed = Callable[[str], Awaitable[Bus]]


async def outcomes(bus: Bus) -> list[str]:
    found = await events(bus, AUDIT)
    return [event.outcome for event in found if isinstance(event, ToolCallAudited)]


@pytest.mark.parametrize("tool", ["sell", "order"])
async def test_a_started_call_that_may_change_something_is_never_made_again(
    run: Run, shop: Shop, tool: str
) -> None:
    bus = await run()
    record = await investigation(bus, "1-1")
    await bus.results.start(record.investigation_id, ToolCallId("1-1"), by="a replica that died")
    for times in (1, 2):
        await ask(bus, record, "1-1", tool=f"shop__{tool}", item="tea")
        finished = await told(bus, "1-1", times)
        assert finished.error == f"shop__{tool} {STARTED}"
    assert shop.calls == []
    assert await outcomes(bus) == ["unknown"]
    result = await bus.results.read(record.investigation_id, "1-1")
    assert result is not None
    assert (result.ok, result.whole) == (False, "")


@pytest.mark.parametrize("tool", ["sell", "order"])
async def test_a_call_that_may_change_something_is_made_once_when_nothing_is_lost(
    run: Run, shop: Shop, tool: str
) -> None:
    bus = await run()
    record = await investigation(bus, "1-1")
    for times in (1, 2):
        await ask(bus, record, "1-1", tool=f"shop__{tool}", item="tea")
        assert (await told(bus, "1-1", times)).ok
    assert shop.calls == [f"{tool} tea"]
    assert await outcomes(bus) == ["executed"]


@pytest.fixture
def detour(redis_url: str) -> Iterator[tuple[Proxy, SecretStr]]:
    """A proxy on the way to Redis, and the URL by which one gets there."""
    proxy, to = Proxy(), urlsplit(redis_url)
    ports = proxy.open("one", "toolrunner", {"redis": (to.hostname or "", to.port or 6379)})
    yield proxy, SecretStr(f"redis://127.0.0.1:{ports['redis']}{to.path}")
    proxy.close()


async def test_a_call_whose_recorded_start_was_not_answered_is_made_once(
    make_bus: MakeBus, start: Start, shop: Shop, detour: tuple[Proxy, SecretStr], tmp_path: Path
) -> None:
    """The client repeated the script, whose owner was told that somebody had started it before.

    The call was never sent, and the model and the audit heard of an owner that had died.
    """
    proxy, redis_url = detour
    bus = make_bus("toolrunner", redis_url=redis_url)
    cuts = [Cut()]

    def cut_once(passage: Passage, phase: Phase) -> Verdict | None:
        recorded = (passage.operation, passage.answer) == ("commit: start_call", "first")
        return cuts.pop() if recorded and phase == "between" and cuts else None

    proxy.hook = cut_once
    async with serving(shop.app()) as port:
        await start(build(settings_for(bus, tmp_path, port), bus))
        record = await investigation(bus, "1-1")
        await ask(bus, record, "1-1", tool="shop__sell", item="tea")
        assert (await told(bus, "1-1")).ok
    assert cuts == []
    assert shop.calls == ["sell tea"]
    assert await outcomes(bus) == ["executed"]


async def test_a_call_whose_connection_breaks_is_made_again_only_if_it_reads(
    run: Run, shop: Shop
) -> None:
    bus = await run()
    record = await investigation(bus, "1-1", "1-2", "1-3")
    shop.lost = 1
    await ask(bus, record, "1-1", tool="shop__read", topic="tea")
    assert (await told(bus, "1-1")).ok
    assert shop.calls == ["read tea"] * 2
    for call_id, tool in (("1-2", "sell"), ("1-3", "order")):
        shop.lost = 1
        shop.calls.clear()
        await ask(bus, record, call_id, tool=f"shop__{tool}", item="tea")
        finished = await told(bus, call_id)
        assert finished.error.startswith("shop: the connection was lost")
        assert finished.error.endswith(LOST)
        assert shop.calls == [f"{tool} tea"]
    assert await outcomes(bus) == ["executed", "unknown", "unknown"]


async def test_a_call_that_may_change_something_and_does_not_answer_is_of_unknown_result(
    run: Run, shop: Shop
) -> None:
    bus = await run(tool_seconds=0.5)
    record = await investigation(bus, "1-1")
    await ask(bus, record, "1-1", tool="shop__sell", item="tea", slowly=True)
    finished = await told(bus, "1-1")
    assert "no answer within" in finished.error
    assert finished.error.endswith(LOST)
    assert shop.calls == ["sell tea"]
    assert await outcomes(bus) == ["unknown"]


async def test_a_call_that_never_left_is_not_said_to_be_of_unknown_result(
    make_bus: MakeBus, start: Start, tmp_path: Path
) -> None:
    bus, shop = make_bus("toolrunner"), Shop()
    async with serving(shop.app()) as port:
        await start(build(settings_for(bus, tmp_path, port), bus))
        record = await investigation(bus, "1-1", "1-2")
        await ask(bus, record, "1-1", tool="shop__sell", item="tea")
        assert (await told(bus, "1-1")).ok
    await ask(bus, record, "1-2", tool="shop__sell", item="more tea")
    assert (await told(bus, "1-2")).error.startswith("shop: not reachable (")
    assert shop.calls == ["sell tea"]


async def test_a_catalogue_that_does_not_say_what_reads_is_read_and_repeats_nothing_of_others(
    run: Run, shop: Shop
) -> None:
    """As an earlier release published it, with what a later one may add."""
    bus = await run()
    names = ("read_result", "shop__read")
    old = [
        {"name": name, "description": "", "input_schema": {"type": "object"}, "later": 1}
        for name in names
    ]
    await bus.redis.set(bus.keys.catalogue("old"), json.dumps(old), ex=60)
    await bus.redis.set(bus.keys.current_catalogue, "old", ex=60)
    record = await investigation(bus, "1-1", "1-2", "1-3")
    await ask(bus, record, "1-1", tool="shop__read", topic="tea")
    assert (await told(bus, "1-1")).ok
    for call_id in ("1-2", "1-3"):
        await bus.results.start(record.investigation_id, ToolCallId(call_id), by="a dead replica")
    await ask(bus, record, "1-2", tool="shop__read", topic="tea")
    assert (await told(bus, "1-2")).error == f"shop__read {STARTED}"
    await ask(bus, record, "1-3", tool="read_result", call_id="1-1")
    assert (await told(bus, "1-3")).ok
    assert shop.calls == ["read tea"]


async def test_the_pinned_list_decides_although_the_server_says_otherwise_by_now(
    run: Run, shop: Shop
) -> None:
    bus = await run()
    sha256 = as_text(await bus.redis.get(bus.keys.current_catalogue))
    tools = json.loads(as_text(await bus.redis.get(bus.keys.catalogue(sha256))))
    for tool in tools:
        tool["read_only"] = tool["name"] != "shop__read"
    await bus.redis.set(bus.keys.catalogue("pinned"), json.dumps(tools), ex=60)
    await bus.redis.set(bus.keys.current_catalogue, "pinned", ex=60)
    record = await investigation(bus, "1-1")
    await bus.results.start(record.investigation_id, ToolCallId("1-1"), by="a replica that died")
    await ask(bus, record, "1-1", tool="shop__read", topic="tea")
    assert (await told(bus, "1-1")).error == f"shop__read {STARTED}"
    assert shop.calls == []


@pytest.fixture
async def killed(make_bus: MakeBus, shop: Shop, shop_port: int, tmp_path: Path) -> Killed:
    """`killed(tool)`: a process that was killed while its call of that tool was under way."""
    bus = make_bus("reader")
    settings = settings_for(bus, tmp_path, shop_port)
    redis_url: SecretStr = bus.settings.redis_url
    variables = {
        "REDIS_URL": redis_url.get_secret_value(),
        "NIGHTSHIFT_STREAM_PREFIX": bus.settings.stream_prefix,
        "NIGHTSHIFT_HTTP_HOST": "127.0.0.1",
        "NIGHTSHIFT_HTTP_PORT": "0",
        "NIGHTSHIFT_LEASE_SECONDS": "1",
        "NIGHTSHIFT_MCP_SERVERS": settings.mcp_servers,
        "NIGHTSHIFT_POLICY_DIR": settings.policy_dir,
    }

    async def offered() -> bool:
        return bool(await bus.redis.exists(bus.keys.current_catalogue))

    async def under_way() -> bool:
        return bool(shop.calls)

    async def kill(tool: str) -> Bus:
        arguments = {"item": "tea", "slowly": True} if tool == "sell" else {}
        async with running("services.toolrunner", **variables) as process:
            await eventually(offered, seconds=40)
            record = await investigation(bus, "1-1")
            await ask(bus, record, "1-1", tool=f"shop__{tool}", **arguments)
            await eventually(under_way)
            process.kill()
            await process.wait()
        shop.hold.set()
        return bus

    return kill


@pytest.mark.timeout(60)
@pytest.mark.parametrize(
    ("tool", "came_of_it"),
    [("hang", (["hang", "hang"], "repeated")), ("sell", (["sell tea"], "unknown"))],
)
async def test_the_successor_of_a_killed_toolrunner_repeats_only_what_reads(
    killed: Killed, run: Run, shop: Shop, tool: str, came_of_it: tuple[list[str], str]
) -> None:
    bus = await killed(tool)
    await run(lease_seconds=1.0)
    finished = await told(bus, "1-1")
    made, outcome = came_of_it
    assert shop.calls == made
    assert await outcomes(bus) == [outcome]
    assert finished.ok is (outcome == "repeated")


@pytest.mark.timeout(60)
async def test_a_server_of_standard_input_that_dies_over_a_call_leaves_its_result_unknown(
    tmp_path: Path,
) -> None:
    script, sales = tmp_path / "server.py", tmp_path / "sales.txt"
    script.write_text(STDIO_SERVER, encoding="utf-8")
    entry = ServerEntry(command=sys.executable, args=[str(script), str(sales)])
    connection = Connection("shop", entry, at_once=5, bounds=Bounds(100_000))
    keeping = asyncio.create_task(connection.keep())
    await asyncio.wait_for(connection.listed.wait(), 30)
    with pytest.raises(ResultUnknown):
        await connection.call(
            "sell", {"item": "tea"}, seconds=30, check=lambda: math.inf, read_only=False
        )
    assert sales.read_text(encoding="utf-8") == "tea\n"
    keeping.cancel()
    await asyncio.wait([keeping])
