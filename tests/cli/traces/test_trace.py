"""`nightshift trace`: the same waterfall from everywhere, and a sentence for what is missing."""

import asyncio
import json
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import aiohttp
import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import Route
from typer.testing import CliRunner

from bus.tracing import Tracing, root_of
from cli.main import app
from cli.traces.command import AWAY, INCOMPLETE
from cli.traces.jaeger import spans_in
from services.notifier.adapters.root_span import emit_root
from simulator.otlp import SpanStore, build_otlp
from simulator.otlp.jaeger import jaeger_routes
from simulator.request_log import RequestLog
from simulator.serving import served
from tests.cli.nightshift import Ended, run

pytestmark = pytest.mark.timeout(90)
INCIDENT = "inc-1700000000000-0"
ROOT = root_of(INCIDENT)
NO_REDIS = "redis://127.0.0.1:1/0"
DERIVED = "nightshift trace: Redis is away; the trace's id is derived\n"


@dataclass(frozen=True)
class Place:
    """A receiver with one trace, and a folder in which `nightshift up` seems to run."""

    store: SpanStore
    address: str

    async def trace(self, *arguments: str, **changes: str) -> Ended:
        """How the command ended, in this process: a new one takes a second to begin."""
        given = {"REDIS_URL": NO_REDIS, "NIGHTSHIFT_JAEGER_URL": ""} | changes
        end = await asyncio.to_thread(CliRunner().invoke, app, ["trace", *arguments], env=given)
        return Ended(end.exit_code, end.stdout, end.stderr)


@pytest.fixture
async def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Place]:
    store = SpanStore()
    async with served(build_otlp(store, RequestLog(tmp_path / "requests.jsonl"))) as address:
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", address)
        monkeypatch.chdir(tmp_path)
        (tmp_path / ".nightshift").mkdir()
        told = {"redis_url": NO_REDIS, "control": address, "process": "1"}
        (tmp_path / ".nightshift" / "up.json").write_text(json.dumps(told))
        yield Place(store, address)


async def exported(*, with_root: bool = True) -> None:
    """A small trace, as three services send it."""
    for service, name in (("reasoner", "process turns"), ("toolrunner", "process tool-calls")):
        tracing = Tracing(service, f"{service}-1")
        with tracing.span(name, parent=ROOT.traceparent):
            with tracing.span("chat claude \x1b[31mred"):
                pass
            tracing.tracer.start_span("execute_tool kubernetes__get_logs").end()
        await asyncio.to_thread(tracing.stop)
    if with_root:
        tracing = Tracing("notifier", "notifier-1")
        failed = "no model"
        emit_root(tracing, ROOT, started_at=datetime.now(UTC), attributes={"x": "y"}, failed=failed)
        await asyncio.to_thread(tracing.stop)


async def test_the_receiver_and_jaeger_by_either_api_show_the_same_waterfall(place: Place) -> None:
    await exported()
    async with served(Starlette(routes=jaeger_routes(place.store)[1:])) as older:
        ends = [
            await place.trace(INCIDENT),
            await place.trace(INCIDENT, "--jaeger", place.address),
            await place.trace(INCIDENT, NIGHTSHIFT_JAEGER_URL=f"{older}/"),
        ]
    assert [end.code for end in ends] == [0, 0, 0]
    assert {end.errors for end in ends} == {DERIVED}
    assert len({end.output for end in ends}) == 1
    shown = ends[0].output
    assert f"trace {ROOT.trace_id}: 7 spans, " in shown
    assert ", one root\nservices: notifier, reasoner, toolrunner\n" in shown
    assert "investigation (error)" in shown
    assert "   execute_tool kubernetes__get_logs" in shown
    assert "\x1b" not in shown


async def test_what_has_not_arrived_is_said_beside_what_has(place: Place) -> None:
    await exported(with_root=False)
    end = await place.trace(INCIDENT)
    assert end.code == INCOMPLETE
    assert "process turns" in end.output
    assert end.errors == (
        f"{DERIVED}nightshift trace: the trace is not complete: the investigation's own span is"
        " written at its end, and has not arrived\n"
    )


async def html(_: Request) -> Response:
    return HTMLResponse("<html>a page</html>")


