"""A server that fails again and again, is away or is asked too fast: what the model is told."""

import asyncio
import math
import re
import threading
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from bus.errors import ToolFailed, Unavailable
from bus.testing import eventually
from services.toolrunner.adapters.mcp_guard import Limits
from services.toolrunner.adapters.mcp_servers import McpServers
from services.toolrunner.adapters.mcp_servers_file import ServerEntry
from services.toolrunner.pins import Lock
from services.toolrunner.reading import in_time
from tests.toolrunner.foreign import Shop, pinned, serving

GAP = "what read shows is a gap in this diagnosis; nothing was read"
SHOP = pinned(Shop().tools())
LIMITS = Limits(at_once=2, max_bytes=100_000, per_second=0, failures=2, pause=60)


def entry(port: int, **limits: object) -> ServerEntry:
    return ServerEntry.model_validate({"url": f"http://127.0.0.1:{port}/mcp"} | limits)


@asynccontextmanager
async def kept(
    server: ServerEntry, limits: Limits, *, listed: bool = True
) -> AsyncIterator[McpServers]:
    servers = McpServers({"shop": server}, limits, lock=Lock({"shop": SHOP}))
    keeping = asyncio.create_task(servers.keep())
    if listed:
        await servers.all_listed(5)
        assert servers.tools()
    yield servers
    keeping.cancel()
    await asyncio.wait([keeping])


async def said(servers: McpServers, tool: str = "read", *, seconds: float = 5.0) -> str:
    """What a call was answered, or told."""
    arguments = {"topic": "tea"} if tool == "read" else {}
    try:
        return await servers.call(
            f"shop__{tool}", arguments, seconds=seconds, check=lambda: math.inf, read_only=True
        )
    except ToolFailed as error:
        return str(error)


