"""An OTLP/HTTP receiver that keeps spans and shows a trace as a waterfall: as text, on a page."""

from cli.traces.span import Span
from cli.traces.waterfall import waterfall
from simulator.otlp.receiver import build_otlp
from simulator.otlp.spans import SpanStore

__all__ = ["Span", "SpanStore", "build_otlp", "waterfall"]
