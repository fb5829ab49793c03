"""Due turns whose owners died, and handlers that wait until they are let go, for tests.

An entry's turn number says which one it is; the number of owners it has lost is set as a dead
process would leave it.
"""

import asyncio
from dataclasses import dataclass, field

from bus.connection import as_text
from bus.envelope import Entry
from bus.events import Event, InvestigationId, ToolCallFinished, TurnDue
from bus.port import Bus, Route
from bus.process import Service, build_app
from bus.streams import TOOL_RESULTS, TURNS, Stream
from bus.testing import all_settled, dead_letters, eventually

INV = InvestigationId("inc-1")


@dataclass
class Work:
    """Handlers that wait until they are let go, and who ran beside whom."""

    bus: Bus
    began: list[int] = field(default_factory=list)
    beside: dict[int, set[int]] = field(default_factory=dict)
    """By turn, all that ran when it began; a tool result is turn 0."""
    running: set[int] = field(default_factory=set)
    deliveries: dict[int, int] = field(default_factory=dict)
    let_go: dict[int, asyncio.Event] = field(default_factory=dict)
    ids: dict[int, str] = field(default_factory=dict)

    async def handle(self, event: Event, entry: Entry) -> None:
        turn = event.turn if isinstance(event, TurnDue) else 0
        self.began.append(turn)
        self.deliveries[turn] = entry.delivery_count
        self.running.add(turn)
        for one in self.running:
            self.beside.setdefault(one, set()).update(self.running - {one})
        try:
            await self.let_go.setdefault(turn, asyncio.Event()).wait()
        finally:
            self.running.discard(turn)

    def finish(self, *turns: int) -> None:
        for turn in turns:
            self.let_go.setdefault(turn, asyncio.Event()).set()

    async def service(self) -> Service:
        key = self.bus.keys.stream(TURNS)
        await self.bus.redis.xgroup_create(key, "reasoner", id="0", mkstream=True)
        return self.replica()

    def replica(self) -> Service:
        """One of them, once the group stands."""
        routes = [
            Route(TURNS, TurnDue, self.handle),
            Route(TOOL_RESULTS, ToolCallFinished, self.handle),
        ]
        return build_app(self.bus, routes)

    async def publish(self, *turns: int, lost: int = 0, idle_seconds: float = 1000) -> None:
        """Those turns are due, after so many owners were lost, the last one so long ago."""
        idle = round(1000 * idle_seconds)
        key = self.bus.keys.stream(TURNS)
        for turn in turns:
            due = TurnDue(investigation_id=INV, turn=turn)
            if not lost:
                self.ids[turn] = await self.bus.publish(due)
                continue
            async with self.bus.redis.pipeline() as together:
                together.xadd(key, {"event": "TurnDue", "data": due.model_dump_json()})
                together.xreadgroup("reasoner", "dead", {key: ">"}, count=1)
                self.ids[turn] = as_text((await together.execute())[0])
            claimed: list[int | bytes | str | memoryview] = [self.ids[turn]]
            await self.bus.redis.xclaim(
                key, "reasoner", "dead", 0, claimed, retrycount=lost, justid=True, idle=idle
            )

    async def counts(self) -> dict[int, int]:
        """Deliveries of all that is pending, by turn."""
        key = self.bus.keys.stream(TURNS)
        rows = await self.bus.redis.xpending_range(key, "reasoner", min="-", max="+", count=999)
        turns = {entry_id: turn for turn, entry_id in self.ids.items()}
        return {turns[as_text(row["message_id"])]: int(row["times_delivered"]) for row in rows}

    async def refused(self, *turns: int) -> None:
        """Those turns were here and were handed back uncounted."""
        key = self.bus.keys.stream(TURNS)

        async def all_were() -> bool:
            rows = await self.bus.redis.xpending_range(key, "reasoner", min="-", max="+", count=999)
            owners = {as_text(row["message_id"]): row["consumer"] for row in rows}
            return all(owners[self.ids[turn]] != b"dead" for turn in turns)

        await eventually(all_were, 9)

    async def idle_seconds(self, turn: int) -> float:
        """For how long the turn's lease was not renewed."""
        key, one = self.bus.keys.stream(TURNS), self.ids[turn]
        rows = await self.bus.redis.xpending_range(key, "reasoner", min=one, max=one, count=1)
        return float(rows[0]["time_since_delivered"]) / 1000

    async def runs(self, *turns: int) -> None:
        async def they_run() -> bool:
            return self.running == set(turns)

        await eventually(they_run, 9)

    async def settled(self, stream: Stream = TURNS) -> None:
        async def nothing_is_left() -> bool:
            return await all_settled(self.bus, stream, group="reasoner")

        await eventually(nothing_is_left, 15)
        assert await dead_letters(self.bus, stream) == []
