"""What happens to a trigger, whichever door it came through: decided once, with its reason."""

import json
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import partial

from opentelemetry.trace import SpanKind
from pydantic import ValidationError

from bus import conventions as names
from bus.cleaning import clean
from bus.errors import Rejected
from bus.events import FeedbackGiven, InvestigationId, RecoveryPolicy
from bus.tracing import Tracing, context_of, root_of
from services.ingest.fingerprint import Identity, content_hash, series_of
from services.ingest.incident import incident_of, passes_no_limit
from services.ingest.naming import service_of
from services.ingest.ports import Fingerprints, Readings, Recovery
from services.ingest.reading import read
from services.ingest.refusal import ALARM, QUEUED
from services.ingest.set_aside import set_aside
from services.ingest.telling import noted, told
from services.ingest.trigger import Decision, Found, Ignored, Raised, Recovered, Unreadable

PERSON_CHARACTERS = 100


@dataclass
class Triggers:
    """Turns triggers into incidents, news and dead letters; each has its effect once."""

    fingerprints: Fingerprints
    tracing: Tracing
    readings: Readings
    services: Sequence[str] = ()
    identity: Identity = field(default_factory=Identity)
    recovery: RecoveryPolicy = "finish small"

    async def on_body(self, body: str) -> Sequence[Decision]:
        """Everything that the body means is written; what was decided about each part of it.

        Raises Unavailable when it could not be written; then nothing is lost, and a second
        try writes only what is missing.
        """
        try:
            parts = await self.readings.read(partial(read, body, clean=clean), size=len(body))
        except (Rejected, ValidationError) as error:
            parts = [Unreadable(str(error))]
        return [
            await self.take(part)
            if isinstance(part, Found)
            else await self.set_aside(body, part.reason)
            for part in parts
        ]

    async def take(self, found: Found) -> Decision:
        """What was understood has had its effect, once, however often it comes.

        What has no fingerprint is set aside: outcome `rejected`. Raises Unavailable when it could
        not be written; then a second try loses nothing.
        """
        alarm = None if isinstance(found, Ignored) else found.alarm
        try:
            return told(await self.readings.foreseen(self._decided(found)), alarm)
        except (Rejected, ValidationError) as error:
            shown = json.dumps(alarm.model_dump() if alarm else repr(found), default=str)
            return await self.set_aside(shown, str(error), what=ALARM)

    async def stop(self, investigation_id: str, *, person: str) -> Decision:
        """The investigation has ended as `cancelled`; an honest answer where it had already."""
        reason = f"stopped by {clean(person)[:PERSON_CHARACTERS]}"
        inv = InvestigationId(investigation_id)
        decision = await self.fingerprints.end(inv, "cancelled", reason=reason)
        if decision.outcome == "stopped":
            await noted(decision, self.fingerprints)
        return told(decision)

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
        return told(await self.fingerprints.judge(said))

    async def _decided(self, found: Found) -> Decision:
        if isinstance(found, Raised):
            return await self._on_raised(found)
        if isinstance(found, Recovered):
            return await self._on_recovered(found)
        return await noted(Decision("ignored", found.reason), self.fingerprints)

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

    async def set_aside(
        self, body: str, reason: str, *, what: str = QUEUED, most: int = 0
    ) -> Decision:
        """It stands as a dead letter, and as a decision: `set_aside`. Raises Unavailable."""
        return told(await set_aside(self.fingerprints, body, reason=reason, what=what, most=most))
