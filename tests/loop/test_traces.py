"""One trace per incident, over real OTLP: refusals, retries, secrets; kills in the full lane."""

import random
import re
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import pytest
from redis import Redis

from bus import conventions as names
from bus.connection import as_text
from cli.stack import Part, Plan, call, running_stack, service_environment
from cli.traces.span import Span
from tests.bus.planted_secrets import some
from tests.bus.test_telemetry_away import collector
from tests.cli.nightshift import run
from tests.lane import Figures, Lane
from tests.loop.desk import PREFIX, SHARED, UNLIMITED, Desk, quiet
from tests.loop.traces import SERVICES, check_names, check_trace, dump

pytestmark = pytest.mark.timeout(120)
LETTERS = "abcdefghijkmnpqrstuvwxyzABCDEFGHJKLMNPQRSTUVWXYZ23456789"


def secrets(seed: int) -> list[str]:
    """Some that a scanner would know and some that only their name tells, as texts would hold."""
    draw = random.Random(seed)
    return [
        "xoxb-" + f"{draw.randrange(10**11, 10**12)}-" + some(draw, LETTERS, 24),
        "AKIA" + some(draw, "ABCDEFGHJKLMNPQRSTUVWXYZ234567", 16),
        "sk-ant-" + "api03-" + some(draw, LETTERS, 80) + "AA",
        some(draw, LETTERS, 18),
    ]


def planted(found: list[str]) -> str:
    """A note that holds all of them."""
    slack, key, model, password = found
    return (
        f"it says {slack} and {key}; ANTHROPIC_API_KEY={model};"
        f" postgres://shop:{password}@db.internal/x and password={password}"
    )


def failed(spans: list[Span], begin: str) -> list[Span]:
    """Those of that name which are errors."""
    return [span for span in of(spans, begin) if span.status == "error"]


def priced(spans: list[Span]) -> list[float]:
    """What each model call cost."""
    attributes = (span.attributes for span in of(spans, "chat"))
    return [float(str(chat[names.COST_USD])) for chat in attributes if names.COST_USD in chat]


def of(spans: list[Span], begin: str) -> list[Span]:
    """Those whose name begins so."""
    return [span for span in spans if span.name.startswith(begin)]


def test_a_refusal_retries_and_planted_secrets_leave_one_clean_trace(
    desk: Desk, lane: Lane, figures: Figures, tmp_path: Path
) -> None:
    """The model is overloaded and asks for a tool that nobody offers; Slack is down for a call."""
    found = secrets(lane.seed)
    incident, case = "traced-1", "case-traced-1"
    faults = [
        {"stand_in": "model", "fault": "overloaded", "where": case},
        {"stand_in": "model", "fault": "unknown_tool", "where": case},
        {"stand_in": "slack", "fault": "unavailable", "where": "chat.update"},
    ]
    call(f"{desk.stack.control}/_simulator/faults", faults)
    desk.publish(
        incident_id=incident,
        service="cartservice",
        summary=f"HTTP 500, {case}, token {found[0]}",
        note=planted(found),
    )
    record = desk.wait_for_end(incident, 60)
    # A handler's spans leave when it is done, some after the root.
    desk.wait("the Slack call that failed", lambda: failed(desk.spans(incident), "slack"))
    desk.wait("every turn", lambda: len(priced(desk.spans(incident))) == record.spend.model_calls)
    spans = check_trace(desk, incident, services=SERVICES)
    check_names(spans)
    assert [span for span in of(spans, "chat") if span.attributes.get(names.RESENDS) == 1]
    denied = [s for s in of(spans, "execute_tool") if s.attributes[names.DECISION] == "deny"]
    assert [span.attributes[names.OUTCOME] for span in denied] == ["refused"]
    (root,) = of(spans, "investigation")
    assert root.attributes[names.COST_USD] == pytest.approx(sum(priced(spans)))
    text = dump(desk)
    left = [secret for secret in found if secret[-12:] in text or secret[:16] in text]
    figures.add("issue 9, T24", "planted secrets in spans", len(left), 0)
    assert left == []
    check_printed(desk, incident, spans, folder=tmp_path)


def check_printed(desk: Desk, incident: str, spans: list[Span], *, folder: Path) -> None:
    """`nightshift trace` prints it, as Jaeger answers."""
    where = {"REDIS_URL": desk.stack.redis_url, "NIGHTSHIFT_JAEGER_URL": desk.stack.control}
    end = run("trace", incident, folder=folder, **where)
    assert (end.code, end.errors) == (0, "")
    found = re.match(r"trace \w+: (\d+) spans, \S+ m?s, one root\n", end.output)
    assert found, end.output
    assert int(found[1]) >= len(spans)  # the thread's may have come meanwhile
    assert "ORPHAN" not in end.output


