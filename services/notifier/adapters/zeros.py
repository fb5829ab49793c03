"""Counters that alerts ask for stand at 0 from the start, so that a first event is an increase."""

from typing import get_args

from bus import metrics
from bus.events import Outcome
from bus.seals import Verdict
from bus.streams import STREAMS
from services.notifier import measures


def from_zero() -> None:
    """They are exposed."""
    for stream in STREAMS:
        measures.WIPED.add(0, {"stream": stream.name})
        if any(reader.group == "notifier" for reader in stream.readers):
            metrics.DEAD_LETTERS.add(0, {"stream": stream.name})
        for verdict in get_args(Verdict) if "notifier" in stream.heard_by else ():
            metrics.SEALS.add(0, {"stream": stream.name, "verdict": verdict})
    for outcome in get_args(Outcome):
        metrics.OUTCOMES.add(0, {"outcome": outcome})
    metrics.SLACK_WRITES.add(0, {"method": "chat.postMessage", "answer": "ok"})
    for ended in ("given up", "taken back"):
        metrics.SECOND_MESSAGES.add(0, {"ended": ended})
    for useful in ("yes", "no"):
        metrics.FEEDBACK.add(0, {"useful": useful, "changed": "no"})
