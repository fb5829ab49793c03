"""What happens to a trigger, whichever door it came through: decided once, with its reason."""

import asyncio
import logging
import time
from collections.abc import Sequence
from dataclasses import dataclass, field

from opentelemetry.trace import SpanKind
from pydantic import ValidationError

from bus import conventions as names
from bus import metrics
from bus.cleaning import clean
from bus.errors import Rejected
from bus.events import Alarm, FeedbackGiven, InvestigationId, RecoveryPolicy
from bus.tracing import Tracing, context_of, root_of
from services.ingest.fingerprint import Identity, content_hash, series_of
from services.ingest.incident import incident_of, passes_no_limit
from services.ingest.naming import service_of
from services.ingest.ports import Fingerprints, Recovery
from services.ingest.reading import read
from services.ingest.refusal import ALARM, MAX_REASON_CHARACTERS, QUEUED
from services.ingest.set_aside import set_aside
from services.ingest.trigger import Decision, Found, Ignored, Raised, Recovered, Unreadable

log = logging.getLogger(__name__)
PERSON_CHARACTERS = 100
LONG_CHARACTERS = 16 * 1024
"""A longer body is read in a thread: to unpack and clean a log batch takes its time."""


@dataclass
class Triggers:
    """Turns triggers into incidents, news and dead letters; each has its effect once."""

    fingerprints: Fingerprints
    tracing: Tracing
    services: Sequence[str] = ()
    identity: Identity = field(default_factory=Identity)
    recovery: RecoveryPolicy = "finish small"

    async def on_body(self, body: str) -> Sequence[Decision]:
        """Everything that the body means is written; what was decided about each part of it.

        Raises Unavailable when it could not be written; then nothing is lost, and a second
        try writes only what is missing.
        """
        return [await self._on_part(part, body) for part in await self._read(body)]

    async def take(self, found: Found) -> Decision:
        """What was understood has had its effect, once, however often it comes.

        What has no fingerprint is set aside: outcome `rejected`. Raises Unavailable when it could
        not be written; then a second try loses nothing.
        """
        if isinstance(found, Ignored):
            decision = Decision("ignored", found.reason)
            await self.fingerprints.note(decision)
            return _told(decision)
        decide = self._on_raised(found) if isinstance(found, Raised) else self._on_recovered(found)
        try:
            return _told(await decide, found.alarm)
        except (Rejected, ValidationError) as error:
            return await self._set_aside(found.alarm.model_dump_json(), str(error), what=ALARM)

    async def stop(self, investigation_id: str, *, person: str) -> Decision:
        """The investigation has ended as `cancelled`; an honest answer where it had already."""
        reason = f"stopped by {clean(person)[:PERSON_CHARACTERS]}"
        inv = InvestigationId(investigation_id)
        decision = await self.fingerprints.end(inv, "cancelled", reason=reason)
        if decision.outcome == "stopped":
            await self.fingerprints.note(decision)
        return _told(decision)

    async def judge(
        self, investigation_id: str, *, useful: bool, person: str, reason: str = ""
    ) -> Decision:
        """What the person says is told once; no use of the last answer re-arms its problem."""
        said = FeedbackGiven(
            investigation_id=InvestigationId(investigation_id),
            fingerprint="",
            useful=useful,
            person=clean(person)[:PERSON_CHARACTERS],
            reason=clean(reason)[:2000],
        )
        return _told(await self.fingerprints.judge(said))

    async def _read(self, body: str) -> list[Found | Unreadable]:
        if len(body) < LONG_CHARACTERS:
            return read(body, clean=clean)
        return await asyncio.to_thread(read, body, clean=clean)

    async def _on_part(self, part: Found | Unreadable, body: str) -> Decision:
        if isinstance(part, Unreadable):
            return await self._set_aside(body, part.reason)
        return await self.take(part)

    async def _on_raised(self, found: Raised) -> Decision:
        alarm, began = found.alarm, time.time_ns()
        service = found.service or service_of(alarm, self.services)
        incident = incident_of(found, service, identity=self.identity)
        content = content_hash(alarm, "ALARM", note=found.note)
        said = passes_no_limit(found)
        decision = await self.fingerprints.admit(
            incident, content=content, source=found.source, is_only_said=said
        )
        incident_id = decision.incident_id or str(incident.incident_id)  # now it is known
        self.tracing.tracer.start_span(
            "ingest alarm",
            context=context_of(root_of(incident_id).traceparent),
            kind=SpanKind.CONSUMER,
            attributes={
                **{names.INCIDENT: incident_id, names.ALARM: alarm.name},
                names.INGEST_OUTCOME: decision.outcome,
            },
            start_time=began,
        ).end()
        return decision

    async def _on_recovered(self, found: Recovered) -> Decision:
        alarm = found.alarm
        service = found.service or service_of(alarm, self.services)
        recovery = Recovery(
            fingerprint=self.identity.fingerprint(alarm, service, kind=found.kind),
            alarm_name=alarm.name,
            at=alarm.changed_at or await self.fingerprints.now(),
            policy=self.recovery,
            series=series_of(alarm, found.kind),
            is_dated=alarm.changed_at is not None,
        )
        return await self.fingerprints.recover(recovery, content=content_hash(alarm, "OK"))

    async def _set_aside(self, body: str, reason: str, *, what: str = QUEUED) -> Decision:
        written = await set_aside(self.fingerprints, body, reason=reason, what=what)
        reason = clean(reason)[:MAX_REASON_CHARACTERS]
        decision = Decision("rejected", reason, durable=written.durable)
        if written.first:
            await self.fingerprints.note(decision)
        return _told(decision)


def _told(decision: Decision, alarm: Alarm | None = None) -> Decision:
    level = logging.WARNING if decision.outcome == "rejected" else logging.INFO
    about = f"{alarm.name}, {decision.incident_id or 'no incident'}" if alarm else ""
    inv = decision.incident_id
    ids = {"incident_id": inv, "trace_id": root_of(inv).trace_id} if inv else {}
    log.log(level, "%s: %s (%s)", decision.outcome, decision.reason, about, extra=ids)
    metrics.INCIDENTS.add(1, {"outcome": decision.outcome})
    return decision
