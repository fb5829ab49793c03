"""Alarms, recoveries, stops and time in any order: what is promised holds after every step.

What is checked is written down here a second time, without a look at how ingest keeps it.
"""

import random
from collections import Counter
from collections.abc import AsyncIterator
from dataclasses import dataclass, field

import pytest

from bus.connection import as_text
from bus.events import Severity
from services.ingest.limits import Limits
from services.ingest.trigger import Decision
from tests.conftest import MakeBus
from tests.ingest.shift import Shift
from tests.lane import Lane

LIMITS = Limits(
    repeat_seconds=1205,
    source_burst=5,
    source_seconds=45,
    max_open=4,
    max_new=6,
    window_seconds=605,
    held_seconds=605,
    gather_seconds=15,
    deadline_seconds=300,
)
NAMES = [f"k{number}" for number in range(14)]
GRADES: tuple[Severity, ...] = ("critical", "error", "error", "warning", "info")
NODES = ("", "", "n1", "n2")
"""What a problem may be about; most are about nothing that lasts."""
MOST_SUMMARIES = 5
"""In any window: they gather for 15, 30, 60, 120 and 240 seconds."""


def name_of(kind: str) -> str:
    """The alarm's name: all critical problems have one."""
    return "worst" if NAMES.index(kind) % len(GRADES) == 0 else kind


@dataclass
class Oracle:
    """What must hold, from what was sent and what stands on the stream."""

    shift: Shift
    clock: float = 0.0
    sent: int = 0
    links: list[tuple[str, Decision]] = field(default_factory=list)
    alarmed_at: dict[tuple[str, str], float] = field(default_factory=dict)
    opened_at: dict[str, list[float]] = field(default_factory=dict)
    new: list[tuple[float, str]] = field(default_factory=list)
    seen: int = 0
    not_opened: set[str] = field(default_factory=set)
    """Whose last alarm waited or was folded: its turn, or the end of its summary, may open."""

    alone: list[float] = field(default_factory=list)
    summaries: list[float] = field(default_factory=list)

    async def look(self, alarmed: str = "", node: str = "") -> None:
        """After each step: the new incidents are allowed, and no place too many is taken."""
        incidents = await self.shift.incidents()
        beyond = False
        for incident in incidents[self.seen :]:
            if incident.alarm is None:
                beyond = True
                self.summaries.append(self.clock)
                continue
            name, kind = incident.service, incident.severity
            beyond = beyond or kind == "critical"
            if await was_alone(self.shift, str(incident.incident_id)):
                self.opened_at.setdefault(name, []).append(self.clock)
                self.alone.append(self.clock)
                beyond = True
                continue
            if kind == "critical":
                self.may_be_critical()
            if name == alarmed and name not in self.not_opened:
                quiet = self.clock - self.alarmed_at.get((name, node), -1e9)
                was = self.opened_at.get(name, [])
                assert quiet > LIMITS.repeat_seconds or not was, f"{name} twice in its window"
            self.opened_at.setdefault(name, []).append(self.clock)
            self.new.append((self.clock, kind))
        self.seen = len(incidents)
        summaries = [at for at in (*self.summaries, *self.alone) if self.is_within(at)]
        assert len(summaries) <= MOST_SUMMARIES, "too many summaries in a window"
        within = self.kinds_within()
        critical = within.count("critical")
        assert len(within) - critical <= LIMITS.max_new - 1, "too many new ones in a window"
        if not beyond and self.seen_places < len(await self.shift.places()):
            assert len(await self.shift.places()) <= LIMITS.max_open, "a place too many"
        self.seen_places = len(await self.shift.places())

    seen_places: int = 0

    def is_within(self, at: float) -> bool:
        """Whether that was in the last window."""
        return self.clock - at < LIMITS.window_seconds

    def kinds_within(self) -> list[str]:
        """The severities of what opened in the last window."""
        return [kind for at, kind in self.new if self.is_within(at)]

    def may_be_critical(self) -> None:
        """One of them passes the limits of its window, all have one name; others are counted."""
        within = self.kinds_within()
        assert "critical" not in within or len(within) < LIMITS.max_new, (
            "critical beyond the number"
        )


