"""What MCP servers answer that mean harm: each time an error in time, in bounded memory (T7).

A toolrunner as a process of its own meets a hostile server by HTTP and another by standard input
and output, while a third one behaves.
"""

import asyncio
import contextlib
import json
import os
import sys
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from bus.broker import Bus
from bus.connection import as_text
from bus.envelope import Entry, text_fields
from bus.events import ToolCallFinished
from bus.record import Record
from bus.streams import TOOL_CALLS, TOOL_RESULTS, Stream
from bus.testing import eventually
from simulator.redis_server import free_port
from tests.conftest import MakeBus
from tests.lane import Figures, Lane
from tests.toolrunner.foreign import Shop, ask, investigation, pin, pinned, pinned_as_told, serving
from tests.toolrunner.hostile import TOOL
from tests.toolrunner.policies import write_policy
from tests.toolrunner.processes import running
from tests.toolrunner.watching import Watched

pytestmark = [
    pytest.mark.timeout(300),
    pytest.mark.skipif(not os.path.isdir("/proc/self"), reason="there is no /proc here"),
]
FAR, NEAR, SHOP = "far", "near", "shop"
MOST_MEGABYTES = 64
ROOT = Path(__file__).parents[2]
TOO_LONG = "the answer is longer than can be condensed as it comes"
CONDENSED = "condensed as they came and are not stored"
"""In what is shown of an answer that is too long to be given whole, which is no error."""
NEEDLE = "ERROR the one that matters"
NO_ANSWER = "no answer within"
LOST = "not reachable ("
AT_ONCE = {
    (FAR, "stream"): f"{TOO_LONG} | {CONDENSED} | {NO_ANSWER}",
    (NEAR, "stream"): f"{TOO_LONG} | {NO_ANSWER}",
    (FAR, "log"): NEEDLE,
    (NEAR, "log"): NEEDLE,
    (FAR, "deep"): "the answer is nested more than 64 deep; ask for less",
    (NEAR, "deep"): "the answer is nested more than 64 deep; ask for less",
    (FAR, "many"): "the answer holds more than 100000 values; ask for less",
    (NEAR, "many"): "the answer holds more than 100000 values; ask for less",
    (FAR, "wide"): CONDENSED,
    (FAR, "packed"): "encoded in a way that was not asked for; ask for less",
    (FAR, "garbage"): "the answer is no JSON-RPC; nothing was read",
    (FAR, "truncated"): "the answer is no JSON-RPC; nothing was read",
    (NEAR, "truncated"): "the answer is no JSON-RPC; nothing was read",
    (FAR, "html"): LOST,
    (FAR, "unavailable"): "it answered HTTP 503; nothing was read",
    (FAR, "cut"): LOST,
    (NEAR, "cut"): LOST,
}
"""What is answered before the tool's time is over, and what is told of it.

How much of a stream is read depends on how fast the machine is: it ends by its size or by its time.
"""
IN_TIME = {
    (FAR, "hang"): NO_ANSWER,
    (FAR, "stalled"): "the rest did not come in time and was not read",
    (FAR, "drip"): NO_ANSWER,
    (FAR, "endless"): NO_ANSWER,
    (FAR, "events"): NO_ANSWER,
    (NEAR, "garbage"): NO_ANSWER,
    (NEAR, "hang"): NO_ANSWER,
    (NEAR, "endless"): NO_ANSWER,
}
"""What keeps the caller waiting until the tool's time is over."""


@dataclass
class Fleet:
    """A toolrunner, its three servers and one incident whose calls it makes."""

    bus: Bus
    toolrunner: Watched
    record: Record
    asked: int = 0

    async def ask(self, server: str, topic: str, lines: int = 0) -> tuple[ToolCallFinished, float]:
        """What was told about a call, and after how many seconds: from entry to entry, by Redis."""
        self.asked += 1
        call_id = f"1-{self.asked}"
        await ask(self.bus, self.record, call_id, tool=f"{server}__read", topic=topic, lines=lines)
        asked = await eventually(lambda: self.entry(TOOL_CALLS, call_id))
        told = await eventually(lambda: self.entry(TOOL_RESULTS, call_id), seconds=60)
        assert asked is not None
        assert told is not None
        finished = ToolCallFinished.model_validate_json(told.fields["data"])
        return finished, (milliseconds(told) - milliseconds(asked)) / 1000

    async def said(self, finished: ToolCallFinished) -> str:
        """What the model is told: why it failed, or what is shown of the answer."""
        inv, call_id = self.record.investigation_id, finished.tool_call_id
        result = None if finished.error else await self.bus.results.read(inv, call_id)
        return result.shown if result else finished.error

    async def entry(self, stream: Stream, call_id: str) -> Entry | None:
        """The entry about that call; only few are looked at, for the newest are enough."""
        key = self.bus.keys.stream(stream)
        rows: list[Any] = list(await self.bus.redis.xrevrange(key, count=30) or [])
        for entry_id, raw in rows:
            fields = text_fields(raw)
            if json.loads(fields["data"])["tool_call_id"] == call_id:
                return Entry(stream=stream, group="", entry_id=as_text(entry_id), fields=fields)
        return None


