"""Deadlines, dead reasoners, many incidents at once: each ends once, with one message."""

import signal
from collections import Counter
from datetime import timedelta

import pytest
from redis import Redis

from cli.stack import Plan, running_stack
from tests.loop.desk import Desk, quiet
from tests.loop.traces import SERVICES, check_trace

pytestmark = pytest.mark.timeout(120)


def test_sixteen_incidents_and_three_reasoners_end_once_each_with_one_message() -> None:
    settings = {"NIGHTSHIFT_FINAL_REPEAT_SECONDS": "1"}
    plan = Plan(
        scenario="cart-loafers", reasoners=3, model_seconds=0.3, settings=settings, own_redis=True
    )
    with running_stack(plan, quiet) as stack, Redis.from_url(stack.redis_url) as redis:
        desk = Desk(stack, redis)
        incidents = [
            desk.publish(service="cartservice", summary=f"HTTP 500, number {number}")
            for number in range(16)
        ]
        for incident in incidents:
            desk.wait_for_end(incident, 60)
        outcomes = [desk.record(incident) for incident in incidents]
        assert {record.outcome for record in outcomes if record} == {"diagnosed"}
        assert [len(desk.messages(incident)) for incident in incidents] == [1] * 16
        assert Counter(
            entry["event"] for entry in desk.entries("stops") if entry["event"] != "StopRequested"
        ) == {"InvestigationStopped": 16}
        workers = Counter(
            str(span.attributes["nightshift.replica"])
            for incident in incidents
            for span in desk.spans(incident)
            if span.name.startswith("process turns")
        )
        assert len(workers) == 3
        assert min(workers.values()) > 2


def test_deadline_ends_in_slack_though_every_reasoner_is_dead() -> None:
    settings = {"NIGHTSHIFT_DEADLINE_SECONDS": "8", "NIGHTSHIFT_FINAL_REPEAT_SECONDS": "1"}
    plan = Plan(
        scenario="cart-loafers",
        model_seconds=1.5,
        settings=settings,
        own_redis=True,
    )
    with running_stack(plan, quiet) as stack, Redis.from_url(stack.redis_url) as redis:
        desk = Desk(stack, redis)
        incident = desk.publish(service="cartservice", summary="HTTP 500 on checkout")
        desk.wait("the second turn", lambda: desk.turn(incident) >= 2)
        reasoner = next(part for part in stack.parts if part.name == "reasoner-1")
        reasoner.process.send_signal(signal.SIGKILL)
        reasoner.process.wait()
        stack.parts.remove(reasoner)
        record = desk.wait_for_end(incident, 20)
        assert record.outcome == "timed_out"
        assert record.ended_at is not None
        assert record.ended_at - record.deadline_at < timedelta(seconds=5)
        # What the dead one had begun is not there, and nothing hangs under it.
        spans = check_trace(desk, incident, services=SERVICES)
        (root,) = [span for span in spans if span.name == "investigation"]
        assert root.attributes["nightshift.outcome"] == "timed_out"
        card = desk.card(incident)
        assert "Timed out" in card
        assert "kubernetes__list_pods" in card
