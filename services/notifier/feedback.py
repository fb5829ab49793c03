"""What a person said about a diagnosis, with what it was about, as it is kept."""

import re
from datetime import datetime

from bus.cleaning import clean
from bus.errors import Rejected
from bus.events import ID_PATTERN, FeedbackGiven
from bus.record import Record
from services.notifier.ports import Said

PERSON_CHARACTERS = 100
REASON_CHARACTERS = 1000


def judgement(event: FeedbackGiven, record: Record | None, *, at: datetime) -> dict[str, str]:
    """The facts, all as text; of an investigation without a record only what the event says.

    Raises Rejected where the event names no investigation at all.
    """
    if not re.match(ID_PATTERN, event.investigation_id):
        raise Rejected(f"{event.investigation_id[:80]!r} can be no investigation's id")
    facts = {
        "kind": "feedback",
        "investigation_id": event.investigation_id,
        "at": at.isoformat(),
        "useful": "yes" if event.useful else "no",
        "person": clean(event.person)[:PERSON_CHARACTERS],
        "reason": clean(event.reason)[:REASON_CHARACTERS],
        "fingerprint": event.fingerprint,
    }
    return facts if record is None else facts | _about(record, event.fingerprint)


def counted(said: Said, *, useful: str) -> dict[str, str]:
    """The labels under which it is counted; none where it says what was counted already.

    A counter never falls, so a mind that changed is counted once more, as changed: who finds it
    useful now is all of `useful="yes"` without `useful="no", changed="yes"`, and the reverse.
    """
    if said not in ("first", "changed"):
        return {}
    return {"useful": useful, "changed": "yes" if said == "changed" else "no"}


def _about(record: Record, fingerprint: str) -> dict[str, str]:
    return {
        "fingerprint": record.incident.fingerprint or fingerprint,
        "service": clean(record.incident.service),
        "severity": record.incident.severity,
        "outcome": record.outcome or "",
        "verdict": record.diagnosis.verdict if record.diagnosis else "",
        "model": record.model,
    }
