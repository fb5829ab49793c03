"""The investigation span has the ids that the incident gives it, and a caller's span above it."""

import socket
from datetime import UTC, datetime
from pathlib import Path

import pytest
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from bus.tracing import Root, Tracing, root_of
from services.notifier.adapters.root_span import emit_root, sent
from simulator.otlp import SpanStore, build_otlp
from simulator.request_log import RequestLog
from simulator.serving import served

STARTED_AT = datetime(2026, 11, 24, tzinfo=UTC)
CALLER = "00-" + "ab" * 16 + "-" + "cd" * 8


def emitted(root: Root) -> list[ReadableSpan]:
    """What leaves when a handler of that incident writes its root."""
    tracing, exported = Tracing("notifier", "n-1"), InMemorySpanExporter()
    tracing.provider.add_span_processor(SimpleSpanProcessor(exported))
    with tracing.span("process diagnoses", parent=root.traceparent):
        emit_root(tracing, root, started_at=STARTED_AT, attributes={})
    tracing.stop()
    return list(exported.get_finished_spans())


def test_it_is_written_with_its_given_ids_and_true_start() -> None:
    root = root_of("inc-1")
    span, child = emitted(root)
    assert span.context is not None
    assert f"{span.context.trace_id:032x}" == root.trace_id
    assert f"{span.context.span_id:016x}" == root.span_id
    assert span.parent is None
    assert span.start_time == int(STARTED_AT.timestamp() * 1e9)
    assert child.parent is not None
    assert child.parent.span_id == span.context.span_id


def test_it_hangs_under_the_span_of_a_caller_that_records() -> None:
    span, _ = emitted(root_of("inc-1", f"{CALLER}-01"))
    assert span.parent is not None
    assert f"{span.parent.span_id:016x}" == "cd" * 8


def test_a_caller_that_records_nothing_costs_no_trace_and_leaves_no_orphan() -> None:
    span, child = emitted(root_of("inc-1", f"{CALLER}-00"))
    assert span.context is not None
    assert span.parent is None
    assert f"{span.context.trace_id:032x}" == "ab" * 16
    assert child.parent is not None
    assert child.parent.span_id == span.context.span_id


async def test_it_has_left_before_its_entry_is_acknowledged(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else a kill at that moment would take the span away under which everything hangs."""
    store, root = SpanStore(), root_of("inc-1")
    async with served(build_otlp(store, RequestLog(tmp_path / "requests.jsonl"))) as address:
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", address)
        tracing = Tracing("notifier", "n-1")
        emit_root(tracing, root, started_at=STARTED_AT, attributes={})
        await sent(tracing)
        assert [span.span_id for span in store.trace(root.trace_id)] == [root.span_id]
        tracing.stop()


async def test_a_collector_that_hangs_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.create_server(("127.0.0.1", 0), backlog=8) as server:
        address = f"http://127.0.0.1:{server.getsockname()[1]}"
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", address)
        tracing = Tracing("notifier", "n-1")
        emit_root(tracing, root_of("inc-1"), started_at=STARTED_AT, attributes={})
        await sent(tracing)
        await sent(tracing)  # the first still hangs
