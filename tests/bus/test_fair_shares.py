"""A replica takes what it can work on, and leaves the rest to the others. On a real Redis."""

import asyncio
from collections import Counter

import pytest

from bus.broker import Bus, Route
from bus.connection import as_text
from bus.envelope import Entry
from bus.events import InvestigationId, TurnDue
from bus.process import build_app
from bus.streams import TURNS
from bus.testing import all_settled, eventually
from tests.conftest import MakeBus, Start

pytestmark = pytest.mark.timeout(30)
INV = InvestigationId("inc-1")
WORKERS = 3
READ_AHEAD = 2
"""One entry waits in the reader for a free worker; one more may wait for the handler to begin."""


async def shares(bus: Bus) -> Counter[str]:
    """How many entries each replica holds."""
    key = bus.keys.stream(TURNS)
    rows = await bus.redis.xpending_range(key, "reasoner", min="-", max="+", count=1000)
    return Counter(as_text(row["consumer"]) for row in rows)


async def test_no_replica_takes_more_of_what_waited_than_it_has_workers_for(
    make_bus: MakeBus, start: Start
) -> None:
    buses = [make_bus("reasoner", max_workers=WORKERS, drain_seconds=0.1) for _ in range(3)]
    running: Counter[str] = Counter()
    done: Counter[str] = Counter()
    may_go_on = asyncio.Event()
    for turn in range(1, 61):
        await buses[0].publish(TurnDue(investigation_id=INV, turn=turn))

    for bus in buses:
        replica = bus.settings.consumer

        async def handle(event: TurnDue, entry: Entry, replica: str = replica) -> None:
            running[replica] += 1
            await may_go_on.wait()
            done[replica] += 1

        await start(build_app(bus, [Route(TURNS, TurnDue, handle)]))

        async def all_its_workers_are_busy(replica: str = replica) -> bool:
            return running[replica] == WORKERS

        # The first has the whole stream to itself before the second begins.
        await eventually(all_its_workers_are_busy)
    held = await shares(buses[0])
    assert len(held) == len(buses)
    assert max(held.values()) <= WORKERS + READ_AHEAD
    may_go_on.set()

    async def all_handled() -> bool:
        return await all_settled(buses[0], TURNS, group="reasoner")

    await eventually(all_handled, 9)
    assert done.total() == 60
