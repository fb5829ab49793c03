"""Calls that share a session with an MCP server: what ends one of them leaves the others alone.

Each call beside it is sent once. They did not: the client ended the session for all when one HTTP
exchange broke, and each of them was sent again.
"""

import asyncio
import math
import time
from collections.abc import Awaitable, Callable
from functools import partial
from pathlib import Path

import pytest
from starlette.types import Receive, Scope, Send

from bus.broker import Bus
from bus.record import Record, end_from_outside
from bus.testing import eventually
from services.toolrunner.adapters.mcp_connection import Connection
from services.toolrunner.adapters.mcp_http import KEPT_SECONDS, Bounds
from services.toolrunner.adapters.mcp_servers_file import ServerEntry
from services.toolrunner.app import build
from tests.chaos.proxy.passage import Cut, Passage, Phase, Verdict
from tests.chaos.proxy.proxy import Proxy
from tests.conftest import MakeBus, Start
from tests.toolrunner.foreign import Shop, ask, investigation, serving, settings_for, told

BESIDE = tuple(f"1-{number}" for number in range(1, 7))
"""Calls of one incident that are under way when something ends the call of another."""
OTHER = "2-1"
Ends = Callable[[Bus, Shop, Record], Awaitable[list[str]]]


async def is_stopped_by_a_person(bus: Bus, shop: Shop, record: Record) -> list[str]:
    await ask(bus, record, OTHER, tool="shop__hang")
    await eventually(lambda: hanging(shop, len(BESIDE) + 1))
    at = await bus.investigations.now()
    ends = partial(end_from_outside, outcome="cancelled", at=at, reason="stopped by a person")
    await bus.investigations.apply(record.investigation_id, ends)
    await eventually(lambda: asyncio.sleep(0, shop.given_up))
    return ["hang"]


async def loses_its_answer(bus: Bus, shop: Shop, record: Record) -> list[str]:
    shop.lost = 1
    await ask(bus, record, OTHER, tool="shop__read", topic="tea")
    assert (await told(bus, OTHER)).ok
    return ["read tea"] * 2


async def is_cut_off(bus: Bus, shop: Shop, record: Record) -> list[str]:
    """The proxy resets the connection of the call that sells, before the server has it."""
    await ask(bus, record, OTHER, tool="shop__sell", item="tea")
    assert "; not called again" in (await told(bus, OTHER)).error
    return []


def cut_what_sells(passage: Passage, phase: Phase) -> Verdict | None:
    return Cut() if phase == "before" and passage.call.endswith("__sell") else None


@pytest.mark.parametrize("ends", [is_stopped_by_a_person, loses_its_answer, is_cut_off])
async def test_calls_beside_one_that_ends_early_are_sent_once_and_answered(
    make_bus: MakeBus, start: Start, shop: Shop, ends: Ends, tmp_path: Path
) -> None:
    bus, proxy = make_bus("toolrunner"), Proxy()
    proxy.hook = cut_what_sells
    async with serving(shop.app()) as port:
        ports = proxy.open("one", "toolrunner", {"mcp": ("127.0.0.1", port)})
        # The proxy hides from the server that a caller has left.
        port = ports["mcp"] if ends is is_cut_off else port
        await start(build(settings_for(bus, tmp_path, port), bus))
        record = await investigation(bus, *BESIDE)
        other = await investigation(bus, OTHER, incident_id="inc-2")
        for call_id in BESIDE:
            await ask(bus, record, call_id, tool="shop__hang")
        await eventually(lambda: hanging(shop, len(BESIDE)))
        made = await ends(bus, shop, other)
        shop.hold.set()
        assert all([(await told(bus, call_id)).ok for call_id in BESIDE])
        proxy.close()
    assert sorted(shop.calls) == sorted([*["hang"] * len(BESIDE), *made])


async def hanging(shop: Shop, times: int) -> bool:
    return shop.calls.count("hang") == times


async def test_a_connection_that_lay_unused_is_not_used_again() -> None:
    """Its server may be about to close it, and loses what comes in at that moment."""
    shop, came_from = Shop(), []
    inner = shop.app()

    async def outer(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            came_from.append(scope["client"])
        await inner(scope, receive, send)

    async with serving(outer) as port:
        entry = ServerEntry(url=f"http://127.0.0.1:{port}/mcp")
        connection = Connection("shop", entry, at_once=5, bounds=Bounds(100_000))
        keeping = asyncio.create_task(connection.keep())
        await connection.listed.wait()
        read = partial(
            connection.call,
            "read",
            {"topic": "tea"},
            seconds=5,
            check=lambda: math.inf,
            read_only=True,
        )
        for _ in range(2):
            await read()
        used, again_at = set(came_from), time.monotonic() + KEPT_SECONDS
        assert len(used) < len(came_from)
        await eventually(lambda: asyncio.sleep(0, time.monotonic() > again_at), seconds=9)
        await read()
        assert came_from[-1] not in used
        keeping.cancel()
        await asyncio.wait([keeping])
