"""What ingest needs from outside: a queue, and a place where each thing is decided only once."""

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol, TypeVar

from bus.errors import Rejected
from bus.events import (
    Event,
    FeedbackGiven,
    IncidentId,
    IncidentOpened,
    InvestigationId,
    Outcome,
    RecoveryPolicy,
)
from services.ingest.progress import NOBODY, Asking, Step
from services.ingest.slack_answers import Answer
from services.ingest.slack_reading import Person
from services.ingest.sns_addresses import Place
from services.ingest.sns_message import SnsMessage
from services.ingest.summary import Gathered
from services.ingest.trigger import Decision, Found

T = TypeVar("T")


class Readings(Protocol):
    """Where strangers' words are read: whatever reading raises, it ends nothing but itself."""

    async def read(self, work: Callable[[Step], T], *, size: int = 0, asking: Asking = NOBODY) -> T:
        """What the work returns; of a great `size` it is read in a thread, in its turn.

        Raises Rejected and ValidationError, Rejected also for what nobody foresaw, and Unavailable
        where whoever asked went away.
        """

    async def foreseen(self, work: Awaitable[T]) -> T:
        """What came of it; raises Rejected for whatever no part of Nightshift raises on purpose."""


class NotPermitted(Rejected):
    """AWS refuses a question that our role may not ask; asking again would not help."""


@dataclass(frozen=True)
class QueueMessage:
    """One delivery from the queue; `receipt` is what deletes it."""

    body: str
    receipt: str
    group: str = ""
    """Of a FIFO queue: messages of one group are handled one after another."""


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

    async def release(self, receipt: str, *, at_once: bool = False) -> None:
        """The message is visible again, in a few seconds or at once."""

    async def keep(self, receipt: str) -> None:
        """The message stays hidden from other replicas for as long again."""


class StandingAlarms(Protocol):
    """The alarms that are in ALARM now, wherever they are kept."""

    def pages(self) -> AsyncIterator[Sequence[Mapping[str, object]]]:
        """Their state changes as SNS would tell them, a page at a time.

        Raises Unavailable when nothing answers, NotPermitted when we may not ask.
        """


class CaughtUp(Protocol):
    """What catching up remembers. Every method raises Unavailable when Redis does not answer."""

    async def is_due(self) -> bool:
        """Whether no replica has caught up within the last minute."""

    async def note(self) -> None:
        """A replica has caught up now."""

    async def knows(self, incident: IncidentOpened) -> bool:
        """Whether its change, or a later one of its problem, has been decided about already."""


@dataclass(frozen=True)
class Recovery:
    """An alarm that is over: which problem it was of, and what is to happen."""

    fingerprint: str
    alarm_name: str
    at: datetime
    policy: RecoveryPolicy
    series: str = ""
    """Which of the problem's series is over: `fingerprint.series_of`."""
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

    async def has_room(self, content: str, sort: str, *, most: int) -> bool:
        """Whether it was written, or is one of the first `most` of its sort within two hours."""

    async def admit(
        self, incident: IncidentOpened, *, content: str, source: str, is_only_said: bool = False
    ) -> Decision:
        """The alarm has its effect, once for this content: see decision 0032.

        Critical but only said so, it is ordered as critical and limited as any other.
        """

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


class Core(Protocol):
    """Where every door ends. Every method raises Unavailable when nothing could be written."""

    async def take(self, found: Found) -> Decision:
        """What was understood has had its effect, once, however often it comes."""

    async def stop(self, investigation_id: InvestigationId, *, person: str) -> Decision:
        """The investigation has ended, as `cancelled` where it had not ended before."""

    async def judge(
        self, investigation_id: InvestigationId, *, useful: bool, person: str, reason: str
    ) -> Decision:
        """What the person says of the diagnosis stands on the stream, once."""


class Pace(Protocol):
    """How often one person may ask, and press: each has a limit of its own."""

    async def allows(self, by: Person, what: str = "", *, is_press: bool = False) -> bool:
        """Whether this is within the limit; it counts, once for each `what`. Raises Unavailable."""


class Answers(Protocol):
    """The way back to a person."""

    async def say(self, address: str, answer: Answer) -> bool:
        """Whether Slack took it, so that the person reads it; one that is lost is logged."""


class Sns(Protocol):
    """SNS itself, at the addresses of one place. Every method raises Unavailable when it is silent.

    No redirect is followed, and no answer is read without end.
    """

    async def check(
        self, message: SnsMessage, place: Place, *, now: datetime, peer: str = ""
    ) -> None:
        """Nothing, if the holder of that place's certificate signed the message; else Forged.

        `peer` is who posted it: what is asked for strangers is counted for each of them.
        """

    async def confirm(self, url: str) -> str:
        """The subscription that stands from now on; raises Rejected when SNS refuses."""


class Seen(Protocol):
    """What was seen before. Every method raises Unavailable when Redis does not answer."""

    async def is_kept(self, name: str) -> bool:
        """Whether it was kept before, by any replica."""

    async def keep(self, name: str) -> None:
        """It is remembered, for a while."""


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
