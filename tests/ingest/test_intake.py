"""The two loops of ingest over a queue in memory, for outages that cannot be timed on the wire."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime

from bus.errors import Unavailable
from bus.events import Event, FeedbackGiven, IncidentOpened, InvestigationId, Outcome
from bus.testing import eventually
from bus.tracing import Tracing
from services.ingest.handlers import Triggers
from services.ingest.intake import Intake
from services.ingest.ports import QueueMessage, Recovery, Written
from services.ingest.trigger import Decision
from tests.ingest.bodies import flat_alarm

SOON = 0.01


@dataclass
class MemoryQueue:
    """A queue with SQS's behaviour: what is received is hidden until deleted or released."""

    visible: list[QueueMessage]
    hidden: dict[str, QueueMessage] = field(default_factory=dict)
    refused_deletes: int = 0
    refuses_release: bool = False

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

    async def release(self, receipt: str) -> None:
        if self.refuses_release:
            raise Unavailable("SQS is away")
        self.visible.append(self.hidden.pop(receipt))

    async def is_empty(self) -> bool:
        return not self.visible and not self.hidden


@dataclass
class MemoryFingerprints:
    """Writes in memory; refuses the first `refusals` writes as a full Redis does."""

    refusals: int = 0
    refused: int = 0
    written: dict[str, Sequence[Event]] = field(default_factory=dict)

    async def write_once(
        self, content: str, events: Sequence[Event], *, traceparent: str = ""
    ) -> Written:
        if self.refused < self.refusals:
            self.refused += 1
            raise Unavailable("Redis is full", retry_in_seconds=SOON)
        first = content not in self.written
        self.written[content] = events
        return Written(first=first, durable=True)

    async def admit(self, incident: IncidentOpened, *, content: str, source: str) -> Decision:
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
    intake = Intake(queue=queue, triggers=Triggers(written, Tracing("ingest", "ingest-1")))
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
