"""What leaves a process in spans: whole incidents, whole handlers, listed names, clean words."""

import asyncio
import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import Link, Span, Status, StatusCode, get_tracer

from bus import conventions as names
from bus.spans import MOST_CHARACTERS, MOST_HELD, WholeSpans, cleaned
from bus.tracing import Tracing, root_of
from simulator.otlp import Span as KeptSpan
from simulator.otlp import SpanStore, build_otlp
from simulator.request_log import RequestLog
from tests.toolrunner.foreign import serving

PASSWORD = "Hunter2" + "Secret" + "Pass9"
WORDS = f"upstream failed: postgres://shop:{PASSWORD}@db.internal/x"
ROOT = root_of("inc-1").traceparent
TAKEN, LEFT = "00" * 15 + "01", "ff" * 16
"""Trace ids at both ends of what a sampler draws from."""


class Collector(InMemorySpanExporter):
    """What was exported so far, in order."""

    def names(self) -> list[str]:
        return [span.name for span in self.get_finished_spans()]


@contextmanager
def exporting(service: str = "reasoner") -> Iterator[tuple[Tracing, Collector]]:
    """A tracer whose processor is the one of the services; stopped, and so all sent, at the end."""
    tracing, collector = Tracing(service, f"{service}-1"), Collector()
    tracing.provider.add_span_processor(WholeSpans(collector))
    yield tracing, collector
    tracing.stop()


def flushed(tracing: Tracing, collector: Collector) -> list[str]:
    """The names of all that may leave by now."""
    tracing.provider.force_flush()
    return collector.names()


def test_a_process_that_dies_in_a_handler_has_sent_nothing_of_what_it_did_there() -> None:
    """Else the calls of a killed replica would hang under a span that never arrives."""
    with exporting() as (tracing, collector):
        with tracing.span("process turns", parent=ROOT):
            with tracing.span("chat"), tracing.span("deeper"):
                pass
            assert flushed(tracing, collector) == []
        assert flushed(tracing, collector) == ["process turns", "deeper", "chat"]


def test_handlers_at_the_same_time_do_not_wait_for_each_other() -> None:
    with exporting() as (tracing, collector), tracing.span("process turns", parent=ROOT):
        with tracing.span("process diagnoses", parent=ROOT), tracing.span("slack"):
            pass
        assert flushed(tracing, collector) == ["process diagnoses", "slack"]


def test_a_handler_that_makes_very_many_spans_holds_few_of_them() -> None:
    with exporting() as (tracing, collector), tracing.span("process turns", parent=ROOT):
        for _ in range(MOST_HELD + 7):
            tracing.tracer.start_span("chat").end()
        assert flushed(tracing, collector) == ["chat"] * 7


def test_nothing_but_an_incident_begins_a_trace() -> None:
    with exporting() as (tracing, collector):
        with tracing.span("process notices"), tracing.span("slack chat.postMessage"):
            pass
        assert flushed(tracing, collector) == []


def test_below_what_was_left_out_everything_is() -> None:
    """Keeping a connection to a server is such a thing; its trace is nobody's."""
    with exporting() as (tracing, collector):
        with tracing.span("tools/list", parent=f"00-{TAKEN}-{'1' * 16}-00"):
            tracing.tracer.start_span("MCP send").end()
        assert flushed(tracing, collector) == []