class Broken:
    """An application that answers calls with 500 while it is `broken`."""

    def __init__(self, inner: ASGIApp) -> None:
        self.inner, self.broken, self.asked = inner, False, 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer, or break."""
        message = await receive()
        is_call = scope["type"] == "http" and b'"tools/call"' in message.get("body", b"")
        self.asked += is_call
        if is_call and self.broken:
            await send({"type": "http.response.start", "status": 500, "headers": []})
            await send({"type": "http.response.body", "body": b""})
            return
        messages = [message]

        async def again() -> Message:
            return messages.pop() if messages else await receive()

        await self.inner(scope, again, send)


async def test_a_server_that_is_away_is_a_gap_that_says_since_when() -> None:
    async with serving(Shop().app()) as port:
        pass
    async with kept(entry(port), LIMITS, listed=False) as servers:
        told = await said(servers, seconds=0.5)
    assert re.fullmatch(rf"shop: not reachable \(since \d\d:\d\d:\d\d UTC: .+\); {GAP}", told)


async def test_after_failures_in_a_row_a_server_is_not_asked_and_the_answer_comes_at_once() -> None:
    async with serving(Shop().app()) as port, kept(entry(port), LIMITS) as servers:
        for _ in range(2):
            assert await said(servers, "hang", seconds=0.2) == "shop: no answer within 0 s"
        told = await said(servers)
    why = "it failed 2 times in a row, last: no answer within 0 s; it is asked again in 60 s"
    assert told == f"shop: not asked ({why}); {GAP}"


async def test_what_a_tool_says_went_wrong_is_an_answer_and_no_failure_of_its_server() -> None:
    async with serving(Shop().app()) as port, kept(entry(port), LIMITS) as servers:
        for _ in range(5):
            assert await said(servers, "fail") == "missing permission: read shelves"
        assert (await said(servers)).startswith("tea line 1")


async def test_after_the_pause_one_call_tries_and_its_answer_lets_the_others_through() -> None:
    shop, limits = Shop(), Limits(at_once=5, max_bytes=100_000, failures=2, pause=0.3)
    async with serving(shop.app()) as port, kept(entry(port), limits) as servers:
        for _ in range(2):
            await said(servers, "hang", seconds=0.2)
        assert "not asked" in await said(servers)

        async def tried() -> bool:
            return (await said(servers)).startswith("tea")

        await eventually(tried)
        told = await asyncio.gather(*(said(servers) for _ in range(5)))
    assert all(answer.startswith("tea") for answer in told)


async def test_a_server_that_answers_500_is_left_alone_and_other_servers_are_not() -> None:
    broken, shop = Broken(Shop().app()), Shop()
    async with serving(broken) as port, serving(shop.app()) as other:
        servers = McpServers(
            {"shop": entry(port), "well": entry(other)},
            LIMITS,
            lock=Lock({"shop": SHOP, "well": SHOP}),
        )
        keeping = asyncio.create_task(servers.keep())
        await servers.all_listed(5)
        broken.broken = True
        told = [await said(servers) for _ in range(2)]
        asked = broken.asked
        left_alone = await said(servers)
        fine = await servers.call(
            "well__read", {"topic": "tea"}, seconds=5, check=lambda: math.inf, read_only=True
        )
        keeping.cancel()
        await asyncio.wait([keeping])
    assert told == ["shop: it answered HTTP 500; nothing was read"] * 2
    last = "last: it answered HTTP 500; it is asked again in"
    assert left_alone.startswith(f"shop: not asked (it failed 2 times in a row, {last}")
    assert broken.asked == asked == 2
    assert fine.startswith("tea")


async def test_a_server_that_was_gone_and_is_back_is_asked_without_a_pause() -> None:
    async with serving(Shop().app()) as port:
        pass
    async with kept(entry(port), LIMITS, listed=False) as servers:
        told = await asyncio.gather(*(said(servers, seconds=0.5) for _ in range(2)))
        assert all("not reachable" in each for each in told)
        assert "not asked" in await said(servers)
        async with serving(Shop().app(), port):
            await servers.all_listed(9)
            assert (await said(servers)).startswith("tea")


async def test_a_call_that_was_not_made_says_nothing_about_its_server() -> None:
    def not_held() -> float:
        raise Unavailable("the lease on this entry has run out")

    async with serving(Shop().app()) as port, kept(entry(port), LIMITS) as servers:
        await said(servers, "hang", seconds=0.2)
        with pytest.raises(Unavailable):
            await servers.call(
                "shop__read", {"topic": "tea"}, seconds=5, check=not_held, read_only=True
            )
        await said(servers, "hang", seconds=0.2)
        assert "not asked" in await said(servers)


async def test_a_call_whose_turn_comes_too_late_is_told_so_at_once() -> None:
    shop = Shop()
    server = {"callsPerSecond": 0.1}
    async with serving(shop.app()) as port, kept(entry(port, **server), LIMITS) as servers:
        assert (await said(servers)).startswith("tea")
        told = await said(servers)
    why = "too many calls wait for their turn at 0.1 calls a second"
    assert told == f"shop: not asked ({why}); {GAP}"
    assert shop.calls == ["read tea"]


async def test_calls_beyond_the_pace_wait_for_their_turn() -> None:
    shop = Shop()
    async with serving(shop.app()) as port, kept(entry(port, callsPerSecond=20), LIMITS) as servers:
        loop = asyncio.get_running_loop()
        began = loop.time()
        told = [await said(servers) for _ in range(24)]
        took = loop.time() - began
    assert all(answer.startswith("tea") for answer in told)
    assert took >= 4 / 20


async def test_an_entry_may_allow_more_calls_at_once_than_the_setting() -> None:
    shop = Shop()
    async with serving(shop.app()) as port, kept(entry(port, callsAtOnce=4), LIMITS) as servers:
        calls = [asyncio.create_task(said(servers, "hang")) for _ in range(6)]
        await eventually(lambda: asyncio.sleep(0, len(shop.calls) >= 4))
        for _ in range(20):
            await asyncio.sleep(0)
        assert len(shop.calls) == 4
        shop.hold.set()
        assert await asyncio.gather(*calls) == ["let go"] * 6


async def test_what_cannot_be_cleaned_in_time_is_an_error_that_says_so() -> None:
    let_go = threading.Event()
    with pytest.raises(ToolFailed, match="could not be cleaned in the time that was left"):
        await in_time(let_go.wait, until=time.monotonic() - 0.8)
    let_go.set()
    assert await in_time(lambda: "clean", until=time.monotonic()) == "clean"
