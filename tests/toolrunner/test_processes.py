"""The two processes: how they start and stop, and that a call is one trace through both."""

import asyncio
import contextlib
import hashlib
import json
import secrets
import signal
import socket
import sys
from pathlib import Path

import pytest
from pydantic import SecretStr
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from bus.broker import Bus
from bus.connection import as_text
from bus.testing import eventually
from services.toolrunner.adapters.mcp_http import KEPT_SECONDS
from simulator.otlp import SpanStore, build_otlp
from simulator.redis_server import free_port
from simulator.request_log import RequestLog
from simulator.serving import Served
from tests.conftest import MakeBus
from tests.toolrunner.foreign import ask, investigation, serving, told
from tests.toolrunner.processes import environment, logging_to, running

SERVERS = "services.toolrunner.servers"
SECRET = "postgres://shop:" + "Hunter2" + "Secret" + "Pass9"
pytestmark = pytest.mark.timeout(90)


async def ended(module: str, **variables: str) -> tuple[int | None, str]:
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        module,
        env=environment(**variables),
        stderr=asyncio.subprocess.PIPE,
    )
    _, errors = await process.communicate()
    return process.returncode, errors.decode()


async def test_wrong_settings_end_both_processes_with_one_sentence(tmp_path: Path) -> None:
    taken = socket.create_server(("127.0.0.1", 0))
    port, token = str(taken.getsockname()[1]), secrets.token_hex(16)
    cases = [
        (SERVERS, {}, "NIGHTSHIFT_SERVERS_TOKEN is missing"),
        (
            SERVERS,
            {"NIGHTSHIFT_SERVERS_TOKEN": token, "NIGHTSHIFT_SERVERS_PORT": port},
            f"port {port} cannot be listened on",
        ),
        (
            "services.toolrunner",
            {"NIGHTSHIFT_MCP_SERVERS": str(tmp_path / "no.json")},
            "cannot be read",
        ),
    ]
    with taken:
        results = await asyncio.gather(
            *(ended(module, **variables) for module, variables, _ in cases)
        )
    for (_, _, sentence), (code, errors) in zip(cases, results, strict=True):
        said = [line for line in errors.strip().split("\n") if not line.startswith("{")]
        assert code == 1
        assert len(said) == 1
        assert said[0].startswith("nightshift toolrunner")
        assert sentence in said[0]


async def refused_with_a_secret(_: Request) -> Response:
    return JSONResponse({"message": f"upstream failed: {SECRET}@db.internal/x"}, 500)


