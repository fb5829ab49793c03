"""The root span has the ids that the incident gives it; no span says what servers did."""

import asyncio
import json
from datetime import UTC, datetime
from pathlib import Path

import pytest
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import Status, StatusCode

from bus.tracing import MOST_CHARACTERS, Tracing, root_of
from simulator.otlp import SpanStore, build_otlp
from simulator.request_log import RequestLog
from tests.toolrunner.foreign import serving

PASSWORD = "Hunter2" + "Secret" + "Pass9"
WORDS = f"upstream failed: postgres://shop:{PASSWORD}@db.internal/x"


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


async def test_what_is_exported_holds_no_secret_no_stack_and_no_long_text(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As FastMCP records the failure of a call: its words thrice, once with half of a traceback."""
    store = SpanStore()
    async with serving(build_otlp(store, RequestLog(tmp_path / "requests.jsonl"))) as port:
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", f"http://127.0.0.1:{port}")
        tracing = Tracing("toolrunner", "t-1")
        with tracing.span(
            "tools/call", attributes={"a": WORDS, "b": [WORDS, "tea"], "c": 7}
        ) as span:
            span.record_exception(RuntimeError(WORDS))
            span.set_status(Status(StatusCode.ERROR, f"{'E' * (MOST_CHARACTERS - 45)} {WORDS}"))
            span.add_event("told", {"words": WORDS})
        with tracing.span(WORDS) as span:
            span.set_status(Status(StatusCode.ERROR, "x" * 1_000_000))
        await asyncio.to_thread(tracing.stop)
    call, other = (span for trace in store.trace_ids() for span in store.trace(trace))
    text = json.dumps([call.record(), other.record()])
    assert PASSWORD[:6] not in text
    assert len(text) < 20 * MOST_CHARACTERS
    assert call.attributes["c"] == 7
    assert call.attributes["b"] == [
        "upstream failed: postgres://shop:[secret:url]@db.internal/x",
        "tea",
    ]
    assert call.status == "error"
    assert call.events[0]["attributes"] == {
        "exception.type": "RuntimeError",
        "exception.escaped": "False",
    }