@contextmanager
def two_of_each(lease: str = "3") -> Iterator[Desk]:
    """Two reasoners, toolrunners and notifiers, whose work moves soon when one dies."""
    settings = UNLIMITED | {
        "NIGHTSHIFT_LEASE_SECONDS": lease,
        "NIGHTSHIFT_FINAL_REPEAT_SECONDS": "1",
    }
    plan = Plan(
        scenario="cart-loafers", reasoners=2, model_seconds=0.6, settings=settings, own_redis=True
    )
    with running_stack(plan, quiet) as stack, Redis.from_url(stack.redis_url) as redis:
        desk = Desk(stack, redis)
        for service in ("toolrunner", "notifier"):
            started(desk, service, number=2)
        yield desk


def started(desk: Desk, service: str, *, number: int) -> Part:
    """One more replica, ready."""
    replica = f"{service}-{number}"
    env = service_environment(desk.stack, service, replica=replica)
    part = desk.stack.start(replica, f"services.{service}", env=env)
    desk.wait(f"{replica} becoming ready", lambda: _answers(desk, part), 60)
    return part


def _answers(desk: Desk, part: Part) -> bool:
    try:
        return desk.get(part.ready_url)[0] == 200
    except OSError:
        return False


def kill_who_holds(desk: Desk, stream: str, group: str) -> str:
    """The replica that has an entry of that stream; it is gone."""
    held: list[str] = []

    def holders() -> list[str]:
        rows = desk.redis.xpending_range(PREFIX + stream, group, "-", "+", 10)
        held[:] = [as_text(row["consumer"]) for row in rows]
        return held

    desk.wait(f"somebody to hold an entry of {stream}", holders)
    part = next(part for part in desk.stack.parts if part.name == held[0])
    part.process.send_signal(signal.SIGKILL)
    part.process.wait()
    desk.stack.parts.remove(part)
    return part.name


def takeovers(desk: Desk, incident: str, stream: str) -> list[Span]:
    """Deliveries of that stream's entries that were not the first."""
    hops = of(desk.spans(incident), f"process {stream}")
    return [span for span in hops if int(str(span.attributes[names.DELIVERY])) > 1]


KILLS = {"reasoner": "turns", "toolrunner": "tool-calls", "notifier": "diagnoses"}


def test_a_takeover_after_a_kill_leaves_one_trace_without_orphans(
    lane: Lane, figures: Figures
) -> None:
    """Whoever is killed: its calls hang under a span that somebody writes."""
    if not lane.full:
        pytest.skip("in the full lane only")
    with two_of_each() as desk:
        for number, (group, stream) in enumerate(KILLS.items(), start=3):
            if group == "toolrunner":
                slow = {"stand_in": "kubernetes", "fault": "slow", "times": 3, "seconds": 2}
                call(f"{desk.stack.control}/_simulator/faults", [slow])
            incident = desk.publish(service="cartservice", summary=f"HTTP 500, {group} dies")
            killed = kill_who_holds(desk, stream, group)
            desk.wait_for_end(incident, 60)
            desk.wait("the takeover", partial(takeovers, desk, incident, stream), 40)
            check_trace(desk, incident, services=SERVICES, seconds=40)
            taken = takeovers(desk, incident, stream)
            figures.add("issue 9, trace", f"takeovers seen after {killed} died", len(taken))
            assert {span.attributes[names.REPLICA] for span in taken} != {killed}
            started(desk, group, number=number)


@pytest.mark.parametrize("kind", ["hanging", "dripping"])
def test_a_deaf_collector_costs_no_outcome_and_no_stop(lane: Lane, kind: str) -> None:
    """Of spans and of metrics; every service, the MCP servers too."""
    if not lane.full:
        pytest.skip("in the full lane only")
    with collector(kind) as address:
        settings = SHARED | {
            "NIGHTSHIFT_FINAL_REPEAT_SECONDS": "1",
            "OTEL_EXPORTER_OTLP_ENDPOINT": address,
            "OTEL_EXPORTER_OTLP_METRICS_ENDPOINT": f"{address}/v1/metrics",
            "OTEL_METRIC_EXPORT_INTERVAL": "500",
        }
        plan = Plan(scenario="cart-loafers", settings=settings, own_redis=True)
        with running_stack(plan, quiet) as stack, Redis.from_url(stack.redis_url) as redis:
            desk = Desk(stack, redis)
            incidents = [desk.publish(service="cartservice", summary=f"no {n}") for n in range(4)]
            outcomes = [desk.wait_for_end(incident, 60).outcome for incident in incidents]
            parts = list(stack.parts)
        assert outcomes == ["diagnosed"] * 4
        # The stack asks with SIGTERM, and kills after 12 s.
        assert {
            part.name: part.process.returncode for part in parts if part.name != "simulator"
        } == {part.name: 0 for part in parts if part.name != "simulator"}
