"""An alarm opens an incident; a recovery is news for the investigation that it opened. Pure."""

import hashlib

from bus.events import (
    IncidentId,
    IncidentOpened,
)
from services.ingest.fingerprint import DEFAULT, Identity, content_hash, series_of
from services.ingest.severity import is_only_said, severity_of
from services.ingest.trigger import Raised


def incident_of(found: Raised, service: str, *, identity: Identity = DEFAULT) -> IncidentOpened:
    """The incident that a trigger opens; its id is known before anything is written.

    Raises Rejected where a part of its fingerprint is empty.
    """
    alarm = found.alarm
    same = identity.fingerprint(alarm, service, kind=found.kind)
    said = alarm.reason or alarm.description or "went to ALARM"
    return IncidentOpened(
        service=service,
        summary=f"{alarm.name}: {said}"[:2000],
        incident_id=_incident_id(found, same),
        severity=found.severity or severity_of(alarm),
        trigger=found.kind,
        alarm=alarm,
        fingerprint=same,
        note=found.note,
        attachments=dict(found.attachments),
    )


def passes_no_limit(found: Raised) -> bool:
    """Whether nobody who is trusted calls it critical, only words do: see `severity.is_only_said`.

    What a source states in a field of its own is its word, as is a level of a log line.
    """
    return found.is_only_said if found.severity else is_only_said(found.alarm, found.kind)


def _incident_id(found: Raised, same: str) -> IncidentId:
    """The same for every delivery of one change of a series; without its time, of one content."""
    alarm = found.alarm
    changed, series = alarm.changed_at, series_of(alarm, found.kind)
    moment = changed.isoformat() if changed else content_hash(alarm, "ALARM", note=found.note)
    # Several series behind one alarm of CloudWatch change in the same moment.
    if found.kind == "cloudwatch" and (contributor := alarm.labels.get("contributor", "")):
        moment = f"{moment} {contributor}"
    digest = hashlib.sha256(f"{same} {series} {moment}".encode()).hexdigest()
    return IncidentId(f"inc-{digest[:24]}")
