"""What ingest needs from outside: a queue, and a place where a thing is written only once."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from bus.events import Event, InvestigationId
from services.ingest.slack_answers import Answer
from services.ingest.slack_reading import Person
from services.ingest.trigger import Decision, Found


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
