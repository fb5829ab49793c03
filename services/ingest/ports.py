"""What ingest needs from outside: a queue, and a place where a thing is written only once."""

from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from bus.errors import Rejected
from bus.events import Event, InvestigationId
from services.ingest.slack_answers import Answer
from services.ingest.slack_reading import Person
from services.ingest.sns_addresses import Place
from services.ingest.sns_message import SnsMessage
from services.ingest.trigger import Decision, Found


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

    async def opened(self, incident_id: str, fingerprint: str) -> bool:
        """Whether that incident was opened already, as far back as is remembered."""


class Fingerprints(Protocol):
    """Writes each thing once. Every method raises Unavailable when Redis does not do it."""

    async def write_once(
        self, content: str, events: Sequence[Event], *, traceparent: str = "", opens: str = ""
    ) -> Written:
        """The events stand on their streams exactly once for this content hash.

        With `opens`, the fingerprint given there leads to the incident from now on.
        """

    async def running(self, fingerprint: str) -> InvestigationId | None:
        """The last investigation of that fingerprint, unless it has ended or none is known."""

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
    """How often one person may ask."""

    async def allows(self, by: Person) -> bool:
        """Whether this request is within the limit; it counts. Raises Unavailable."""


class Answers(Protocol):
    """The way back to a person."""

    async def say(self, address: str, answer: Answer) -> None:
        """The person reads it, where Slack took it; an answer that is lost is only logged."""


class Sns(Protocol):
    """SNS itself, at the addresses of one place. Every method raises Unavailable when it is silent.

    No redirect is followed, and no answer is read without end.
    """

    async def check(self, message: SnsMessage, place: Place, *, now: datetime) -> None:
        """Nothing, if the holder of that place's certificate signed the message; else Forged."""

    async def confirm(self, url: str) -> str:
        """The subscription that stands from now on; raises Rejected when SNS refuses."""


class MessageIds(Protocol):
    """Which messages had their effect. Every method raises Unavailable when Redis does not answer.

    An id is kept for a day: longer than any message that is still recent enough can come again.
    """

    async def is_kept(self, message_id: str) -> bool:
        """Whether the message had its effect already."""

    async def keep(self, message_id: str) -> None:
        """The message has had its effect."""
