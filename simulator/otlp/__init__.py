"""An OTLP/HTTP receiver that keeps spans and shows a trace as a waterfall: as text, on a page."""

from simulator.otlp.receiver import build_otlp
from simulator.otlp.spans import Span, SpanStore
from simulator.otlp.waterfall import waterfall

__all__ = ["Span", "SpanStore", "build_otlp", "waterfall"]
