"""Spans as the receiver keeps them: read from the protobuf, held by trace."""

from typing import Literal

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, KeyValue
from opentelemetry.proto.trace.v1.trace_pb2 import Span as WireSpan

from cli.traces.span import KINDS, Span

TRACE_ID_BYTES = 16
SPAN_ID_BYTES = 8
_STATUSES: tuple[Literal["unset", "ok", "error"], ...] = ("unset", "ok", "error")


class SpanStore:
    """Every span that arrived, by trace; the same span id again replaces the span."""

    def __init__(self) -> None:
        self._traces: dict[str, dict[str, Span]] = {}
        self.metrics_received = 0
        self.metric_names: set[str] = set()
        self.logs_received = 0

    def add(self, spans: list[Span]) -> None:
        """The spans stand under their traces."""
        for span in spans:
            self._traces.setdefault(span.trace_id, {})[span.span_id] = span

    def trace(self, trace_id: str) -> list[Span]:
        """The spans of that trace by start time; empty when there is none."""
        spans = self._traces.get(trace_id.lower(), {}).values()
        return sorted(spans, key=lambda span: (span.start_ns, span.end_ns, span.span_id))

    def trace_ids(self) -> list[str]:
        """Every trace there is, in the order of first arrival."""
        return list(self._traces)


def read_spans(body: bytes) -> list[Span]:
    """The spans of an export request; raises DecodeError if it is none, ValueError on a bad id."""
    request = ExportTraceServiceRequest.FromString(body)
    spans = []
    for resource_spans in request.resource_spans:
        resource = _attributes(list(resource_spans.resource.attributes))
        for scope_spans in resource_spans.scope_spans:
            scope = scope_spans.scope.name
            spans += [_span(wire, resource, scope=scope) for wire in scope_spans.spans]
    return spans


def _span(wire: WireSpan, resource: dict[str, object], *, scope: str) -> Span:
    if len(wire.trace_id) != TRACE_ID_BYTES or len(wire.span_id) != SPAN_ID_BYTES:
        raise ValueError(f"span {wire.name!r} has no valid ids")
    return Span(
        trace_id=wire.trace_id.hex(),
        span_id=wire.span_id.hex(),
        parent_id=wire.parent_span_id.hex() if any(wire.parent_span_id) else "",
        name=wire.name,
        kind=KINDS[wire.kind],
        service=str(resource.get("service.name", "unknown_service")),
        start_ns=wire.start_time_unix_nano,
        end_ns=wire.end_time_unix_nano,
        attributes=_attributes(list(wire.attributes)),
        status=_STATUSES[wire.status.code],
        status_message=wire.status.message,
        scope=scope,
        events=tuple(
            {
                "name": event.name,
                "at_ns": event.time_unix_nano,
                "attributes": _attributes(list(event.attributes)),
            }
            for event in wire.events
        ),
        links=tuple(f"{link.trace_id.hex()}-{link.span_id.hex()}" for link in wire.links),
        resource=resource,
    )


def _attributes(pairs: list[KeyValue]) -> dict[str, object]:
    return {pair.key: _value(pair.value) for pair in pairs}


def _value(value: AnyValue) -> object:
    match value.WhichOneof("value"):
        case "array_value":
            return [_value(item) for item in value.array_value.values]
        case "kvlist_value":
            return _attributes(list(value.kvlist_value.values))
        case "bytes_value":
            return value.bytes_value.hex()
        case None:
            return None
        case name:
            plain: object = getattr(value, name)
            return plain
