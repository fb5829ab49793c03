"""Entries that lost several owners are handled beside few others. On a real Redis."""

import asyncio

import pytest

from bus.broker import Route
from bus.connection import as_text
from bus.envelope import Entry
from bus.events import InvestigationId, TurnDue
from bus.process import build_app
from bus.streams import TURNS
from bus.testing import all_settled, dead_letters, eventually
from tests.conftest import MakeBus, Start

pytestmark = pytest.mark.timeout(30)
INV = InvestigationId("inc-1")
LOST_OWNERS = 3


async def test_what_may_kill_its_process_takes_few_with_it(make_bus: MakeBus, start: Start) -> None:
    """A turn killed its process six times, and all that ran beside it was set aside with it."""
    bus = make_bus("reasoner", lease_seconds=1)
    key = bus.keys.stream(TURNS)
    ids = [await bus.publish(TurnDue(investigation_id=INV, turn=turn)) for turn in range(1, 21)]
    await bus.redis.xgroup_create(key, "reasoner", id="0")
    await bus.redis.xreadgroup("reasoner", "dead", {key: ">"})
    await bus.redis.xclaim(key, "reasoner", "dead", 0, [*ids], retrycount=LOST_OWNERS, justid=True)
    running: set[str] = set()
    most: list[int] = []
    may_go_on = asyncio.Event()

    async def handle(event: TurnDue, entry: Entry) -> None:
        running.add(entry.entry_id)
        most.append(len(running))
        await may_go_on.wait()
        running.discard(entry.entry_id)

    await start(build_app(bus, [Route(TURNS, TurnDue, handle)]))

    async def others_keep_their_count() -> bool:
        rows = await bus.redis.xpending_range(key, "reasoner", min="-", max="+", count=99)
        counts = {as_text(row["message_id"]): row["times_delivered"] for row in rows}
        handed_back = [counts[entry_id] for entry_id in ids if entry_id not in running]
        return bool(running) and set(handed_back) == {LOST_OWNERS}

    await eventually(others_keep_their_count, 9)
    assert max(most) == 4
    may_go_on.set()

    async def settled() -> bool:
        return await all_settled(bus, TURNS, group="reasoner")

    await eventually(settled, 9)
    assert await dead_letters(bus, TURNS) == []
    assert len(most) == len(ids)
