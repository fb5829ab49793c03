"""An alarm opens an incident; a recovery is news for the investigation that it opened. Pure."""

import hashlib
import re
from datetime import datetime

from bus.events import (
    Alarm,
    AlarmRecovered,
    IncidentId,
    IncidentOpened,
    InvestigationId,
    Severity,
)
from services.ingest.fingerprint import content_hash, fingerprint
from services.ingest.trigger import Raised

_CRITICAL = re.compile(r"\b(critical|crit|fatal|sev-?1|p1|outage|page)\b", re.IGNORECASE)
_WARNING = re.compile(r"\b(warning|warn|sev-?3|p3|minor)\b", re.IGNORECASE)


def incident_of(found: Raised, service: str) -> IncidentOpened:
    """The incident that a trigger opens; its id is known before anything is written."""
    alarm = found.alarm
    said = alarm.reason or alarm.description or "went to ALARM"
    return IncidentOpened(
        service=service,
        summary=f"{alarm.name}: {said}"[:2000],
        incident_id=incident_id(alarm, service),
        severity=found.severity or severity_of(alarm),
        trigger=found.kind,
        alarm=alarm,
        fingerprint=fingerprint(alarm, service),
        note=found.note,
        attachments=dict(found.attachments),
    )


def incident_id(alarm: Alarm, service: str) -> IncidentId:
    """The same for every delivery of one state change; without its time, of the same content."""
    moment = alarm.changed_at.isoformat() if alarm.changed_at else content_hash(alarm, "ALARM")
    digest = hashlib.sha256(f"{fingerprint(alarm, service)} {moment}".encode()).hexdigest()
    return IncidentId(f"inc-{digest[:24]}")


def severity_of(alarm: Alarm) -> Severity:
    """What the alarm's author wrote about it, else an error."""
    written = re.sub(r"[_.]", " ", f"{alarm.name} {alarm.description}")
    if _CRITICAL.search(written):
        return "critical"
    return "warning" if _WARNING.search(written) else "error"


def recovery_of(alarm: Alarm, investigation_id: InvestigationId, *, at: datetime) -> AlarmRecovered:
    """The news that the alarm of a running investigation is over: finish what is under way."""
    return AlarmRecovered(
        investigation_id=investigation_id,
        alarm_name=alarm.name,
        recovered_at=at,
        policy="finish small",
    )
