"""The OTLP/HTTP receiver: protobuf in, plain or gzipped; JSON out for tests, a page for people."""

import gzip
import zlib
from collections.abc import Callable

from google.protobuf.message import DecodeError
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import (
    ExportLogsServiceRequest,
    ExportLogsServiceResponse,
)
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import (
    ExportMetricsServiceRequest,
    ExportMetricsServiceResponse,
)
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceResponse
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from simulator.otlp.jaeger import jaeger_routes
from simulator.otlp.page import trace_page
from simulator.otlp.spans import SpanStore, read_spans
from simulator.request_log import RequestLog

STAND_IN = "otlp"
PROTOBUF = "application/x-protobuf"


class _Unreadable(Exception):
    """A request that is answered with `status` and one sentence."""

    def __init__(self, status: int, sentence: str) -> None:
        super().__init__(sentence)
        self.status = status


def build_otlp(store: SpanStore, log: RequestLog) -> Starlette:
    """An app that takes traces, metrics and logs.

    Spans and the names of metrics go to `store`, logs are only counted. `/trace/{trace_id}` is a
    page for people, `/_simulator/traces` lists what there is.
    """
    return Starlette(routes=[*_receiving(store, log), *showing(store)])


def showing(store: SpanStore) -> list[Route]:
    """The routes that show what arrived; the control address serves them too."""

    async def list_traces(_request: Request) -> Response:
        traces = [
            {"trace_id": trace_id, "spans": len(store.trace(trace_id))}
            for trace_id in store.trace_ids()
        ]
        counts = {"metrics": store.metrics_received, "logs": store.logs_received}
        names = {"metric_names": sorted(store.metric_names)}
        return JSONResponse({"traces": traces} | counts | names)

    async def show_trace(request: Request) -> Response:
        spans = store.trace(request.path_params["trace_id"])
        status = 200 if spans else 404
        return JSONResponse({"spans": [span.record() for span in spans]}, status_code=status)

    async def show_page(request: Request) -> Response:
        trace_id = request.path_params["trace_id"]
        spans = store.trace(trace_id)
        return HTMLResponse(trace_page(trace_id, spans), status_code=200 if spans else 404)

    return [
        Route("/_simulator/traces", list_traces),
        Route("/_simulator/traces/{trace_id}", show_trace),
        Route("/trace/{trace_id}", show_page),
        *jaeger_routes(store),
    ]


def _receiving(store: SpanStore, log: RequestLog) -> list[Route]:
    def take_traces(body: bytes) -> bytes:
        store.add(read_spans(body))
        answer: bytes = ExportTraceServiceResponse().SerializeToString()
        return answer

    def take_metrics(body: bytes) -> bytes:
        sent = ExportMetricsServiceRequest.FromString(body)
        scopes = [scope for resource in sent.resource_metrics for scope in resource.scope_metrics]
        store.metric_names |= {metric.name for scope in scopes for metric in scope.metrics}
        store.metrics_received += 1
        answer: bytes = ExportMetricsServiceResponse().SerializeToString()
        return answer

    def take_logs(body: bytes) -> bytes:
        ExportLogsServiceRequest.FromString(body)
        store.logs_received += 1
        answer: bytes = ExportLogsServiceResponse().SerializeToString()
        return answer

    return [
        _export("/v1/traces", take_traces, log=log),
        _export("/v1/metrics", take_metrics, log=log),
        _export("/v1/logs", take_logs, log=log),
    ]


def _export(path: str, take: Callable[[bytes], bytes], *, log: RequestLog) -> Route:
    async def receive(request: Request) -> Response:
        try:
            answer = take(await _body(request))
        except (DecodeError, ValueError) as wrong:
            return _refused(path, log, status=400, sentence=f"not an OTLP request: {wrong}")
        except _Unreadable as wrong:
            return _refused(path, log, status=wrong.status, sentence=str(wrong))
        log.record(STAND_IN, f"POST {path}", status=200)
        return Response(answer, media_type=PROTOBUF)

    return Route(path, receive, methods=["POST"])


def _refused(path: str, log: RequestLog, *, status: int, sentence: str) -> Response:
    log.record(STAND_IN, f"POST {path}", status=status, error=sentence)
    return PlainTextResponse(sentence, status_code=status)


async def _body(request: Request) -> bytes:
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind != PROTOBUF:
        raise _Unreadable(415, f"only {PROTOBUF} is taken here, not {kind or 'an untyped body'}")
    body = await request.body()
    encoding = request.headers.get("content-encoding", "identity").lower()
    try:
        if encoding == "gzip":
            return gzip.decompress(body)
        if encoding == "deflate":
            return zlib.decompress(body)
    except (OSError, EOFError, zlib.error) as wrong:
        raise _Unreadable(400, f"the body is not {encoding}: {wrong}") from wrong
    if encoding != "identity":
        raise _Unreadable(415, f"content encoding {encoding} is not taken here")
    return body
