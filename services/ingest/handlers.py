"""What happens to one message of the queue: written once, or ignored with a reason."""

import logging
from collections.abc import Sequence
from dataclasses import dataclass

from opentelemetry.trace import SpanKind
from pydantic import ValidationError

from bus import metrics
from bus.cleaning import clean
from bus.errors import Rejected
from bus.events import Alarm, DeadLetter, NoticeRequested
from bus.streams import INCIDENTS
from bus.tracing import Tracing, root_of
from services.ingest.alarm import Recovered, read
from services.ingest.fingerprint import body_hash, content_hash, fingerprint
from services.ingest.incident import incident_of, recovery_of
from services.ingest.naming import service_of
from services.ingest.ports import Fingerprints, Written
from services.ingest.wrapping import cleaned, messages_of

log = logging.getLogger(__name__)
MAX_KEPT_BYTES = 64 * 1024
NOTHING_WRITTEN = Written(first=False, durable=True)


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
        try:
            messages = messages_of(body)
        except Rejected as error:
            return (await self._set_aside(body, str(error))).durable
        written = [await self._on_message(message, body) for message in messages]
        return all(one.durable for one in written)

    async def _on_message(self, message: object, body: str) -> Written:
        try:
            found = read(message, clean=clean)
        except (Rejected, ValidationError) as error:
            return await self._set_aside(body, str(error))
        if isinstance(found, Alarm):
            return await self._on_alarm(found)
        if isinstance(found, Recovered):
            return await self._on_recovery(found.alarm)
        log.info("ignored: %s", found.reason)
        metrics.INCIDENTS.add(1, {"outcome": "ignored"})
        return NOTHING_WRITTEN

    async def _on_alarm(self, alarm: Alarm) -> Written:
        incident = incident_of(alarm, service_of(alarm, self.services))
        root = root_of(str(incident.incident_id)).traceparent
        attributes = {
            "nightshift.incident.id": str(incident.incident_id),
            "nightshift.alarm.name": alarm.name,
        }
        with self.tracing.span(
            "ingest alarm", kind=SpanKind.CONSUMER, parent=root, attributes=attributes
        ) as span:
            written = await self.fingerprints.write_once(
                content_hash(alarm, "ALARM"),
                [incident],
                traceparent=root,
                opens=incident.fingerprint,
            )
            outcome = "opened" if written.first else "duplicate"
            span.set_attribute("nightshift.ingest.outcome", outcome)
            log.info("%s: %s about %s", outcome, alarm.name, incident.service)
        metrics.INCIDENTS.add(1, {"outcome": outcome})
        return written

    async def _on_recovery(self, alarm: Alarm) -> Written:
        same = fingerprint(alarm, service_of(alarm, self.services))
        investigation_id = await self.fingerprints.running(same)
        if investigation_id is None:
            log.info("ignored: %s is OK and nothing runs for it", alarm.name)
            metrics.INCIDENTS.add(1, {"outcome": "ignored"})
            return NOTHING_WRITTEN
        metrics.INCIDENTS.add(1, {"outcome": "recovered"})
        root = root_of(investigation_id).traceparent
        at = alarm.changed_at or await self.fingerprints.now()
        news = recovery_of(alarm, investigation_id, at=at)
        return await self.fingerprints.write_once(
            content_hash(alarm, "OK"), [news], traceparent=root
        )

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
