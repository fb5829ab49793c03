"""Which spans leave a process, and what of them: whole incidents, no orphan, nothing sensitive.

What leaves is by the allow-list of `bus.conventions` and cleaned (security.md, T24), whoever made
the span: libraries put the words of servers into theirs. An exception is told by its type alone.
"""

import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar

from opentelemetry.context import Context
from opentelemetry.sdk.trace import Event, ReadableSpan, Span
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter
from opentelemetry.sdk.trace.id_generator import RandomIdGenerator
from opentelemetry.sdk.trace.sampling import Decision, SamplingResult, TraceIdRatioBased
from opentelemetry.trace import Status, StatusCode, get_current_span
from opentelemetry.util.types import Attributes, AttributeValue

from bus.cleaning import in_short
from bus.conventions import ALLOWED, ERROR_TYPE

MOST_CHARACTERS, MOST_READ = 500, 5_000
"""Of a text in a span; a longer one than the second is left out, for the sake of memory."""
MOST_HELD = 500
"""Spans of one handler that wait for its end; more of them do not."""
_chosen: ContextVar[tuple[int, int]] = ContextVar("chosen trace and span id", default=(0, 0))


@contextmanager
def begun_as(span_id: str, trace_id: str = "0") -> Iterator[None]:
    """A span that is begun inside has that id, and begins that trace if it begins one."""
    token = _chosen.set((int(trace_id, 16), int(span_id, 16)))
    try:
        yield
    finally:
        _chosen.reset(token)


class ChosenIds(RandomIdGenerator):
    """Random ids, but where `begun_as` has chosen them."""

    def generate_trace_id(self) -> int:
        """As chosen, else random."""
        return _chosen.get()[0] or super().generate_trace_id()

    def generate_span_id(self) -> int:
        """As chosen, else random."""
        return _chosen.get()[1] or super().generate_span_id()


class WholeTraces(TraceIdRatioBased):
    """Takes a trace or leaves it by its id alone: every service does the same with an incident.

    The share is OTEL_TRACES_SAMPLER_ARG. Nothing but an investigation begins a trace, and what is
    below a span that was left out is left out. It is recorded still, for the lines of the log.
    """

    def __init__(self) -> None:
        # By OpenTelemetry's own names; `parentbased_` adds nothing, as parents decide alike.
        name = os.environ.get("OTEL_TRACES_SAMPLER", "")
        given = os.environ.get("OTEL_TRACES_SAMPLER_ARG", "") or "1"
        rest = 0.0 if name.endswith("always_off") else 1.0
        try:
            super().__init__(float(given) if name.endswith("traceidratio") else rest)
        except ValueError:
            super().__init__(1.0)

    def should_sample(
        self, parent_context: Context | None, trace_id: int, *rest: object, **named: object
    ) -> SamplingResult:
        """The answer for a span of that trace."""
        parent = get_current_span(parent_context).get_span_context()
        taken = parent.trace_flags.sampled if parent.is_valid else _chosen.get()[0] != 0
        taken = taken and trace_id & self.TRACE_ID_LIMIT < self.bound
        given = rest[2] if len(rest) > 2 else named.get("attributes")
        decision = Decision.RECORD_AND_SAMPLE if taken else Decision.RECORD_ONLY
        return SamplingResult(decision, given if isinstance(given, Mapping) else None)


class WholeSpans(BatchSpanProcessor):
    """Queues what may leave; the spans below a handler's go with it or never.

    So a process that is killed leaves no span behind whose parent does not arrive.
    """

    def __init__(self, exporter: SpanExporter) -> None:
        super().__init__(exporter, schedule_delay_millis=500)
        self._heads: dict[int, int] = {}
        self._held: dict[int, list[ReadableSpan]] = {}

    def on_start(self, span: Span, parent_context: Context | None = None) -> None:
        """It is known under which running span of this process it stands."""
        own, parent = span.get_span_context().span_id, span.parent
        above = 0 if parent is None or parent.is_remote else parent.span_id
        self._heads[own] = self._heads.get(above, own)

    def on_end(self, span: ReadableSpan) -> None:
        """It waits for the span at its head, or is queued with all that waited for it."""
        own = span.context.span_id if span.context else 0
        head = self._heads.pop(own, own)
        if not (span.context and span.context.trace_flags.sampled):
            return
        held = self._held.setdefault(head, []) if head in self._heads else None
        if held is not None and len(held) < MOST_HELD:
            held.append(cleaned(span))
            return
        for each in (cleaned(span), *self._held.pop(own, ())):
            super().on_end(each)


def cleaned(span: ReadableSpan) -> ReadableSpan:
    """What may leave of a span; an exception is told by its type, a library's error likewise."""
    attributes = allowed(span.attributes)
    thrown = [str((each.attributes or {}).get("exception.type", "")) for each in span.events]
    status, scope = span.status, span.instrumentation_scope
    if status.status_code is StatusCode.ERROR:
        attributes.setdefault(ERROR_TYPE, _short(next(filter(None, thrown), "error")))
        ours = scope is not None and scope.name == "nightshift" and not any(thrown)
        said = (status.description or "") if ours else str(attributes[ERROR_TYPE])
        status = Status(StatusCode.ERROR, _short(said) or None)
    return ReadableSpan(
        _short(span.name),
        span.context,
        span.parent,
        span.resource,
        attributes,
        [
            Event(_short(each.name), allowed(each.attributes), each.timestamp)
            for each in span.events
        ],
        kind=span.kind,
        status=status,
        start_time=span.start_time,
        end_time=span.end_time,
        instrumentation_scope=scope,
    )


def allowed(given: Attributes) -> dict[str, AttributeValue]:
    """Those whose names are on the list, their texts short and cleaned."""
    return {name: _value(value) for name, value in (given or {}).items() if name in ALLOWED}


def _value(value: AttributeValue) -> AttributeValue:
    if isinstance(value, str):
        return _short(value)
    if not isinstance(value, Sequence):
        return value
    return [_short(each) if isinstance(each, str) else each for each in value]


def _short(text: str) -> str:
    return in_short(text if len(text) < MOST_READ else f"({len(text)} characters)", MOST_CHARACTERS)
