"""The investigation span, which nobody holds open: written once, at the end."""

from collections.abc import Mapping
from datetime import datetime

from opentelemetry.trace import Status, StatusCode
from opentelemetry.util.types import AttributeValue

from bus.spans import begun_as
from bus.tracing import Root, Tracing, context_of


def emit_root(
    tracing: Tracing,
    root: Root,
    *,
    started_at: datetime,
    attributes: Mapping[str, AttributeValue],
    failed: str = "",
) -> None:
    """The span is on its way with its given ids and true start; a repeat has the same ids."""
    parent = f"00-{root.trace_id}-{root.parent_id}-01" if root.parent_id else ""
    with begun_as(root.span_id, root.trace_id):
        span = tracing.tracer.start_span(
            "investigation",
            context=context_of(parent),
            start_time=int(started_at.timestamp() * 1e9),
            attributes=dict(attributes),
        )
    if failed:
        span.set_status(Status(StatusCode.ERROR, failed))
    span.end()
