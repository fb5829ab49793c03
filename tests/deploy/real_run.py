"""One incident through four processes, each under its own Redis user; what was to be seen of it.

It is run once, and several tests judge it: what Redis refused, what `/metrics` and OTLP showed,
what the logs say. The incident's alarm is hostile: its name holds a secret and begs to be a label,
the model asks for a tool that there is not, and strangers knock at the doors.
"""

import json
import secrets
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from typing import Any
from urllib.error import HTTPError
from urllib.request import Request, urlopen

import pytest
from redis import Redis
from redis.exceptions import NoPermissionError
from typer.testing import CliRunner

from cli.main import app
from cli.stack import Plan, Stack, call, running_stack, service_environment
from deploy.laptop import environment
from tests.deploy.redis_users import SERVICES, Guarded, guarded_redis
from tests.loop.desk import PREFIX, SHARED, Desk, quiet
from tests.loop.test_one_incident import alarm

GROUP = pytest.mark.xdist_group("real run")
"""Of all tests that judge it, so that it is run once."""
MADE_UP = "kubernetes__delete_namespace"
FAULTS = (
    {"stand_in": "model", "fault": "overloaded"},
    {"stand_in": "model", "fault": "unknown_tool", "after": 1},
)


@dataclass
class Evidence:
    """What the run left behind."""

    incident: str
    trace_id: str
    secret: str
    card: str = ""
    dead_letter: dict[str, Any] = field(default_factory=dict)
    said: dict[str, str] = field(default_factory=dict)
    """What commands printed."""
    first_pages: dict[str, str] = field(default_factory=dict)
    """`/metrics` by service, when they had just started."""
    pages: dict[str, str] = field(default_factory=dict)
    """The same at the end."""
    exported: set[str] = field(default_factory=set)
    """Names of metrics that came over OTLP."""
    logs: dict[str, list[str]] = field(default_factory=dict)
    refused: list[str] = field(default_factory=list)
    refused_then: list[str] = field(default_factory=list)
    """After the toolrunner tried to write a diagnosis."""


@pytest.fixture(scope="session")
def real_run(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Evidence]:
    """The run, over."""
    settings = SHARED | {"NIGHTSHIFT_FINAL_REPEAT_SECONDS": "0.2"}
    plan = Plan(scenario="cart-loafers", model_seconds=0.02, services=(), settings=settings)
    with guarded_redis(tmp_path_factory.mktemp("real-run")) as guarded:
        with pytest.MonkeyPatch.context() as patched:
            patched.setenv("REDIS_URL", guarded.url("operator"))
            with running_stack(plan, quiet) as stack:
                _start(stack, guarded)
                evidence = _played(stack, Desk(stack, guarded.admin))
                evidence.logs = {service: _log(stack, service) for service in SERVICES}
                _counts(guarded)
        evidence.refused = guarded.refused()
        one = Redis.from_url(guarded.url("toolrunner"))
        with one as toolrunner, suppress(NoPermissionError):
            toolrunner.xadd(f"{PREFIX}diagnoses", {"event": "DiagnosisReached"})
        evidence.refused_then = guarded.refused()
        yield evidence


def _start(stack: Stack, guarded: Guarded) -> None:
    """The four services run, each with its own address of Redis, and are ready."""
    started = []
    for service in SERVICES:
        env = service_environment(stack, service, replica=f"{service}-1")
        env |= environment(service, stack.folder / "simulator.json", env)
        env["REDIS_URL"] = guarded.url(service)
        otlp = env["OTEL_EXPORTER_OTLP_ENDPOINT"]
        env["OTEL_EXPORTER_OTLP_METRICS_ENDPOINT"] = f"{otlp}/v1/metrics"
        env["OTEL_METRIC_EXPORT_INTERVAL"] = "500"
        started.append(stack.start(f"{service}-1", f"services.{service}", env=env))
    desk = Desk(stack, guarded.admin)
    for part in started:
        ready = partial(_is_ready, desk, part.ready_url)
        stack.wait(f"{part.name} becoming ready", ready, seconds=90)


def _is_ready(desk: Desk, url: str) -> bool:
    try:
        return desk.get(url)[0] == 200
    except OSError:
        return False


def _played(stack: Stack, desk: Desk) -> Evidence:
    for fault in FAULTS:
        call(f"{stack.control}/_simulator/faults", fault)
    first_pages = {service: _page(desk, service) for service in SERVICES}
    broken = desk.add("not JSON")
    _knock(stack)
    secret = "gh" + "p_" + secrets.token_hex(18)
    desk.alarm_body(alarm(f"cartservice-error {secret}"))
    desk.wait("an incident", lambda: desk.incidents())
    (incident,) = desk.incidents()
    record = desk.wait_for_end(incident, seconds=60)
    assert record.outcome == "diagnosed"
    evidence = Evidence(incident, record.trace.trace_id, secret, first_pages=first_pages)
    evidence.card = desk.card(incident)
    desk.wait("the dead letter", lambda: desk.entries("incidents.dead"))
    evidence.dead_letter = json.loads(desk.entries("incidents.dead")[0]["data"])
    assert evidence.dead_letter["entry_id"] in broken
    desk.wait("its thread", lambda: len(desk.thread(incident)) > 1)
    evidence.said = {
        "show": command("show", incident),
        "dead-letters": command("dead-letters", "list"),
    }
    desk.wait("a look at every stream", lambda: 'stream="tool-results"' in _page(desk, "notifier"))
    evidence.pages = {service: _page(desk, service) for service in SERVICES}
    traces = f"{stack.control}/_simulator/traces"
    last = {"nightshift.diagnosis.duration", "nightshift.first_look.duration"}
    last |= {"nightshift.tool.duration", "nightshift.incidents"}
    desk.wait("metrics", lambda: last <= set(call(traces)["metric_names"]))
    evidence.exported = set(call(traces)["metric_names"])
    return evidence


def _log(stack: Stack, service: str) -> list[str]:
    return (stack.folder / f"{service}-1.log").read_text(encoding="utf-8").splitlines()


def _page(desk: Desk, service: str) -> str:
    (part,) = (each for each in desk.stack.parts if each.name == f"{service}-1")
    return desk.get(part.ready_url.replace("readyz", "metrics"))[1]


def _knock(stack: Stack) -> None:
    """A stranger posts to each door."""
    (ingest,) = (each for each in stack.parts if each.name == "ingest-1")
    for door in ("triggers/alertmanager", "triggers/logs", "slack/events"):
        request = Request(ingest.ready_url.replace("readyz", door), b"{}", method="POST")
        request.add_header("Content-Type", "application/json")
        with suppress(HTTPError):
            urlopen(request, timeout=5).close()


def command(*words: str) -> str:
    """What a `nightshift` command printed."""
    ended = CliRunner().invoke(app, words)
    assert ended.exit_code == 0, ended.output
    return ended.output


def _counts(guarded: Guarded) -> None:
    """KEDA sees how much waits."""
    with Redis.from_url(guarded.url("keda")) as keda:
        assert keda.info("server")["redis_version"]
        groups: Any = keda.xinfo_groups(f"{PREFIX}turns")
        assert [row["name"] for row in groups] == [b"reasoner"]
        pending: Any = keda.xpending(f"{PREFIX}tool-calls", "toolrunner")
        assert pending["pending"] == 0
