"""Counters that alerts ask for stand at 0 from the start, so that a first event is an increase."""

from collections.abc import Iterable
from typing import get_args

from bus import metrics
from bus.seals import Verdict
from bus.streams import STOPS
from services.ingest import measures
from services.ingest.trigger import Outcome

STATUSES = ("200", "401", "403", "503")


def from_zero(doors: Iterable[str]) -> None:
    """They are exposed; `doors` are the paths that are open."""
    for outcome in (*get_args(Outcome), "refused", "not caught up"):
        metrics.INCIDENTS.add(0, {"outcome": outcome})
    for verdict in get_args(Verdict):
        metrics.SEALS.add(0, {"stream": STOPS.name, "verdict": verdict})
    for door in doors:
        for status in STATUSES:
            measures.DOORS.add(0, {"door": door, "status": status})
