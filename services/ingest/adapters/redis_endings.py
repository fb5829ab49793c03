"""A person's stop and judgement, as far as they need no more than the record and the stream."""

from dataclasses import dataclass

from redis.exceptions import RedisError

from bus.errors import Unavailable
from bus.events import FeedbackGiven, InvestigationId
from bus.port import Bus
from bus.record import Record, end_from_outside
from services.ingest.fingerprint import body_hash
from services.ingest.handlers import Triggers
from services.ingest.trigger import Decision, Found, Outcome

TRIES = 20


@dataclass
class Endings:
    """The core as Slack sees it: what is raised goes to the triggers."""

    triggers: Triggers
    bus: Bus

    async def take(self, found: Found) -> Decision:
        """What was understood has had its effect, once, however often it comes."""
        return await self.triggers.take(found)

    async def stop(self, investigation_id: InvestigationId, *, person: str) -> Decision:
        """The investigation has ended, as `cancelled` where it had not ended before."""
        try:
            return await self._stop(investigation_id, reason=f"stopped by {person} in Slack")
        except (RedisError, OSError) as error:
            raise Unavailable(f"Redis does not answer: {error or type(error).__name__}") from error

    async def judge(
        self, investigation_id: InvestigationId, *, useful: bool, person: str, reason: str
    ) -> Decision:
        """What the person says of the diagnosis stands on the stream, once."""
        record = await self._record(investigation_id)
        if record is None:
            return Decision("ignored", f"there is no investigation {investigation_id} any more")
        event = FeedbackGiven(
            investigation_id=investigation_id,
            fingerprint=record.incident.fingerprint,
            useful=useful,
            person=person,
            reason=reason,
        )
        written = await self.triggers.fingerprints.write_once(
            body_hash(f"judged {event.model_dump_json()}"), [event]
        )
        outcome: Outcome = "judged" if written.first else "repeated"
        return Decision(outcome, "judged in Slack", investigation_id, written.durable)

    async def _record(self, investigation_id: InvestigationId) -> Record | None:
        try:
            return await self.bus.investigations.read(investigation_id)
        except (RedisError, OSError) as error:
            raise Unavailable(f"Redis does not answer: {error or type(error).__name__}") from error

    async def _stop(self, named: InvestigationId, *, reason: str) -> Decision:
        investigations = self.bus.investigations
        for _ in range(TRIES):
            record = await investigations.read(named)
            if record is None:
                return Decision("ignored", f"there is no investigation {named}")
            commit = end_from_outside(
                record, "cancelled", at=await investigations.now(), reason=reason
            )
            if commit is None and record.outcome == "cancelled":
                return Decision("repeated", "it was stopped before", named)
            if commit is None:
                said = f"it has ended already: {record.outcome}"
                return Decision("ignored", said, named)
            if await investigations.commit(record, commit):
                return Decision("stopped", reason, named)
        raise Unavailable(f"{named} changes too fast to be stopped")