async def test_a_call_is_one_trace_through_both_processes_and_both_stop_on_request(
    make_bus: MakeBus, tmp_path: Path
) -> None:
    bus, spans = make_bus("reader"), SpanStore()
    receiver = Served(build_otlp(spans, RequestLog(tmp_path / "requests.jsonl")))
    port, token = free_port(), secrets.token_hex(16)
    shared = {
        "OTEL_EXPORTER_OTLP_ENDPOINT": await receiver.start(),
        "NIGHTSHIFT_SERVERS_PORT": str(port),
        "NIGHTSHIFT_SERVERS_TOKEN": token,
    }
    redis_url: SecretStr = bus.settings.redis_url
    own = {
        "REDIS_URL": redis_url.get_secret_value(),
        "NIGHTSHIFT_STREAM_PREFIX": bus.settings.stream_prefix,
        "NIGHTSHIFT_HTTP_HOST": "127.0.0.1",
        "NIGHTSHIFT_HTTP_PORT": "0",
        "NIGHTSHIFT_NAMESPACES": "boutique",
        "NIGHTSHIFT_ROLLOUTS_SECONDS": "0",  # looked up in traces of their own, a second after
    }
    async with contextlib.AsyncExitStack() as stack:
        stack.push_async_callback(receiver.stop)
        github = Starlette(routes=[Route("/{path:path}", refused_with_a_secret)])
        port_of_github = await stack.enter_async_context(serving(github))
        shared |= {
            "GITHUB_API_URL": f"http://127.0.0.1:{port_of_github}",
            "NIGHTSHIFT_REPOSITORY": "online-boutique/shop",
        }
        logs = [tmp_path / "servers.log", tmp_path / "runner.log"]
        servers = await stack.enter_async_context(logging_to(logs[0], SERVERS, **shared))
        runner = await stack.enter_async_context(
            logging_to(logs[1], "services.toolrunner", **shared, **own)
        )
        await eventually(lambda: offers(bus, "kubernetes__list_pods"), seconds=60)
        record = await investigation(bus, "1-1", "1-2")
        await ask(bus, record, "1-2", tool="github__search_code", query="GetCart")
        assert "upstream failed: postgres://shop:[secret:url" in (await told(bus, "1-2")).error
        await ask(bus, record, "1-1", tool="kubernetes__list_pods", namespace="boutique")
        finished = await told(bus, "1-1")
        assert finished.error == "no namespace may be read: NIGHTSHIFT_NAMESPACES is not set"
        for process in (runner, servers):
            process.send_signal(signal.SIGTERM)
        assert [await process.wait() for process in (runner, servers)] == [0, 0]
        found = {span.name: span for span in spans.trace(record.trace.trace_id)}
        tool = found["execute_tool kubernetes__list_pods"]
        assert tool.attributes["gen_ai.operation.name"] == "execute_tool"
        assert tool.attributes["gen_ai.tool.call.id"] == "1-1"
        assert tool.attributes["nightshift.policy.decision"] == "allow"
        failed = [span for span in spans.trace(record.trace.trace_id) if span.status == "error"]
        assert {span.service for span in failed} == {"toolrunner", "toolrunner-servers"}
        told_outside = [str(spans.trace(record.trace.trace_id)), *(log.read_text() for log in logs)]
        assert not any(SECRET.rpartition(":")[2] in each for each in told_outside)
        assert all(line.startswith("{") for log in logs for line in log.read_text().splitlines())
        served = [span for span in found.values() if span.service == "toolrunner-servers"]
        assert served
        ids = {span.span_id for span in found.values()}
        assert all(span.parent_id in ids for span in served)
        # Not under the client's spans, which are lost when the toolrunner is killed.
        calls = {span.span_id for span in found.values() if span.name.startswith("execute_tool")}
        assert {span.parent_id for span in served if span.name.startswith("tools/call")} <= calls
        assert tool.span_id in {span.parent_id for span in served}
        assert (
            tool.span_id
            == hashlib.sha256(f"{record.investigation_id}/1-1".encode()).hexdigest()[:16]
        )
        # Keeping the connection makes no traces of its own.
        assert [trace for trace in spans.trace_ids() if trace != record.trace.trace_id] == []


async def test_an_unused_connection_is_kept_for_longer_than_any_client_of_ours_would_use_it() -> (
    None
):
    """Where the server closes first, a request on its way is lost, and its call is made again."""
    port = free_port()
    given = {
        "NIGHTSHIFT_SERVERS_PORT": str(port),
        "NIGHTSHIFT_SERVERS_TOKEN": secrets.token_hex(16),
    }

    async def connected() -> tuple[asyncio.StreamReader, asyncio.StreamWriter] | None:
        with contextlib.suppress(OSError):
            return await asyncio.open_connection("127.0.0.1", port)
        return None

    async with running(SERVERS, **given):
        found = await eventually(connected, seconds=40)
        assert found is not None
        reader, writer = found
        writer.write(b"GET /healthz HTTP/1.1\r\nhost: 127.0.0.1\r\n\r\n")
        assert (await reader.readuntil(b"\r\n\r\nok")).startswith(b"HTTP/1.1 200 ")
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(reader.read(1), 3 * KEPT_SECONDS)
        writer.close()
        await writer.wait_closed()


async def offers(bus: Bus, tool: str) -> bool:
    sha256 = as_text(await bus.redis.get(bus.keys.current_catalogue))
    text = as_text(await bus.redis.get(bus.keys.catalogue(sha256))) if sha256 else "[]"
    return tool in [offered["name"] for offered in json.loads(text)]
