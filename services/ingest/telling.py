"""Every decision is told where a person looks: in the log, in the figures, and to `show`."""

import logging

from bus import metrics
from bus.events import Alarm
from bus.tracing import root_of
from services.ingest.ports import Fingerprints
from services.ingest.trigger import Decision

log = logging.getLogger(__name__)


def told(decision: Decision, alarm: Alarm | None = None) -> Decision:
    """The decision, of which the log and the figures tell now."""
    level = logging.WARNING if decision.outcome == "rejected" else logging.INFO
    about = f"{alarm.name}, {decision.incident_id or 'no incident'}" if alarm else ""
    inv = decision.incident_id
    ids = {"incident_id": inv, "trace_id": root_of(inv).trace_id} if inv else {}
    log.log(level, "%s: %s (%s)", decision.outcome, decision.reason, about, extra=ids)
    metrics.INCIDENTS.add(1, {"outcome": decision.outcome})
    return decision


async def noted(decision: Decision, fingerprints: Fingerprints) -> Decision:
    """The decision, which `nightshift show` prints from now on. Raises Unavailable."""
    await fingerprints.note(decision)
    return decision
