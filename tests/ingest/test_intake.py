"""The two loops of ingest over a queue in memory, for outages that cannot be timed on the wire."""

import asyncio
import json
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime

from bus.errors import Unavailable
from bus.events import Event, FeedbackGiven, IncidentOpened, InvestigationId, Outcome
from bus.testing import eventually
from bus.tracing import Tracing
from services.ingest.adapters.reading_room import ReadingRoom
from services.ingest.handlers import Triggers
from services.ingest.intake import Intake
from services.ingest.ports import QueueMessage, Recovery, Written
from services.ingest.trigger import Decision
from tests.ingest.bodies import alerts, flat_alarm, log_lines, packed

SOON = 0.01


@dataclass
class MemoryQueue:
    """A queue with SQS's behaviour: what is received is hidden until deleted or released."""

    visible: list[QueueMessage]
    hidden: dict[str, QueueMessage] = field(default_factory=dict)
    refused_deletes: int = 0
    refuses_release: bool = False
    kept: int = 0
    released: list[str] = field(default_factory=list)
    handed_back: list[str] = field(default_factory=list)

    async def receive(self) -> Sequence[QueueMessage]:
        await asyncio.sleep(SOON)
        taken, self.visible = self.visible[:10], self.visible[10:]
        self.hidden |= {message.receipt: message for message in taken}
        return taken

    async def delete(self, receipts: Sequence[str]) -> None:
        if self.refused_deletes:
            self.refused_deletes -= 1
            raise Unavailable("SQS is away", retry_in_seconds=SOON)
        assert len(receipts) <= 10
        for receipt in receipts:
            del self.hidden[receipt]

    async def release(self, receipt: str, *, at_once: bool = False) -> None:
        if self.refuses_release:
            raise Unavailable("SQS is away")
        (self.handed_back if at_once else self.released).append(receipt)
        self.visible.append(self.hidden.pop(receipt))

    async def keep(self, receipt: str) -> None:
        assert receipt in self.hidden
        self.kept += 1
        if self.kept == 1:
            raise Unavailable("SQS is away for a moment")

    async def is_empty(self) -> bool:
        return not self.visible and not self.hidden


@dataclass
class MemoryFingerprints:
    """Writes in memory; refuses the first `refusals` writes as a full Redis does."""

    refusals: int = 0
    refused: int = 0
    slow: asyncio.Event | None = None
    """Where it stands, writes wait until it is set."""
    written: dict[str, Sequence[Event]] = field(default_factory=dict)

    async def write_once(
        self, content: str, events: Sequence[Event], *, traceparent: str = ""
    ) -> Written:
        if self.refused < self.refusals:
            self.refused += 1
            raise Unavailable("Redis is full", retry_in_seconds=SOON)
        if self.slow is not None:
            await self.slow.wait()
        first = content not in self.written
        self.written[content] = events
        return Written(first=first, durable=True)

    async def has_room(self, content: str, sort: str, *, most: int) -> bool:
        return True

    async def admit(
        self, incident: IncidentOpened, *, content: str, source: str, is_only_said: bool = False
    ) -> Decision:
        await self.write_once(content, [incident])
        return Decision("opened", f"from {source}", str(incident.incident_id))

    async def recover(self, recovery: Recovery, *, content: str) -> Decision:
        return Decision("ignored", recovery.alarm_name)

    async def end(
        self, investigation_id: InvestigationId, outcome: Outcome, *, reason: str
    ) -> Decision:
        return Decision("ignored", reason)

    async def judge(self, said: FeedbackGiven) -> Decision:
        return Decision("judged", said.reason)

    async def note(self, decision: Decision, *, alarm: str = "") -> None:
        return None

    async def ready(self) -> None:
        return None

    async def now(self) -> datetime:
        return datetime(2026, 11, 24, 3, 0, tzinfo=UTC)

    async def kept(self) -> None:
        return None


def messages(count: int) -> list[QueueMessage]:
    return [
        QueueMessage(body=flat_alarm(f"alarm-{number}"), receipt=str(number))
        for number in range(count)
    ]


