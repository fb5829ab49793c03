"""One trace per incident: the root's ids, spans under an entry, and the only OpenTelemetry wiring.

The root is the investigation span. Its span id is always derived from the incident id, its trace id
comes from the given `traceparent`, else is derived too (design, section 5). Nobody holds it open:
`emit_root` writes it once, at the end, with its true start.

What leaves the process is cleaned here (security.md, T24), whoever made the span: libraries put the
words of a server that failed into it, and the traces of their stack.
"""

import hashlib
import os
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import datetime

from opentelemetry import trace
from opentelemetry.context import Context
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import Event, ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExportResult
from opentelemetry.sdk.trace.id_generator import RandomIdGenerator
from opentelemetry.trace import (
    INVALID_SPAN,
    NonRecordingSpan,
    Span,
    SpanContext,
    SpanKind,
    Status,
    StatusCode,
    TraceFlags,
)
from opentelemetry.util.types import Attributes, AttributeValue

from bus.cleaning import in_short
from bus.events import Value

EXPORT_SECONDS = 3
"""Longest time of an export, retries included: a stop must not wait for telemetry that is down."""
MOST_CHARACTERS = 500
"""Of a text in a span."""
_LEFT_OUT = frozenset({"exception.message", "exception.stacktrace"})
_TRACEPARENT = re.compile(r"^[0-9a-f]{2}-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})$")
_chosen: ContextVar[tuple[int, int] | None] = ContextVar("chosen span ids", default=None)


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
    parent_id = "" if given[2] in (span_id, "0" * 16) else given[2]
    return Root(trace_id=given[1], span_id=span_id, parent_id=parent_id)


def context_of(traceparent: str) -> Context:
    """A context whose parent is that span; an empty one when the text is no trace context."""
    given = _TRACEPARENT.match(traceparent)
    if not given:
        return trace.set_span_in_context(INVALID_SPAN, Context())
    parent = SpanContext(
        int(given[1], 16),
        int(given[2], 16),
        is_remote=True,
        trace_flags=TraceFlags(int(given[3], 16)),
    )
    return trace.set_span_in_context(NonRecordingSpan(parent), Context())


def current_traceparent(default: str = "") -> str:
    """The running span as a `traceparent`, else `default`."""
    context = trace.get_current_span().get_span_context()
    if not context.is_valid:
        return default
    return f"00-{context.trace_id:032x}-{context.span_id:016x}-{context.trace_flags:02x}"


class _ChosenIds(RandomIdGenerator):
    def generate_trace_id(self) -> int:
        return (_chosen.get() or (0, 0))[0] or super().generate_trace_id()

    def generate_span_id(self) -> int:
        return (_chosen.get() or (0, 0))[1] or super().generate_span_id()


class _CleaningExporter(OTLPSpanExporter):
    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        return super().export([_cleaned(span) for span in spans])


def _cleaned(span: ReadableSpan) -> ReadableSpan:
    """The span with short, cleaned texts; an exception is told by its type and by the status."""
    said = in_short(span.status.description or "", MOST_CHARACTERS)
    return ReadableSpan(
        in_short(span.name, MOST_CHARACTERS),
        span.get_span_context(),
        span.parent,
        span.resource,
        _cleaned_attributes(span.attributes),
        [
            Event(each.name, _cleaned_attributes(each.attributes), each.timestamp)
            for each in span.events
        ],
        span.links,
        span.kind,
        status=Status(span.status.status_code, said or None),
        start_time=span.start_time,
        end_time=span.end_time,
        instrumentation_scope=span.instrumentation_scope,
    )


def _cleaned_attributes(given: Attributes) -> Attributes:
    kept = {name: value for name, value in (given or {}).items() if name not in _LEFT_OUT}
    return {name: _cleaned_value(value) for name, value in kept.items()}


def _cleaned_value(value: AttributeValue) -> AttributeValue:
    if isinstance(value, str):
        return in_short(value, MOST_CHARACTERS)
    if isinstance(value, Sequence):
        return [
            in_short(each, MOST_CHARACTERS) if isinstance(each, str) else each for each in value
        ]
    return value


def _exporter() -> OTLPSpanExporter:
    given = os.environ.get("OTEL_EXPORTER_OTLP_TIMEOUT")
    return _CleaningExporter(timeout=None if given else EXPORT_SECONDS)


class Tracing:
    """The tracer of one process. Without an OTLP endpoint spans are made but sent nowhere."""

    def __init__(self, service: str, replica: str) -> None:
        resource = Resource.create(
            {
                "service.name": service,
                "service.namespace": "nightshift",
                "service.instance.id": replica,
            }
        )
        self.provider = TracerProvider(resource=resource, id_generator=_ChosenIds())
        if os.environ.get("OTEL_EXPORTER_OTLP_ENDPOINT") or os.environ.get(
            "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT"
        ):
            self.provider.add_span_processor(
                BatchSpanProcessor(_exporter(), schedule_delay_millis=500)
            )
        self.tracer = self.provider.get_tracer("nightshift")

    @contextmanager
    def span(
        self,
        name: str,
        *,
        kind: SpanKind = SpanKind.INTERNAL,
        parent: str = "",
        attributes: Mapping[str, AttributeValue] | None = None,
    ) -> Iterator[Span]:
        """A running span under `parent` (a traceparent), else under the current one.

        An exception marks it as an error by its type and text, and goes on.
        """
        context = context_of(parent) if parent else None
        with self.tracer.start_as_current_span(
            name, context=context, kind=kind, attributes=dict(attributes or {})
        ) as span:
            yield span

    def emit_root(
        self,
        root: Root,
        *,
        started_at: datetime,
        attributes: Mapping[str, AttributeValue],
        failed: str = "",
    ) -> None:
        """Write the investigation span with its given ids and true start.

        A repeat has the same ids.
        """
        parent = f"00-{root.trace_id}-{root.parent_id}-01" if root.parent_id else ""
        token = _chosen.set((int(root.trace_id, 16), int(root.span_id, 16)))
        try:
            span = self.tracer.start_span(
                "investigation",
                context=context_of(parent),
                start_time=int(started_at.timestamp() * 1e9),
                attributes=dict(attributes),
            )
        finally:
            _chosen.reset(token)
        if failed:
            span.set_status(Status(StatusCode.ERROR, failed))
        span.end()

    def stop(self) -> None:
        """Send what is still held back; bounded by the exporter's own time limit."""
        self.provider.shutdown()