@pytest.mark.parametrize("sampler", ["traceidratio", "parentbased_traceidratio"])
def test_an_incident_is_sampled_whole_by_its_trace_id_in_every_service(
    sampler: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OTEL_TRACES_SAMPLER", sampler)
    monkeypatch.setenv("OTEL_TRACES_SAMPLER_ARG", "0.5")
    for service in ("ingest", "reasoner", "toolrunner", "notifier", "toolrunner-servers"):
        with exporting(service) as (tracing, collector):
            for trace_id in (TAKEN, LEFT):
                root = root_of("inc-1", f"00-{trace_id}-{'0' * 16}-01")
                with tracing.span("process turns", parent=root.traceparent):
                    tracing.tracer.start_span("chat").end()
            tracing.provider.force_flush()
            spans = collector.get_finished_spans()
            ids = [f"{span.context.trace_id:032x}" for span in spans if span.context]
            assert ids == [TAKEN, TAKEN], service


@pytest.mark.parametrize(("given", "kept"), [("0", 0), ("1", 2), ("two", 2), ("7", 2), ("", 2)])
def test_a_share_that_is_none_takes_everything(
    given: str, kept: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OTEL_TRACES_SAMPLER", "traceidratio")
    monkeypatch.setenv("OTEL_TRACES_SAMPLER_ARG", given)
    with exporting() as (tracing, collector):
        for trace_id in (TAKEN, LEFT):
            with tracing.span("chat", parent=f"00-{trace_id}-{'1' * 16}-01"):
                pass
        assert len(flushed(tracing, collector)) == kept


def test_what_was_left_out_still_tells_the_log_which_incident_it_is(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("OTEL_TRACES_SAMPLER", "always_off")
    with exporting() as (tracing, collector):
        with tracing.span("chat", parent=ROOT, attributes={names.INCIDENT: "inc-1"}) as span:
            assert isinstance(span, ReadableSpan)
            assert (span.attributes or {})[names.INCIDENT] == "inc-1"
        assert flushed(tracing, collector) == []


def test_a_chosen_id_is_the_spans_own_and_of_none_below_it() -> None:
    with exporting() as (tracing, collector):
        with tracing.span("execute_tool", parent=ROOT, span_id="ab" * 8):
            tracing.tracer.start_span("MCP send").end()
        tracing.provider.force_flush()
        call, below = collector.get_finished_spans()
        assert call.context is not None
        assert below.context is not None
        assert below.parent is not None
        assert call.context.span_id == below.parent.span_id == int("ab" * 8, 16)
        assert below.context.span_id != call.context.span_id


def planted(span: Span) -> None:
    """Secrets in every place that a span has."""
    span.set_attributes(
        {
            names.ALARM: WORDS,
            names.RULES: [WORDS, "tea"],
            names.TURN: 7,
            "db.statement": "select",
            "gen_ai.input.messages": WORDS,
            "gen_ai.tool.call.arguments": "password=" + PASSWORD,
            "gen_ai.tool.call.result": WORDS,
        }
    )
    span.add_event("told", {"words": WORDS, "gen_ai.prompt": WORDS})
    span.add_link(span.get_span_context(), {"words": WORDS})
    span.record_exception(RuntimeError(WORDS))


async def test_what_is_exported_is_listed_short_and_clean_wherever_it_stands(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """FastMCP records the failure of a call thrice: its words, and half of a traceback."""
    store = SpanStore()
    async with serving(build_otlp(store, RequestLog(tmp_path / "requests.jsonl"))) as port:
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", f"http://127.0.0.1:{port}")
        tracing = Tracing("toolrunner", "t-1")
        with tracing.span("tools/call", parent=ROOT) as span:
            planted(span)
            span.set_status(Status(StatusCode.ERROR, WORDS))
        with tracing.span(WORDS, parent=ROOT) as span:
            span.set_status(Status(StatusCode.ERROR, f"{'E' * (MOST_CHARACTERS - 45)} {WORDS}"))
        with tracing.span("long", parent=ROOT, attributes={names.REASON: "y" * 10**6}) as span:
            span.set_status(Status(StatusCode.ERROR, "x" * 10**6))
        await asyncio.to_thread(tracing.stop)
    dump = json.dumps([s.record() for trace in store.trace_ids() for s in store.trace(trace)])
    assert PASSWORD[:6] not in dump
    assert len(dump) < 20 * MOST_CHARACTERS
    spans = {span.name: span for span in store.trace(root_of("inc-1").trace_id)}
    check_call(spans["tools/call"])
    assert spans["long"].attributes[names.REASON] == "(1000000 characters)"
    assert spans["upstream failed: postgres://shop:[secret:url]@db.internal/x"].status == "error"


def check_call(call: KeptSpan) -> None:
    assert call.attributes == {
        names.ALARM: "upstream failed: postgres://shop:[secret:url]@db.internal/x",
        names.RULES: ["upstream failed: postgres://shop:[secret:url]@db.internal/x", "tea"],
        names.TURN: 7,
        names.ERROR_TYPE: "RuntimeError",
    }
    assert (call.status, call.status_message) == ("error", "RuntimeError")
    assert call.events[-1]["attributes"] == {
        "exception.type": "RuntimeError",
        "exception.escaped": "False",
    }
    assert all(not event["attributes"] for event in call.events[:-1])


def test_the_words_of_a_librarys_error_do_not_leave() -> None:
    """FastMCP puts the text of a failed result, which a server wrote, into the status."""
    with exporting() as (tracing, collector):
        with tracing.span("execute_tool", parent=ROOT):
            span = get_tracer("fastmcp", tracer_provider=tracing.provider).start_span("tools/call")
            span.set_attribute(names.ERROR_TYPE, "tool_error")
            span.set_status(Status(StatusCode.ERROR, "the log says: all my data"))
            span.end()
        tracing.provider.force_flush()
        _, told = collector.get_finished_spans()
        assert told.status.description == "tool_error"


def test_a_link_tells_where_it_leads_to_and_nothing_else() -> None:
    with exporting() as (tracing, _), tracing.span("a", parent=ROOT) as other:
        link = Link(other.get_span_context(), {"words": WORDS})
        span = tracing.tracer.start_span("b", links=[link])
        span.end()
        assert isinstance(span, ReadableSpan)
        assert WORDS not in cleaned(span).to_json()
