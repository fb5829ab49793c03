"""What ingest needs from outside: a queue, and a place where each thing is decided only once."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from bus.events import (
    Event,
    FeedbackGiven,
    IncidentId,
    IncidentOpened,
    InvestigationId,
    Outcome,
    RecoveryPolicy,
)
from services.ingest.summary import Gathered
from services.ingest.trigger import Decision


@dataclass(frozen=True)
class QueueMessage:
    """One delivery from the queue; `receipt` is what deletes it."""

    body: str
    receipt: str


@dataclass(frozen=True)
class Written:
    """What became of a write: whether it was the first, and whether it is on disk already."""

    first: bool
    durable: bool


class Queue(Protocol):
    """The queue that alarms arrive in. Every method raises Unavailable when it does not answer."""

    async def receive(self) -> Sequence[QueueMessage]:
        """Up to ten messages, hidden from other replicas for a while; maybe none."""

    async def delete(self, receipts: Sequence[str]) -> None:
        """At most ten messages are gone for good."""

    async def release(self, receipt: str) -> None:
        """The message is visible again in a few seconds."""


@dataclass(frozen=True)
class Recovery:
    """An alarm that is over: which problem it was of, and what is to happen."""

    fingerprint: str
    alarm_name: str
    at: datetime
    policy: RecoveryPolicy
    is_dated: bool = True
    """Whether `at` is the alarm's own time; else it is when it was read."""


@dataclass(frozen=True)
class Waiting:
    """What waits: problems in the backlog, open places, and the summary that is due."""

    held: int
    open_places: int
    due: IncidentId | None = None


class Fingerprints(Protocol):
    """Decides each thing once. Every method raises Unavailable when Redis does not do it."""

    async def write_once(
        self, content: str, events: Sequence[Event], *, traceparent: str = ""
    ) -> Written:
        """The events stand on their streams exactly once for this content hash."""

    async def admit(self, incident: IncidentOpened, *, content: str, source: str) -> Decision:
        """The alarm has its effect, once for this content: see decision 0032."""

    async def recover(self, recovery: Recovery, *, content: str) -> Decision:
        """The recovery has its effect, once for this content."""

    async def end(
        self, investigation_id: InvestigationId, outcome: Outcome, *, reason: str
    ) -> Decision:
        """The investigation has ended; an honest answer where it had, or where there is none."""

    async def judge(self, said: FeedbackGiven) -> Decision:
        """What a person said is told once; said of the last answer as no use, it re-arms."""

    async def note(self, decision: Decision, *, alarm: str = "") -> None:
        """A decision without any other effect stands among the others."""

    async def ready(self) -> None:
        """Nothing, as long as writes are possible."""

    async def now(self) -> datetime:
        """The time by Redis: what is recorded for others is never this machine's."""

    async def kept(self) -> None:
        """Nothing, as long as everything written still stands."""


class Backlog(Protocol):
    """What is held. Every method raises Unavailable when Redis does not do it."""

    async def drain(self) -> Waiting:
        """What may open is open, what may not any more is folded."""

    async def gathered(self, summary: IncidentId) -> Gathered:
        """What that summary holds now."""

    async def open_summary(
        self, incident: IncidentOpened, gathered: Gathered, *, is_last_try: bool
    ) -> bool:
        """The summary is open, here or elsewhere; False when a kind joined since it was read."""

    async def free_stopped(self) -> int:
        """Places of investigations that stopped since the last call are free; how many stopped.

        It waits a moment for the first.
        """
