"""The root span has the ids that the incident gives it, whoever emits it."""

from datetime import UTC, datetime

from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from bus.tracing import Tracing, root_of


def test_root_span_is_emitted_with_its_given_ids_and_true_start() -> None:
    tracing, exported = Tracing("notifier", "n-1"), InMemorySpanExporter()
    tracing.provider.add_span_processor(SimpleSpanProcessor(exported))
    root, started_at = root_of("inc-1"), datetime(2026, 11, 24, tzinfo=UTC)
    with tracing.span("process diagnoses", parent=root.traceparent):
        tracing.emit_root(
            root, started_at=started_at, attributes={"nightshift.outcome": "diagnosed"}
        )
    tracing.stop()
    emitted, child = exported.get_finished_spans()
    assert f"{emitted.context.trace_id:032x}" == root.trace_id
    assert f"{emitted.context.span_id:016x}" == root.span_id
    assert emitted.parent is None
    assert emitted.start_time == int(started_at.timestamp() * 1e9)
    assert child.parent is not None
    assert child.parent.span_id == emitted.context.span_id


def test_root_hangs_under_the_callers_span() -> None:
    tracing, exported = Tracing("notifier", "n-1"), InMemorySpanExporter()
    tracing.provider.add_span_processor(SimpleSpanProcessor(exported))
    root = root_of("inc-1", "00-" + "ab" * 16 + "-" + "cd" * 8 + "-01")
    tracing.emit_root(root, started_at=datetime(2026, 11, 24, tzinfo=UTC), attributes={})
    tracing.stop()
    (emitted,) = exported.get_finished_spans()
    assert emitted.parent is not None
    assert f"{emitted.parent.span_id:016x}" == "cd" * 8
