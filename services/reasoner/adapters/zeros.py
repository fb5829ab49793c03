"""Counters that alerts ask for stand at 0 from the start, so that a first event is an increase."""

from typing import get_args

from bus import metrics
from bus.seals import Verdict
from bus.streams import STREAMS
from services.reasoner import measures
from services.reasoner.settings import Settings
from services.reasoner.transcript import Usage


def from_zero(settings: Settings) -> None:
    """They are exposed, and so is the limit that spending is compared with."""
    looks = (settings.verify_model or settings.model,) if settings.verify != "off" else ()
    for model in {*settings.models, *looks}:
        labels = {"model": model}
        for counter in (metrics.TURNS, metrics.COST_USD, metrics.UNPRICED, measures.MODEL_RETRIES):
            counter.add(0, labels)
        for kind in measures.KINDS:
            measures.MODEL_ERRORS.add(0, {**labels, "kind": kind})
        for kind in Usage().by_kind:
            metrics.TOKENS.add(0, {**labels, "kind": kind})
    for stream in STREAMS:
        if any(reader.group == "reasoner" for reader in stream.readers):
            metrics.DEAD_LETTERS.add(0, {"stream": stream.name})
        for verdict in get_args(Verdict) if "reasoner" in stream.heard_by else ():
            metrics.SEALS.add(0, {"stream": stream.name, "verdict": verdict})
    measures.DAY_LIMIT_USD.set(settings.max_day_cost_usd)
