"""Thousands of alarms within a minute: a few investigations, one summary, and nothing lost.

`Send` is all that the driver knows of a door; today every alarm comes through the queue.
"""

import asyncio
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import pytest

from bus.testing import eventually
from tests.conftest import MakeBus
from tests.ingest.bodies import flat_alarm
from tests.ingest.conftest import Queue
from tests.ingest.processes import ingest_process
from tests.ingest.shift import Shift
from tests.lane import Figures, Lane

Send = Callable[[Sequence[str]], None]
BATCH = 10
MOST_BYTES = 64 * 2**20
"""What a storm may add to Redis; each alarm leaves a few hundred bytes."""


def by_queue(queue: Queue) -> Send:
    """A door: the bodies lie in the queue, sent in batches."""

    def send(bodies: Sequence[str]) -> None:
        queue.client.send_message_batch(
            QueueUrl=queue.url,
            Entries=[{"Id": str(at), "MessageBody": body} for at, body in enumerate(bodies)],
        )

    return send


def alarms(count: int, kinds: int, *, day: int) -> Iterator[str]:
    """Different state changes of so many kinds, in turn."""
    for number in range(count):
        minute, second = divmod(number // kinds, 60)
        hour, minute = divmod(minute, 60)
        moment = f"2026-03-{day:02}T{hour:02}:{minute:02}:{second:02}Z"
        yield flat_alarm(f"kind{number % kinds}-error", StateChangeTime=moment)


@dataclass
class Storm:
    """Sends, and notes when the critical alarm was sent and when it stood on the stream."""

    shift: Shift
    send: Send
    sent: int = 0
    critical_sent_at: float = 0.0
    critical_opened_at: float = 0.0
    peak: int = 0

    async def send_all(self, bodies: Sequence[str], *, within: float) -> None:
        """All are sent, evenly over that time; the critical one after half of them."""
        began = time.monotonic()
        for at in range(0, len(bodies), BATCH):
            await self.send_now(bodies[at : at + BATCH])
            if not self.critical_sent_at and at >= len(bodies) // 2:
                self.critical_sent_at = time.monotonic()
                await self.send_now([flat_alarm("payments-critical-outage")])
            due = began + within * (at + BATCH) / len(bodies)
            await asyncio.sleep(max(0.0, due - time.monotonic()))

    async def send_now(self, bodies: Sequence[str]) -> None:
        """They are sent in one batch."""
        await asyncio.to_thread(self.send, bodies)
        self.sent += len(bodies)

    async def watch(self) -> None:
        """Until cancelled: the peak of memory, and when the critical incident stands."""
        while True:
            self.peak = max(self.peak, await used_memory(self.shift))
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


async def played(storm: Storm, queue: Queue, lane: Lane) -> None:
    """The storm is over, and all of it is linked, or the time for that has passed."""
    count, kinds, preloaded = lane.pick((300, 22, 60), (10_000, 20, 2_000))
    early = list(alarms(preloaded, kinds, day=1))
    for at in range(0, preloaded, BATCH):
        await storm.send_now(early[at : at + BATCH])
    settings = {"NIGHTSHIFT_GATHER_SECONDS": lane.pick("1", "15")}
    async with ingest_process(queue, storm.shift.bus, settings):
        await eventually(storm.shift.incidents, seconds=60)  # it has started
        watching = asyncio.create_task(storm.watch())
        await storm.send_all(list(alarms(count, kinds, day=9)), within=lane.pick(1.0, 60.0))

        async def all_linked() -> bool:
            return await linked(storm.shift) >= storm.sent and storm.critical_opened_at > 0

        await eventually(all_linked, seconds=lane.pick(60, 300))
        watching.cancel()


@pytest.mark.timeout(600)
async def test_a_storm_is_a_few_investigations_and_one_summary_that_hold_every_alarm(
    queue: Queue, make_bus: MakeBus, lane: Lane, figures: Figures
) -> None:
    storm = Storm(Shift(make_bus("ingest")), by_queue(queue))
    before = await used_memory(storm.shift)

    await played(storm, queue, lane)

    incidents = await storm.shift.incidents()
    summaries = [each for each in incidents if each.alarm is None]
    lost = storm.sent - await linked(storm.shift)
    seconds = storm.critical_opened_at - storm.critical_sent_at
    added = (storm.peak - before) / 2**20
    size = f"storm of {storm.sent} alarms"
    figures.add("R14", f"{size}: investigations", len(incidents) - len(summaries), "at most 20")
    figures.add("R14", f"{size}: summaries", len(summaries), 1)
    figures.add("R14", f"{size}: alarms not linked", lost, 0)
    figures.add("R14", f"{size}: seconds until the critical entry", seconds, "at most 30")
    figures.add("R14", f"{size}: peak used_memory, MiB", storm.peak / 2**20)
    figures.add("R14", f"{size}: added by the storm, MiB", added, MOST_BYTES / 2**20)
    assert (len(incidents) - len(summaries), len(summaries), lost) == (20, 1, 0)
    assert seconds <= 30
    assert storm.peak - before < MOST_BYTES