def milliseconds(entry: Entry) -> int:
    """When Redis took the entry."""
    return int(entry.entry_id.partition("-")[0])


def configured(folder: Path, *, far: int, shop: int) -> dict[str, str]:
    """The settings of a toolrunner that knows the three servers and may read from each."""
    near = {"command": sys.executable, "args": ["-m", "tests.toolrunner.hostile"], "cwd": str(ROOT)}
    servers: dict[str, object] = {
        FAR: {"url": f"http://127.0.0.1:{far}/mcp"},
        NEAR: near | {"env": {"PYTHONPATH": str(ROOT)}},
        SHOP: {"url": f"http://127.0.0.1:{shop}/mcp"},
    }
    (folder / "servers.json").write_text(json.dumps({"mcpServers": servers}), encoding="utf-8")
    write_policy(folder, *(f"{server}__read" for server in servers))
    hostile = pinned_as_told(TOOL)
    pin(folder, **{FAR: hostile, NEAR: hostile, SHOP: pinned(Shop().tools())})
    return {
        "NIGHTSHIFT_MCP_SERVERS": str(folder / "servers.json"),
        "NIGHTSHIFT_POLICY_DIR": str(folder),
        "NIGHTSHIFT_SERVER_FAILURES": "0",
        "NIGHTSHIFT_MAX_TOOL_CALLS": "10000",
    }


def result_bytes(lane: Lane) -> int:
    """What is read whole; sixteen times as much is read at all, so less of it is soon enough."""
    return lane.pick(1_000_000, 8 * 1024 * 1024)


def limit_of(lane: Lane) -> float:
    """The time of a tool; a sample shares its machine with others and gives it more after that."""
    return lane.pick(10.0, 30.0)


@pytest.fixture
async def fleet(make_bus: MakeBus, lane: Lane, tmp_path: Path) -> AsyncIterator[Fleet]:
    """All of them are running, and every tool is offered."""
    bus, far = make_bus("reader"), free_port()
    async with contextlib.AsyncExitStack() as stack:
        shop = await stack.enter_async_context(serving(Shop().app()))
        given = configured(tmp_path, far=far, shop=shop) | {
            "REDIS_URL": bus.settings.redis_url.get_secret_value(),
            "NIGHTSHIFT_STREAM_PREFIX": bus.settings.stream_prefix,
            "NIGHTSHIFT_HTTP_HOST": "127.0.0.1",
            "NIGHTSHIFT_HTTP_PORT": "0",
            "NIGHTSHIFT_TOOL_SECONDS": str(limit_of(lane)),
            "NIGHTSHIFT_TOOL_RESULT_BYTES": str(result_bytes(lane)),
        }
        await stack.enter_async_context(running("tests.toolrunner.hostile", str(far)))
        process = await stack.enter_async_context(running("services.toolrunner", **given))

        async def all_offered() -> bool:
            sha256 = as_text(await bus.redis.get(bus.keys.current_catalogue))
            text = as_text(await bus.redis.get(bus.keys.catalogue(sha256))) if sha256 else ""
            return all(f"{server}__read" in text for server in (FAR, NEAR, SHOP))

        await eventually(all_offered, seconds=60)
        ids = [f"1-{number}" for number in range(1, 1000)]
        watched = Watched(process.pid)
        with watched.under_watch():
            yield Fleet(bus, watched, await investigation(bus, *ids))