async def step(oracle: Oracle, draw: random.Random) -> None:
    """One thing happens, and what is promised still holds."""
    shift = oracle.shift
    what = draw.choices(["raised", "recovered", "stopped", "time", "drain"], [12, 2, 3, 3, 3])[0]
    if what == "raised":
        name = draw.choice(NAMES)
        grade = GRADES[NAMES.index(name) % len(GRADES)]
        source, node = f"source-{NAMES.index(name) % 2}", draw.choice(NODES)
        named = name_of(name)
        decision = await shift.raised(
            named, severity=grade, source=source, service=name, labels={"node": node}
        )
        oracle.sent += 1
        oracle.links.append((name, decision))
        await oracle.look(name, node)
        if decision.outcome in {"held", "folded"}:
            oracle.not_opened.add(name)
        else:
            oracle.not_opened.discard(name)
        for known in {"", node}:
            oracle.alarmed_at[name, known] = oracle.clock
        return
    if what == "recovered":
        name = draw.choice(NAMES)
        await shift.recovered(name_of(name), service=name)
    elif what == "stopped":
        if places := await shift.places():
            await shift.end(ended := draw.choice(places))
            await shift.stop_signal(ended)
            await shift.backlog.free_stopped()
    elif what == "time":
        seconds = draw.choice([10, 30, 60, 120, 600])
        await shift.pass_time(seconds)
        oracle.clock += seconds
    else:
        await shift.draining.drain()
    await oracle.look()


@pytest.mark.timeout(900)
async def test_nothing_is_lost_doubled_or_too_many_whatever_the_order(
    make_bus: MakeBus, lane: Lane
) -> None:
    for number in range(lane.pick(5, 400)):
        bus = make_bus("ingest")
        async for key in bus.redis.scan_iter(match=f"{bus.keys.prefix}*", count=1000):
            if not key.endswith(b":generation"):
                await bus.redis.delete(key)
        oracle = Oracle(Shift(bus, LIMITS))
        draw = lane.random(f"any order {number}")
        for _ in range(60):
            await step(oracle, draw)
        await all_is_linked(oracle)


async def all_is_linked(oracle: Oracle) -> None:
    """After a while nothing waits any more, and every alarm counts for an incident."""
    shift = oracle.shift
    await shift.pass_time(LIMITS.held_seconds + 1)
    await shift.draining.drain()
    await shift.pass_time(LIMITS.window_seconds + 1)  # so long a summary may gather
    await shift.draining.drain()
    assert await shift.held() == []
    incidents = {str(each.incident_id) for each in await shift.incidents()}
    named = {link.incident_id for _, link in oracle.links if link.outcome != "held"}
    named |= {each async for each in summaries_of(shift)}  # of what was held, too
    counts: Counter[str] = Counter()
    for incident in incidents | named:
        counts.update(await shift.counted(incident))
        opened = incident in incidents or await was_over(shift, incident, OVER_BEFORE_IT_OPENED)
        assert opened or await was_over(shift, incident, OPENS_AS_ITSELF), "linked to nothing"
    alarms = sum(counts[name] for name in ("opened", "held", "folded", "joined", "repeated"))
    assert alarms + await never_due(shift) == oracle.sent


OVER_BEFORE_IT_OPENED = "recovered: all that it gathered was over before it opened"
OPENS_AS_ITSELF = "held: alone in its summary: it opens as itself"
OVER_BEFORE_ITS_TURN = "held: over before its turn came"


async def was_over(shift: Shift, incident: str, reason: str) -> bool:
    """Whether that was decided about a summary that never opened."""
    key = f"{shift.bus.keys.prefix}fingerprint:incident:{incident}"
    return bool(await shift.bus.redis.hexists(key, f"counted:{reason}"))


async def summaries_of(shift: Shift) -> AsyncIterator[str]:
    """All summaries of which something was decided, whether they opened or not."""
    head = f"{shift.bus.keys.prefix}fingerprint:incident:"
    async for key in shift.bus.redis.scan_iter(match=f"{head}inc-storm-*", count=1000):
        yield as_text(key).removeprefix(head)


async def was_alone(shift: Shift, incident: str) -> bool:
    """Whether it opened instead of a summary that would have held nothing else."""
    key = f"{shift.bus.keys.prefix}fingerprint:incident:{incident}"
    raw = await shift.bus.redis.hkeys(key)
    return any(as_text(name).startswith("counted:opened: alone") for name in raw)


async def never_due(shift: Shift) -> int:
    """How many alarms waited for a turn and were over before it came."""
    prefix = f"{shift.bus.keys.prefix}fingerprint:incident:none:"
    found = [
        await shift.bus.redis.hget(key, f"counted:{OVER_BEFORE_ITS_TURN}")
        async for key in shift.bus.redis.scan_iter(match=f"{prefix}*", count=1000)
    ]
    return sum(int(number or 0) for number in found)