@asynccontextmanager
async def running(queue: MemoryQueue, written: MemoryFingerprints) -> AsyncIterator[Intake]:
    triggers = Triggers(written, Tracing("ingest", "ingest-1"), ReadingRoom())
    intake = Intake(queue=queue, triggers=triggers, keep_every_seconds=SOON)
    loops = [
        asyncio.create_task(intake.receive_forever()),
        asyncio.create_task(intake.delete_forever()),
    ]
    yield intake
    assert not any(loop.done() for loop in loops)
    for loop in loops:
        loop.cancel()
    await asyncio.wait(loops)


async def test_many_messages_are_written_and_deleted_in_batches() -> None:
    queue, written = MemoryQueue(messages(35)), MemoryFingerprints()

    async with running(queue, written):
        await eventually(queue.is_empty)

    assert len(written.written) == 35


async def test_a_message_that_could_not_be_written_is_released_and_written_later() -> None:
    queue, written = MemoryQueue(messages(3)), MemoryFingerprints(refusals=4)

    async with running(queue, written) as intake:
        await eventually(queue.is_empty)
        assert await intake.check() == ""

    assert len(written.written) == 3


async def test_while_nothing_can_be_written_readiness_says_so_and_nothing_is_deleted() -> None:
    queue = MemoryQueue(messages(1), refuses_release=True)

    async with running(queue, MemoryFingerprints(refusals=99)) as intake:

        async def trouble() -> str:
            return intake.trouble

        assert await eventually(trouble) == "Redis is full"
        assert list(queue.hidden) == ["0"]


async def test_a_delete_that_fails_is_tried_again() -> None:
    queue = MemoryQueue(messages(12), refused_deletes=3)

    async with running(queue, MemoryFingerprints()):
        await eventually(queue.is_empty)

    assert queue.refused_deletes == 0


async def test_while_a_message_is_handled_for_long_it_stays_hidden() -> None:
    queue, written = MemoryQueue(messages(1)), MemoryFingerprints(slow=asyncio.Event())

    async with running(queue, written):

        async def kept_again() -> bool:
            return queue.kept >= 3

        await eventually(kept_again)
        assert written.slow is not None
        written.slow.set()
        await eventually(queue.is_empty)
        kept = queue.kept
        await asyncio.sleep(3 * SOON)

    assert queue.kept == kept


async def test_a_stop_hands_back_at_once_what_is_not_handled() -> None:
    queue, written = MemoryQueue(messages(3)), MemoryFingerprints(slow=asyncio.Event())

    async with running(queue, written):

        async def received() -> bool:
            return len(queue.hidden) == 3 and queue.kept > 0

        await eventually(received)

    assert sorted(queue.handed_back) == ["0", "1", "2"]
    assert len(queue.visible) == 3


async def test_messages_of_one_group_are_handled_in_their_order() -> None:
    bodies = [flat_alarm(), flat_alarm(state="OK"), flat_alarm("other")]
    grouped = [QueueMessage(body, str(at), group="cart") for at, body in enumerate(bodies)]
    queue, written = MemoryQueue(grouped), MemoryFingerprints(refusals=1)

    async with running(queue, written):
        await eventually(queue.is_empty)

    opened = [event for events in written.written.values() for event in events]
    assert [getattr(event, "summary", "")[:17] for event in opened] == [
        "cartservice-error",
        "other: Threshold ",
    ]
    assert queue.released == ["0", "1", "2"]


async def test_every_part_of_a_body_has_its_effect_and_a_broken_one_is_set_aside() -> None:
    batch = packed(log_lines("ERROR lost the cart", "ERROR lost the order", "INFO fine"))
    records = [{"body": json.dumps({"awslogs": {"data": batch}})}, {"body": "{broken"}]
    body = json.dumps({"Records": [*records, {"body": alerts()}]})
    queue, written = MemoryQueue([QueueMessage(body, "0")]), MemoryFingerprints()

    async with running(queue, written):
        await eventually(queue.is_empty)

    names = [type(event).__name__ for events in written.written.values() for event in events]
    assert names.count("IncidentOpened") == 3
    assert names.count("DeadLetter") == 1
