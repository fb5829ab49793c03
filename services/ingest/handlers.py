"""What happens to one message of the queue: written once, or ignored with a reason."""

import asyncio
import logging
from collections.abc import Sequence
from dataclasses import dataclass

from opentelemetry.trace import SpanKind
from pydantic import ValidationError

from bus import metrics
from bus.cleaning import clean
from bus.errors import Rejected
from bus.events import DeadLetter, NoticeRequested
from bus.streams import INCIDENTS
from bus.tracing import Tracing, root_of
from services.ingest.fingerprint import body_hash, content_hash, fingerprint
from services.ingest.incident import incident_of, recovery_of
from services.ingest.naming import service_of
from services.ingest.ports import Fingerprints, Written
from services.ingest.reading import read
from services.ingest.trigger import Decision, Found, Outcome, Raised, Recovered, Unreadable
from services.ingest.wrapping import cleaned

log = logging.getLogger(__name__)
MAX_KEPT_BYTES = 64 * 1024
LONG_CHARACTERS = 16 * 1024
"""A longer body is read in a thread."""


@dataclass
class Triggers:
    """Turns queue bodies into incidents, news and dead letters; each of them stands once."""

    fingerprints: Fingerprints
    tracing: Tracing
    services: Sequence[str] = ()

    async def on_body(self, body: str) -> bool:
        """Everything that the body means is written; whether all of it is on disk already.

        Raises Unavailable when it could not be written; then nothing is lost, and a second
        try writes only what is missing.
        """
        found = await self._read(body)
        written = [await self._on_part(part, body) for part in found]
        return all(written)

    async def take(self, found: Found) -> Decision:
        """What was understood has had its effect, once, however often it comes.

        Raises Unavailable when it could not be written; then a second try loses nothing.
        """
        if isinstance(found, Raised):
            return await self._on_raised(found)
        if isinstance(found, Recovered):
            return await self._on_recovered(found)
        return _decided(Decision("ignored", found.reason))

    async def _read(self, body: str) -> list[Found | Unreadable]:
        if len(body) < LONG_CHARACTERS:
            return read(body, clean=clean)
        # A log batch is unpacked and cleaned: time in which the loop has other things to do.
        return await asyncio.to_thread(read, body, clean=clean)

    async def _on_part(self, part: Found | Unreadable, body: str) -> bool:
        if isinstance(part, Unreadable):
            return (await self._set_aside(body, part.reason)).durable
        try:
            return (await self.take(part)).durable
        except (Rejected, ValidationError) as error:
            # What no event can hold will not be held the next time either.
            return (await self._set_aside(body, str(error))).durable

    async def _on_raised(self, found: Raised) -> Decision:
        alarm = found.alarm
        incident = incident_of(found, found.service or service_of(alarm, self.services))
        incident_id = str(incident.incident_id)
        root = root_of(incident_id).traceparent
        attributes = {"nightshift.incident.id": incident_id, "nightshift.alarm.name": alarm.name}
        with self.tracing.span(
            "ingest alarm", kind=SpanKind.CONSUMER, parent=root, attributes=attributes
        ) as span:
            written = await self.fingerprints.write_once(
                content_hash(alarm, "ALARM"),
                [incident],
                traceparent=root,
                opens=incident.fingerprint,
            )
            outcome: Outcome = "opened" if written.first else "repeated"
            span.set_attribute("nightshift.ingest.outcome", outcome)
        said = f"{alarm.name} about {incident.service}"
        return _decided(Decision(outcome, said, incident_id, written.durable))

    async def _on_recovered(self, found: Recovered) -> Decision:
        alarm = found.alarm
        same = fingerprint(alarm, found.service or service_of(alarm, self.services))
        investigation_id = await self.fingerprints.running(same)
        if investigation_id is None:
            return _decided(Decision("ignored", f"{alarm.name} is OK and nothing runs for it"))
        root = root_of(investigation_id).traceparent
        at = alarm.changed_at or await self.fingerprints.now()
        news = recovery_of(alarm, investigation_id, at=at)
        written = await self.fingerprints.write_once(
            content_hash(alarm, "OK"), [news], traceparent=root
        )
        said = f"{alarm.name} is OK"
        return _decided(Decision("recovered", said, investigation_id, written.durable))

    async def _set_aside(self, body: str, reason: str) -> Written:
        content = body_hash(body)
        text = str(cleaned(body, clean)).encode()[:MAX_KEPT_BYTES].decode("utf-8", "ignore")
        letter = DeadLetter(
            stream=INCIDENTS.name,
            group="ingest",
            entry_id=content,
            reason=clean(reason)[:2000],
            delivery_count=1,
            fields={"body": text},
            set_aside_at=await self.fingerprints.now(),
        )
        notice = NoticeRequested(
            text=f"A message in the alarm queue could not be read: {letter.reason}"[:2000],
            key=f"unreadable:{content}",
        )
        written = await self.fingerprints.write_once(content, [letter, notice])
        if written.first:
            log.warning("set aside: %s", letter.reason)
        metrics.INCIDENTS.add(1, {"outcome": "rejected"})
        return written


def _decided(decision: Decision) -> Decision:
    log.info("%s: %s", decision.outcome, decision.reason)
    metrics.INCIDENTS.add(1, {"outcome": decision.outcome})
    return decision
