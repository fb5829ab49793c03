"""What was received, answered as Jaeger's query service does: API v3, and the one before it.

Stricter than Jaeger: a parameter that it does not know is refused, so that no reader believes that
one was heeded. Errors have its forms (`cmd/jaeger/internal/extension/jaegerquery` in its source).
"""

import re
from collections.abc import Callable
from itertools import groupby

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from cli.traces.span import KINDS, Span
from simulator.otlp.spans import SpanStore

_ID = re.compile(r"[0-9a-fA-F]{1,32}")
_V3 = {"raw_traces", "rawTraces", "start_time", "end_time", "startTime", "endTime"}
_CLASSIC = {"raw", "start", "end", "prettyPrint"}
_CODES = {"unset": 0, "ok": 1, "error": 2}
Refusal = Callable[[int, str], Response]


def jaeger_routes(store: SpanStore) -> list[Route]:
    """The two routes by which a trace is asked for."""

    async def v3(request: Request) -> Response:
        spans = _asked(request, store, known=_V3, refuse=_v3_error)
        return spans if isinstance(spans, Response) else JSONResponse({"result": _otlp(spans)})

    async def classic(request: Request) -> Response:
        spans = _asked(request, store, known=_CLASSIC, refuse=_classic_error)
        return spans if isinstance(spans, Response) else JSONResponse(_classic(spans))

    return [Route("/api/v3/traces/{trace_id}", v3), Route("/api/traces/{trace_id}", classic)]


def _asked(
    request: Request, store: SpanStore, *, known: set[str], refuse: Refusal
) -> list[Span] | Response:
    trace_id = request.path_params["trace_id"]
    if unknown := set(request.query_params) - known:
        return refuse(400, f"unknown parameter {min(unknown)}")
    if not _ID.fullmatch(trace_id):
        return refuse(400, f"malformed parameter trace_id: {trace_id!r} is no hexadecimal id")
    return store.trace(trace_id.zfill(32)) or refuse(404, "trace not found")


def _v3_error(status: int, message: str) -> Response:
    return JSONResponse({"error": {"httpCode": status, "message": message}}, status)


def _classic_error(status: int, message: str) -> Response:
    errors = [{"code": status, "msg": message}]
    nothing = {"data": None, "total": 0, "limit": 0, "offset": 0}
    return JSONResponse(nothing | {"errors": errors}, status)


def _otlp(spans: list[Span]) -> dict[str, object]:
    groups = []
    ordered = sorted(spans, key=lambda span: (span.service, span.scope))
    for (_, scope), group in groupby(ordered, key=lambda span: (span.service, span.scope)):
        members = list(group)
        resource = {"attributes": _pairs(members[0].resource)}
        scoped = {"scope": {"name": scope}, "spans": [_otlp_span(span) for span in members]}
        groups.append({"resource": resource, "scopeSpans": [scoped]})
    return {"resourceSpans": groups}


def _otlp_span(span: Span) -> dict[str, object]:
    status = {"code": _CODES[span.status], "message": span.status_message}
    wire: dict[str, object] = {
        "traceId": span.trace_id,
        "spanId": span.span_id,
        "parentSpanId": span.parent_id,
        "name": span.name,
        "kind": KINDS.index(span.kind),
        "startTimeUnixNano": str(span.start_ns),
        "endTimeUnixNano": str(span.end_ns),
        "attributes": _pairs(span.attributes),
        "status": {name: value for name, value in status.items() if value},
    }
    return {name: value for name, value in wire.items() if value not in ("", 0, [])}


def _pairs(attributes: dict[str, object]) -> list[dict[str, object]]:
    return [{"key": name, "value": _value(value)} for name, value in attributes.items()]


def _value(value: object) -> dict[str, object]:
    match value:
        case bool():
            return {"boolValue": value}
        case int():
            return {"intValue": str(value)}
        case float():
            return {"doubleValue": value}
        case list():
            return {"arrayValue": {"values": [_value(each) for each in value]}}
        case _:
            return {"stringValue": str(value)}


def _classic(spans: list[Span]) -> dict[str, object]:
    names = {
        span.service: f"p{n}" for n, span in enumerate({s.service: s for s in spans}.values(), 1)
    }
    processes = {pid: {"serviceName": name, "tags": []} for name, pid in names.items()}
    trace = {
        "traceID": spans[0].trace_id,
        "spans": [_classic_span(span, names[span.service]) for span in spans],
        "processes": processes,
        "warnings": None,
    }
    return {"data": [trace], "total": 0, "limit": 0, "offset": 0, "errors": None}


def _classic_span(span: Span, process: str) -> dict[str, object]:
    parent = {"refType": "CHILD_OF", "traceID": span.trace_id, "spanID": span.parent_id}
    tags = [_tag(name, value) for name, value in span.attributes.items()]
    tags += [_tag("otel.scope.name", span.scope), _tag("span.kind", span.kind)]
    if span.status != "unset":
        tags.append(_tag("otel.status_code", span.status.upper()))
    if span.status == "error":
        tags.append(_tag("error", True))
    if span.status_message:
        tags.append(_tag("otel.status_description", span.status_message))
    return {
        "traceID": span.trace_id,
        "spanID": span.span_id,
        "operationName": span.name,
        "references": [parent] if span.parent_id else [],
        "startTime": span.start_ns // 1000,
        "duration": span.duration_ns // 1000,
        "tags": tags,
        "logs": [],
        "processID": process,
        "warnings": None,
    }


def _tag(name: str, value: object) -> dict[str, object]:
    kinds = {bool: "bool", int: "int64", float: "float64"}
    plain = value if type(value) in kinds else str(value)
    return {"key": name, "type": kinds.get(type(value), "string"), "value": plain}
