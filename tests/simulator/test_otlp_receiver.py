"""The OTLP receiver, fed by the real OpenTelemetry exporter over HTTP."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import NamedTuple

import aiohttp
import pytest
from opentelemetry.exporter.otlp.proto.http import Compression
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.trace import SpanKind, Status, StatusCode

from simulator.otlp import SpanStore, build_otlp
from simulator.request_log import RequestLog
from simulator.serving import served

PROTOBUF = {"Content-Type": "application/x-protobuf"}


class Desk(NamedTuple):
    """The address of a receiver, what it keeps, and the log of what it was asked."""

    address: str
    store: SpanStore
    log: RequestLog


@pytest.fixture
async def desk(tmp_path: Path) -> AsyncIterator[Desk]:
    store, log = SpanStore(), RequestLog(tmp_path / "requests.jsonl")
    async with served(build_otlp(store, log)) as address:
        yield Desk(address, store, log)


def export_two_spans(address: str, compression: Compression) -> str:
    provider = TracerProvider(resource=Resource.create({"service.name": "reasoner"}))
    exporter = OTLPSpanExporter(endpoint=f"{address}/v1/traces", compression=compression)
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    tracer = provider.get_tracer("nightshift")
    with (
        tracer.start_as_current_span("investigation") as root,
        tracer.start_as_current_span("chat", kind=SpanKind.CLIENT) as chat,
    ):
        chat.set_attributes({"tokens": 12, "words": ["a", "b"], "cached": True, "cost": 0.5})
        chat.set_status(Status(StatusCode.ERROR, "overloaded"))
    provider.shutdown()
    return f"{root.get_span_context().trace_id:032x}"


@pytest.mark.parametrize("compression", [Compression.NoCompression, Compression.Gzip])
async def test_exported_spans_are_kept_whole_by_trace(desk: Desk, compression: Compression) -> None:
    trace_id = await asyncio.to_thread(export_two_spans, desk.address, compression)
    root, chat = desk.store.trace(trace_id)
    assert (root.name, root.parent_id, root.service) == ("investigation", "", "reasoner")
    assert (chat.name, chat.parent_id, chat.kind) == ("chat", root.span_id, "client")
    assert chat.attributes == {"tokens": 12, "words": ["a", "b"], "cached": True, "cost": 0.5}
    assert (chat.status, chat.status_message) == ("error", "overloaded")
    assert root.start_ns <= chat.start_ns <= chat.end_ns <= root.end_ns


async def test_kept_trace_is_shown_as_json_and_as_a_page(desk: Desk) -> None:
    trace_id = await asyncio.to_thread(export_two_spans, desk.address, Compression.Gzip)
    async with aiohttp.ClientSession(desk.address) as session:
        async with session.get(f"/_simulator/traces/{trace_id}") as answer:
            names = [span["name"] for span in (await answer.json())["spans"]]
        async with session.get("/_simulator/traces") as answer:
            listed = (await answer.json())["traces"]
        async with session.get(f"/trace/{trace_id}") as answer:
            page = await answer.text()
        async with session.get("/trace/" + "0" * 32) as missing:
            assert missing.status == 404
    assert names == ["investigation", "chat"]
    assert listed == [{"trace_id": trace_id, "spans": 2}]
    assert "investigation" in page
    assert "overloaded" in page


async def test_metrics_and_logs_are_counted(desk: Desk) -> None:
    async with aiohttp.ClientSession(desk.address) as session:
        for signal in ("metrics", "logs", "logs"):
            async with session.post(f"/v1/{signal}", data=b"", headers=PROTOBUF) as answer:
                assert answer.status == 200
    assert (desk.store.metrics_received, desk.store.logs_received) == (1, 2)


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        (PROTOBUF, 400),
        (PROTOBUF | {"Content-Encoding": "gzip"}, 400),
        (PROTOBUF | {"Content-Encoding": "zstd"}, 415),
        ({"Content-Type": "application/json"}, 415),
    ],
)
async def test_unreadable_export_is_refused_with_a_reason(
    desk: Desk, headers: dict[str, str], status: int
) -> None:
    async with (
        aiohttp.ClientSession(desk.address) as session,
        session.post("/v1/traces", data=b"\xff not protobuf", headers=headers) as answer,
    ):
        assert answer.status == status
    assert desk.store.trace_ids() == []
    assert desk.log.read("otlp")[-1]["status"] == status
