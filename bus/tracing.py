"""One trace per incident: the root's ids, spans under an entry, and the only OpenTelemetry wiring.

The root is the investigation span. Its span id is always derived from the incident id, its trace id
comes from the given `traceparent`, else is derived too (design, section 5). Nobody holds it open:
the notifier writes it once, at the end. Every hop hangs under it, none under another's span.
"""

import hashlib
import os
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from threading import Thread

from opentelemetry import trace
from opentelemetry.context import Context
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.trace import Span, SpanKind
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator
from opentelemetry.util.types import AttributeValue

from bus.events import Value
from bus.spans import ChosenIds, WholeSpans, WholeTraces, begun_as

EXPORT_SECONDS = 3
"""Longest time of an export, retries included: a stop must not wait for telemetry that is down."""
_TRACEPARENT = re.compile(r"^[0-9a-f]{2}-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})$")
_hop: ContextVar[str] = ContextVar("trace context in which the work came", default="")


class Root(Value):
    """Ids of an incident's root span; `parent_id` is a caller's span or empty."""

    trace_id: str
    span_id: str
    parent_id: str = ""

    @property
    def traceparent(self) -> str:
        """The trace context under which everything of this incident hangs."""
        return f"00-{self.trace_id}-{self.span_id}-01"


def root_of(incident_id: str, traceparent: str = "") -> Root:
    """The root of an incident: a pure function of its id and the entry's `traceparent`."""
    digest = hashlib.sha256(incident_id.encode()).digest()
    span_id = digest[16:24].hex()
    given = _TRACEPARENT.match(traceparent)
    if not given or set(given[1]) == {"0"}:
        return Root(trace_id=digest[:16].hex(), span_id=span_id)
    # A caller that does not record its own span (an even flag) would leave the root an orphan.
    stands = int(given[3], 16) & 1 and given[2] not in (span_id, "0" * 16)
    return Root(trace_id=given[1], span_id=span_id, parent_id=given[2] if stands else "")


def context_of(traceparent: str) -> Context:
    """A context whose parent is that span; an empty one when the text is no trace context."""
    return TraceContextTextMapPropagator().extract({"traceparent": traceparent}, Context())


def current_traceparent(default: str = "") -> str:
    """The trace context in which the running work came, else `default`."""
    return _hop.get() or default


class Tracing:
    """The tracer of one process. Without an OTLP endpoint spans are made but sent nowhere."""

    def __init__(self, service: str, replica: str) -> None:
        names = {"service.name": service, "service.namespace": "nightshift"}
        resource = Resource.create(names | {"service.instance.id": replica})
        self.provider = TracerProvider(WholeTraces(), resource, id_generator=ChosenIds())
        if any(os.environ.get(f"OTEL_EXPORTER_OTLP{name}_ENDPOINT") for name in ("", "_TRACES")):
            own = None if os.environ.get("OTEL_EXPORTER_OTLP_TIMEOUT") else EXPORT_SECONDS
            self.provider.add_span_processor(WholeSpans(OTLPSpanExporter(timeout=own)))
        self.tracer = self.provider.get_tracer("nightshift")

    @contextmanager
    def span(
        self,
        name: str,
        *,
        kind: SpanKind = SpanKind.INTERNAL,
        parent: str = "",
        span_id: str = "",
        attributes: Mapping[str, AttributeValue] | None = None,
    ) -> Iterator[Span]:
        """A running span under `parent` (a traceparent), else under the current one.

        An exception marks it as an error and goes on.
        """
        hop = _hop.set(parent or _hop.get())
        context = context_of(parent) if parent else None
        try:
            with begun_as(span_id or "0"):
                span = self.tracer.start_span(name, context, kind, dict(attributes or {}))
            with trace.use_span(span, end_on_exit=True):
                yield span
        finally:
            _hop.reset(hop)

    def stop(self) -> None:
        """Send what is still held back, for EXPORT_SECONDS at most: what hangs is left behind."""
        (sending := Thread(target=self.provider.shutdown, daemon=True)).start()
        sending.join(EXPORT_SECONDS)