async def test_what_harms_is_an_error_in_time_and_in_bounded_memory(
    fleet: Fleet, lane: Lane, figures: Figures
) -> None:
    limit, later = limit_of(lane), lane.pick(6.0, 1.0)
    size = {
        "stream": lane.pick(40, 1000),
        "deep": lane.pick(100_000, 1_000_000),
        "many": lane.pick(1_000_000, 10_000_000),
        "log": lane.pick(2, 60),
        "wide": lane.pick(2, 23),
        "packed": lane.pick(64, 1000),
    }
    assert (await fleet.ask(SHOP, "tea"))[0].ok
    alone = await latencies(fleet, lane.pick(20, 100))
    before = fleet.toolrunner.memory()
    problems: list[object] = []
    for (server, topic), said in AT_ONCE.items():
        fleet.toolrunner.forget_peak()
        finished, seconds = await fleet.ask(server, topic, size.get(topic, 0))
        grown = fleet.toolrunner.peak() - before
        name = f"{server} {topic} {size.get(topic, '')}".rstrip()
        figures.add("T7", f"{name}: seconds until the error", seconds, f"<= {limit + 1:.0f}")
        figures.add("T7", f"{name}: growth of memory in MB", grown, f"<= {MOST_MEGABYTES}")
        told = await fleet.said(finished)
        as_it_should = any(words in told for words in said.split(" | "))
        if not as_it_should or seconds > limit + later or grown > MOST_MEGABYTES:
            problems.append((name, told[:200], seconds, grown))
        assert (await fleet.ask(SHOP, "tea"))[0].ok
    problems += await kept_waiting(fleet, limit, later=later, figures=figures, alone=alone)
    if lane.full:
        await beside_each(fleet, figures, alone=alone, megabytes=round(limit) // 2)
        again = await latencies(fleet, len(alone))
        noise = p95(again) / p95(alone)
        figures.add("T7", "the same of calls alone again: what the machine varies by", noise)
    assert problems == []


async def kept_waiting(
    fleet: Fleet, limit: float, *, later: float, figures: Figures, alone: list[float]
) -> list[object]:
    """What is wrong with what takes all of the tool's time, all at once."""
    fleet.toolrunner.forget_peak()
    before, used = fleet.toolrunner.memory(), fleet.toolrunner.processor()
    megabytes = round(limit) // 2
    calls = [asyncio.create_task(fleet.ask(*case, megabytes)) for case in IN_TIME]
    beside = await latencies(fleet, len(alone))
    told = dict(zip(IN_TIME, await asyncio.gather(*calls), strict=True))
    grown = fleet.toolrunner.peak() - before
    used = fleet.toolrunner.processor() - used
    at_most = limit / 2 + megabytes / 5
    figures.add("T7", "hang, drip, endless, all at once: processor seconds", used, f"<= {at_most}")
    latest = max(seconds for _, seconds in told.values())
    figures.add("T7", "hang, drip, endless, all at once: seconds", latest, f"<= {limit + 1:.0f}")
    figures.add("T7", "the same: growth of memory in MB", grown, f"<= {MOST_MEGABYTES}")
    figures.add("T7", "p95 of calls that are alone, in ms", 1000 * p95(alone))
    figures.add("T7", "p95 of calls beside all eight over that alone", p95(beside) / p95(alone))
    said = {case: await fleet.said(finished) for case, (finished, _) in told.items()}
    problems: list[object] = [
        (case, said[case][:200], seconds)
        for case, (_, seconds) in told.items()
        if IN_TIME[case] not in said[case] or seconds > limit + later
    ]
    problems += [("memory", grown)] if grown > MOST_MEGABYTES else []
    return problems + ([("processor", used)] if used > at_most else [])


async def beside_each(
    fleet: Fleet, figures: Figures, *, alone: list[float], megabytes: int
) -> None:
    """Calls beside one server at a time that takes all of the tool's time."""
    for server, topic in IN_TIME:
        call = asyncio.create_task(fleet.ask(server, topic, megabytes))
        beside = await latencies(fleet, len(alone))
        ratio = p95(beside) / p95(alone)
        figures.add("T7", f"p95 of calls beside {server} {topic} over that alone", ratio, "1.2")
        await call


async def latencies(fleet: Fleet, times: int) -> list[float]:
    """Seconds of calls to the server that behaves, one after another."""
    told = [await fleet.ask(SHOP, "tea") for _ in range(times)]
    assert all(finished.ok for finished, _ in told)
    return [seconds for _, seconds in told]


def p95(seconds: list[float]) -> float:
    return sorted(seconds)[len(seconds) * 95 // 100]
