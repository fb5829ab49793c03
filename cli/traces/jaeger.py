"""A trace as Jaeger's query service answers: its API v3 (OTLP as JSON), and the one before it.

Jaeger 1.x and 2.x both serve `/api/v3/traces/{id}`: 2.x wraps the answer in `result`, 1.x may
stream several. `/api/traces/{id}` is what its page used before; older releases have nothing else,
and stores that speak like Jaeger often serve that one alone.
"""

import base64
import binascii
import json
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Literal

from cli.traces.span import KINDS, Span

ANSWERS = ("/api/v3/traces/{id}?raw_traces=true&rawTraces=true", "/api/traces/{id}?raw=true")
"""Asked one after the other; raw, because a mended clock is no longer what the services told."""
_ID_CHARACTERS = (16, 32)
_CODES: Mapping[str, Literal["unset", "ok", "error"]] = {
    "1": "ok",
    "OK": "ok",
    "STATUS_CODE_OK": "ok",
    "2": "error",
    "ERROR": "error",
    "STATUS_CODE_ERROR": "error",
}


def spans_in(body: str) -> list[Span]:
    """The spans of an answer of either API, each id once: of a repeat the last.

    Raises ValueError when it is neither.
    """
    found: dict[str, Span] = {}
    try:
        for part in _parts(body):
            spans = _classic(part["data"]) if "data" in part else _otlp(part)
            found |= {span.span_id: span for span in spans}
    except (KeyError, TypeError, AttributeError, IndexError) as error:
        raise ValueError(f"it is no answer of Jaeger's: {error!r}") from None
    return list(found.values())


def _parts(body: str) -> Iterator[dict[str, Any]]:
    text, decoder = body.strip(), json.JSONDecoder()
    while text:
        part, end = decoder.raw_decode(text)
        yield part.get("result", part)
        text = text[end:].lstrip()


def _otlp(part: Mapping[str, Any]) -> Iterator[Span]:
    for group in part["resourceSpans"]:
        resource = _attributes(group.get("resource", {}).get("attributes", ()))
        for scoped in group.get("scopeSpans", ()):
            scope = scoped.get("scope", {}).get("name", "")
            for wire in scoped.get("spans", ()):
                yield _otlp_span(wire, resource, scope=scope)


def _otlp_span(wire: Mapping[str, Any], resource: dict[str, object], *, scope: str) -> Span:
    status = wire.get("status", {})
    return Span(
        trace_id=_id(wire["traceId"]),
        span_id=_id(wire["spanId"]),
        parent_id=_id(wire.get("parentSpanId", "")),
        name=str(wire.get("name", "")),
        kind=_kind(wire.get("kind", 0)),
        service=str(resource.get("service.name", "unknown_service")),
        start_ns=int(wire.get("startTimeUnixNano", 0)),
        end_ns=int(wire.get("endTimeUnixNano", 0)),
        attributes=_attributes(wire.get("attributes", ())),
        status=_CODES.get(str(status.get("code", "")), "unset"),
        status_message=str(status.get("message", "")),
        scope=scope,
        resource=resource,
    )


def _id(text: str) -> str:
    """In hex: what comes from protobuf by the book is base64."""
    if len(text) in (0, *_ID_CHARACTERS):
        return text.lower()
    try:
        return base64.b64decode(text, validate=True).hex()
    except binascii.Error:
        raise ValueError(f"{text[:64]!r} is no id") from None


def _kind(kind: object) -> str:
    if isinstance(kind, int):
        return KINDS[kind]
    return str(kind).removeprefix("SPAN_KIND_").lower()


def _attributes(pairs: Iterable[Mapping[str, Any]]) -> dict[str, object]:
    return {str(pair["key"]): _value(pair.get("value", {})) for pair in pairs}


def _value(value: Mapping[str, Any]) -> object:
    for name, plain in value.items():
        if name == "arrayValue":
            return [_value(each) for each in plain.get("values", ())]
        if name == "intValue":
            return int(plain)
        return plain
    return None


def _classic(traces: Iterable[Mapping[str, Any]] | None) -> Iterator[Span]:
    for trace in traces or ():
        for wire in trace["spans"]:
            yield _classic_span(wire, trace["processes"][wire["processID"]])


def _classic_span(wire: Mapping[str, Any], process: Mapping[str, Any]) -> Span:
    tags = {str(tag["key"]): tag["value"] for tag in wire.get("tags") or ()}
    start_ns = int(wire["startTime"]) * 1000
    parents = [ref["spanID"] for ref in wire["references"] or () if ref["refType"] == "CHILD_OF"]
    code = tags.pop("otel.status_code", "ERROR" if tags.get("error") is True else "")
    tags.pop("error", None)
    return Span(
        trace_id=wire["traceID"].lower().zfill(32),
        span_id=wire["spanID"].lower().zfill(16),
        parent_id=parents[0].lower().zfill(16) if parents else "",
        name=wire["operationName"],
        kind=str(tags.pop("span.kind", "internal")),
        service=process["serviceName"],
        start_ns=start_ns,
        end_ns=start_ns + int(wire["duration"]) * 1000,
        status=_CODES.get(str(code), "unset"),
        status_message=str(tags.pop("otel.status_description", "")),
        scope=str(tags.pop("otel.scope.name", "")),
        attributes=tags,
    )
