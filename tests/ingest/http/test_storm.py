"""Thousands of alarms in a minute: a few investigations, one summary, and nothing lost."""

import asyncio
import time
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from itertools import islice

import aiohttp
import pytest

from benchmarks.load.processes import resident_mb
from bus.testing import eventually
from simulator.aws.sns_sender import SnsSender
from simulator.redis_server import free_port
from tests.conftest import MakeBus
from tests.ingest.conftest import Queue
from tests.ingest.http.conftest import ALERTS_TOKEN, TOPIC
from tests.ingest.http.storm_doors import ByAlertmanager, ByHttp, BySns, BySqs, Door, Fired
from tests.ingest.processes import ingest_process
from tests.ingest.shift import Shift
from tests.lane import Figures, Lane

BATCH = 100
MOST_BYTES = 64 * 2**20
"""What a storm may add to Redis; each alarm leaves a few hundred bytes."""
MOST_MB = 256
"""What ingest may hold, the limit of its container in the cluster."""


def alarms(kinds: int, *, day: int) -> Iterator[Fired]:
    """Different state changes of so many kinds, in turn, without end."""
    number = 0
    while True:
        minute, second = divmod(number // kinds, 60)
        hour, minute = divmod(minute, 60)
        moment = f"2026-03-{day:02}T{hour:02}:{minute:02}:{second:02}Z"
        yield Fired(f"kind{number % kinds}-error", moment)
        number += 1


@dataclass
class Storm:
    """Sends, and notes when the critical alarm was sent and when it stood on the stream."""

    shift: Shift
    sent: int = 0
    seconds: float = 0.0
    critical_sent_at: float = 0.0
    critical_opened_at: float = 0.0
    peak: int = 0
    peak_mb: float = 0.0
    http: ByHttp | None = None
    _under_way: list[asyncio.Task[None]] = field(default_factory=list)

    async def blow(self, doors: Sequence[Door], fired: Sequence[Fired], *, within: float) -> None:
        """All are sent by each door, evenly; the critical one by the first door, half-way."""
        began, steps = time.monotonic(), len(fired) // BATCH
        for step in range(steps):
            for door in doors:
                self._send(door, fired[step * BATCH : (step + 1) * BATCH])
            if step == steps // 2:
                self.critical_sent_at = time.monotonic()
                moment = "2026-03-09T12:00:00Z"
                self._send(doors[0], [Fired("payments-critical-outage", moment)])
            due = began + within * (step + 1) / steps
            await asyncio.sleep(max(0.0, due - time.monotonic()))
        await asyncio.gather(*self._under_way)
        self.seconds = time.monotonic() - began

    def _send(self, door: Door, fired: Sequence[Fired]) -> None:
        self._under_way.append(asyncio.create_task(door.send(fired)))
        self.sent += len(fired)

    async def watch(self, pid: int) -> None:
        """Until cancelled: the peaks of memory, and when the critical incident stands."""
        while True:
            self.peak = max(self.peak, await used_memory(self.shift))
            self.peak_mb = max(self.peak_mb, resident_mb(pid))
            if not self.critical_opened_at and await critical_is_open(self.shift):
                self.critical_opened_at = time.monotonic()
            await asyncio.sleep(0.2)


async def used_memory(shift: Shift) -> int:
    """What Redis holds, in bytes."""
    return int((await shift.bus.redis.info("memory"))["used_memory"])


async def critical_is_open(shift: Shift) -> bool:
    """Whether the one critical problem is being investigated."""
    return any(each.severity == "critical" for each in await shift.incidents())


async def linked(shift: Shift) -> int:
    """How many alarms count for an incident that stands on the stream."""
    counts = [await shift.counted(str(each.incident_id)) for each in await shift.incidents()]
    return sum(n for each in counts for name, n in each.items() if name != "duplicate")


@asynccontextmanager
async def http_doors(storm: Storm, sns: SnsSender) -> AsyncIterator[tuple[dict[str, str], ByHttp]]:
    """The settings of an ingest whose doors are open, and a way to them."""
    port = free_port()
    settings = {
        "NIGHTSHIFT_HTTP_PORT": str(port),
        "NIGHTSHIFT_SNS_TOPICS": TOPIC,
        "NIGHTSHIFT_ALERTMANAGER_TOKEN": ALERTS_TOKEN,
        **sns.environment(),
    }
    connector = aiohttp.TCPConnector(limit=400)
    timeout = aiohttp.ClientTimeout(total=60)
    async with aiohttp.ClientSession(connector=connector, timeout=timeout) as client:
        storm.http = ByHttp(client, f"http://127.0.0.1:{port}")
        yield settings, storm.http


async def played(storm: Storm, queue: Queue, sns: SnsSender, lane: Lane) -> None:
    """The storm is over, and all of it is linked, or the time for that has passed."""
    count, kinds, preloaded = lane.pick((200, 22, 60), (5_000, 20, 2_000))
    await BySqs(queue).send(list(islice(alarms(kinds, day=1), preloaded)))
    storm.sent = preloaded
    fired = list(islice(alarms(kinds, day=9), count))
    async with http_doors(storm, sns) as (settings, http):
        settings["NIGHTSHIFT_GATHER_SECONDS"] = lane.pick("1", "15")
        async with ingest_process(queue, storm.shift.bus, settings) as process:
            await eventually(storm.shift.incidents, seconds=60)  # it has started
            watching = asyncio.create_task(storm.watch(process.pid))
            doors: list[Door] = [BySns(http, sns), ByAlertmanager(http)]
            await storm.blow(doors, fired, within=lane.pick(2.0, 60.0))

            async def all_linked() -> bool:
                return await linked(storm.shift) >= storm.sent and storm.critical_opened_at > 0

            await eventually(all_linked, seconds=lane.pick(60, 300))
            watching.cancel()


@pytest.mark.timeout(600)
async def test_a_storm_is_a_few_investigations_and_one_summary_that_hold_every_alarm(
    queue: Queue, sns_sender: SnsSender, make_bus: MakeBus, lane: Lane, figures: Figures
) -> None:
    storm = Storm(Shift(make_bus("ingest")))
    before = await used_memory(storm.shift)

    await played(storm, queue, sns_sender, lane)

    incidents = await storm.shift.incidents()
    summaries = [each for each in incidents if each.alarm is None]
    lost = storm.sent - await linked(storm.shift)
    seconds = storm.critical_opened_at - storm.critical_sent_at
    added = (storm.peak - before) / 2**20
    answers = dict(storm.http.answers) if storm.http else {}
    size = f"storm of {storm.sent} alarms"
    figures.add("R14", f"{size}: seconds until all were acknowledged", storm.seconds)
    figures.add("R14", f"{size}: answers of the HTTP doors", answers)
    figures.add("R14", f"{size}: investigations", len(incidents) - len(summaries), "at most 20")
    figures.add("R14", f"{size}: summaries", len(summaries), 1)
    figures.add("R14", f"{size}: alarms not linked", lost, 0)
    figures.add("R14", f"{size}: seconds until the critical entry", seconds, "at most 30")
    figures.add("R14", f"{size}: added to Redis, MiB", added, MOST_BYTES / 2**20)
    figures.add("R14", f"{size}: peak of ingest, MB", storm.peak_mb, MOST_MB)
    assert (len(incidents) - len(summaries), len(summaries), lost) == (20, 1, 0)
    assert seconds <= 30
    assert storm.peak - before < MOST_BYTES
    assert storm.peak_mb < MOST_MB