async def forbidden(_: Request) -> Response:
    return Response("no", 403)


async def test_whoever_cannot_be_asked_is_named_with_the_reason(place: Place) -> None:
    pages = [Route("/forbidden/{path:path}", forbidden), Route("/{path:path}", html)]
    async with served(Starlette(routes=pages)) as page:
        unknown = await place.trace(INCIDENT, "--jaeger", place.address)
        away = await place.trace(INCIDENT, "--jaeger", "http://127.0.0.1:1")
        other = await place.trace(INCIDENT, "--jaeger", page)
        refused = await place.trace("a" * 32, "--jaeger", f"{page}/forbidden")
        wrong = await place.trace(INCIDENT, "--jaeger", "jaeger:16686")
    assert unknown.code == 3
    assert f"has no trace {ROOT.trace_id} of {INCIDENT}: no such incident" in unknown.errors
    assert (away.code, other.code, refused.code, wrong.code) == (AWAY, AWAY, AWAY, AWAY)
    assert "http://127.0.0.1:1 cannot be reached: " in away.errors
    assert f"Jaeger at {page} answers with something else: " in other.errors
    assert f"{page} answers 403 Forbidden" in refused.errors
    assert "jaeger:16686 is no address of a Jaeger" in wrong.errors


async def test_without_a_place_to_ask_both_are_named(tmp_path: Path) -> None:
    end = await asyncio.to_thread(run, "trace", INCIDENT, folder=tmp_path)
    assert end.code == AWAY
    assert "name a Jaeger by --jaeger or NIGHTSHIFT_JAEGER_URL" in end.errors


SPAN = {"traceId": "0" * 31 + "1", "spanId": "0" * 15 + "2", "name": "foo", "kind": 2}
GROUP = {"resource": {}, "scopeSpans": [{"scope": {}, "spans": [SPAN]}]}


@pytest.mark.parametrize(
    "body",
    [
        json.dumps({"result": {"resourceSpans": [GROUP]}}),
        json.dumps({"resourceSpans": [GROUP]}),
        json.dumps({"result": {"resourceSpans": []}})
        + "\n"
        + json.dumps({"result": {"resourceSpans": [GROUP]}}),
    ],
)
def test_answers_of_all_releases_are_read(body: str) -> None:
    """Of 2.x, of 1.x, and of 1.x behind its gateway, which streams."""
    (span,) = spans_in(body)
    assert (span.span_id, span.kind, span.parent_id) == ("0" * 15 + "2", "server", "")


def test_ids_and_names_as_protobuf_writes_them_are_read() -> None:
    wire = SPAN | {
        "traceId": "AAAAAAAAAAAAAAAAAAAAAQ==",
        "spanId": "AAAAAAAAAAI=",
        "parentSpanId": "AAAAAAAAAAM=",
        "kind": "SPAN_KIND_CLIENT",
        "status": {"code": "STATUS_CODE_ERROR", "message": "no"},
    }
    group = GROUP | {"scopeSpans": [{"scope": {}, "spans": [wire]}]}
    (span,) = spans_in(json.dumps({"resourceSpans": [group]}))
    assert (span.trace_id, span.span_id) == ("0" * 31 + "1", "0" * 15 + "2")
    assert (span.parent_id, span.kind, span.status) == ("0" * 15 + "3", "client", "error")


@pytest.mark.parametrize("body", ["[]", "{}", '{"data": [{}]}', '"x"', '{"result": 1}', "{"])
def test_what_is_no_answer_is_refused(body: str) -> None:
    with pytest.raises(ValueError, match=r".+"):
        spans_in(body)


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/api/v3/traces/xyz", 400),
        ("/api/v3/traces/1?all=true", 400),
        ("/api/traces/1?raw_traces=true", 400),
        ("/api/v3/traces/1", 404),
        ("/api/traces/1?raw=true", 404),
    ],
)
async def test_the_stand_in_refuses_as_jaeger_does(place: Place, path: str, status: int) -> None:
    async with aiohttp.ClientSession(place.address) as session, session.get(path) as answer:
        assert answer.status == status
        said = await answer.json()
    assert said.get("error", {}).get("httpCode", status) == status
    assert said.get("errors", [{"code": status}])[0]["code"] == status
