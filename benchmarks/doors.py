"""Alarms accepted a second at each door of ingest: `python -m benchmarks doors`.

One ingest process, a Redis and the simulator, all real; this process sends. Every alarm is another
problem and the limits of a storm are off, so each of them opens an incident: the longest way.
Accepted is what stands on the stream `incidents`; the moment is the entry's own, by Redis.
"""

import asyncio
import statistics
import time
from collections.abc import Iterator
from dataclasses import replace

from redis import Redis
from redis.asyncio import Redis as AsyncRedis

from benchmarks.load.processes import resident_mb
from benchmarks.load.senders import (
    Sending,
    Sent,
    accepted,
    by_alertmanager,
    by_logs,
    by_queue,
    by_slack,
    by_sns,
    send,
)
from benchmarks.table import Table
from bus.streams import INCIDENTS, Keys
from cli.publishing.doors import doors_of
from cli.publishing.target import Target
from cli.stack import Plan, Stack, running_stack

COMMAND = "python -m benchmarks doors"
TARGET_MS = 200
RAW = 10_000
RAW_AT_ONCE = 200
FIRST = 20_000
"""From this number on names have four letters."""
UNLIMITED = {
    "NIGHTSHIFT_MAX_OPEN": "100000",
    "NIGHTSHIFT_MAX_NEW": "100000",
    "NIGHTSHIFT_SOURCE_BURST": "100000",
    "NIGHTSHIFT_CATALOG": "",
    "NIGHTSHIFT_LOG_LEVEL": "WARNING",
}
DOORS = (
    Sending("SQS (EventBridge events; moto is the limit)", by_queue, alarms=300, at_once=10),
    Sending("SNS over HTTP", by_sns, alarms=2_000, at_once=400),
    Sending("SNS over HTTP, few at once", by_sns, alarms=100, at_once=5),
    Sending("Alertmanager, 50 alerts each", by_alertmanager, alarms=5_000, each=50, at_once=20),
    Sending("Alertmanager, few at once", by_alertmanager, alarms=500, each=10, at_once=2),
    Sending("Logs by Firehose, 50 lines each", by_logs, alarms=2_000, each=50, at_once=10),
    Sending("Slack, /diagnose", by_slack, alarms=500, at_once=50),
)


def tables() -> Iterator[Table]:
    """Alarms a second, time to acceptance and to the answer, memory, door by door."""
    plan = Plan(scenario="cart-loafers", own_redis=True, services=("ingest",), settings=UNLIMITED)
    with running_stack(plan, lambda _line: None) as stack, Redis.from_url(stack.redis_url) as redis:
        rows = []
        fields: dict[bytes, bytes] = {}
        for number, sending in enumerate(DOORS):
            rows.append(_measured(sending, stack, redis=redis, first=FIRST + number * 20_000))
            newest = redis.xrevrange(_stream(), count=1)
            fields = dict(newest[0][1]) if isinstance(newest, list) and newest else fields
        one, many = asyncio.run(_raw(stack.redis_url, fields))
    columns = (
        "door", "alarms", "a second", "share of raw XADD",
        f"accepted after, ms: median, p99 (at most {TARGET_MS})",
        "answered after, ms: median, p99", "ingest, MB",
    )  # fmt: skip
    raw = [
        (f"raw XADD, {RAW_AT_ONCE} at once", f"{RAW:,}", f"{many:,.0f}", "100 %", "", "", ""),
        ("raw XADD, one after another", f"{RAW:,}", f"{one:,.0f}", f"{one / many:.0%}", "", "", ""),
    ]
    told = [
        (name, number, f"{rate:,.0f}", f"{rate / many:.1%}", *rest)
        if rate
        else (name, number, "closed", "", *rest)
        for name, number, rate, *rest in rows
    ]
    yield Table("Alarms accepted a second, door by door", COMMAND, columns, (*told, *raw))


def _stream() -> str:
    return Keys("nightshift:").stream(INCIDENTS)


def _measured(
    sending: Sending, stack: Stack, *, redis: Redis, first: int
) -> tuple[str, str, float, str, str, str]:
    (ingest,) = (part for part in stack.parts if part.name == "ingest-1")
    target = Target(
        doors_of(stack),
        ingest.ready_url.removesuffix("/readyz"),
        control=stack.control,
        signing=stack.folder / "sns",
    )
    asyncio.run(send(replace(sending, alarms=sending.each), target, first=first - 1_000))  # warm
    sent = asyncio.run(send(sending, target, first=first))
    if sent.statuses - {200}:
        said = ", ".join(map(str, sorted(sent.statuses)))
        return sending.name, f"answers {said}", 0.0, "", "", ""
    found = accepted(redis, _stream(), wanted=set(sent.sent_at), seconds=60)
    memory = f"{resident_mb(ingest.process.pid):.0f}"
    return sending.name, f"{len(found):,}", *_figures(sent, found), memory


def _figures(sent: Sent, found: dict[str, float]) -> tuple[float, str, str]:
    if not found:
        return 0.0, "", ""
    began = min(sent.sent_at.values())
    rate = len(found) / (max(found.values()) - began)
    after = [at - sent.sent_at[name] for name, at in found.items()]
    return rate, _in_ms(after), _in_ms(sent.answered_in)


def _in_ms(seconds: list[float]) -> str:
    cuts = statistics.quantiles(seconds, n=100) if len(seconds) > 1 else seconds * 99
    return f"{1000 * statistics.median(seconds):,.0f}, {1000 * cuts[98]:,.0f}"


async def _raw(url: str, fields: dict[bytes, bytes]) -> tuple[float, float]:
    """Entries a second of the size that ingest writes: one after another, and many at once."""
    entry = fields or {b"data": b"x" * 1_000}
    async with AsyncRedis.from_url(url, max_connections=RAW_AT_ONCE) as redis:
        rates = []
        for at_once in (1, RAW_AT_ONCE):
            left = iter(range(RAW))

            async def work(left: Iterator[int] = left) -> None:
                for _ in left:
                    await redis.xadd("raw", dict(entry.items()))

            began = time.perf_counter()
            await asyncio.gather(*(work() for _ in range(at_once)))
            rates.append(RAW / (time.perf_counter() - began))
        return rates[0], rates[1]
