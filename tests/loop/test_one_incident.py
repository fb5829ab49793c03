"""One incident, from its entry to the card, the stop signal and the trace."""

import json

import pytest

from bus.connection import as_text
from tests.loop import traces
from tests.loop.desk import PREFIX, Desk
from tests.loop.traces import check_trace

pytestmark = pytest.mark.timeout(90)
SERVICES = {"ingest", *traces.SERVICES}


def alarm(name: str, state: str = "ALARM") -> str:
    """A CloudWatch alarm as SNS wraps it."""
    inner = {
        "AlarmName": name,
        "AlarmDescription": "Error detected in cartservice",
        "AWSAccountId": "123456789012",
        "NewStateValue": state,
        "NewStateReason": "Threshold Crossed: 1 datapoint [14.0] was greater than 0.0.",
        "StateChangeTime": "2026-11-24T03:00:00.000+0000",
        "Region": "EU (London)",
        "OldStateValue": "OK",
        "Trigger": {"MetricName": "cartserviceErrorCount", "Namespace": "Microservices/Errors"},
    }
    return json.dumps(
        {
            "Type": "Notification",
            "MessageId": f"m-{name}",
            "TopicArn": "arn:aws:sns:eu-west-2:123456789012:alarms",
            "Message": json.dumps(inner),
            "Timestamp": "2026-11-24T03:00:01.000Z",
        }
    )


def test_alarm_becomes_a_card_that_names_the_file(desk: Desk) -> None:
    before = set(desk.incidents())
    desk.alarm_body(alarm("cartservice-error"))
    desk.wait("an incident", lambda: set(desk.incidents()) - before)
    (incident,) = set(desk.incidents()) - before
    record = desk.wait_for_end(incident)
    assert record.outcome == "diagnosed"
    assert record.diagnosis is not None
    assert all(evidence.verified for evidence in record.diagnosis.evidence)
    card = desk.card(incident)
    for words in (
        "RedisCartStore.cs",
        "AAAAAAAAA4",
        "Confidence: high",
        "log of pod cartservice-",
        "What to do next",
        "turns",
        "tool calls",
        "$",
    ):
        assert words in card
    assert "scripted" in card
    assert len(desk.messages(incident)) == 1
    log = f"{incident}-results.txt"
    desk.wait("its thread", lambda: any(log in said for said in desk.thread(incident)))
    thread = "\n\n".join(desk.thread(incident))
    for words in ("marked with >", "kubernetes__get_logs {", "answered in"):
        assert words in thread


def test_the_same_alarm_again_opens_nothing(desk: Desk) -> None:
    before = set(desk.incidents())
    for _ in range(3):
        desk.alarm_body(alarm("cartservice-again"))
    desk.alarm_body(alarm("cartservice-last"))
    desk.wait("two incidents", lambda: len(set(desk.incidents()) - before) >= 2)
    for incident in set(desk.incidents()) - before:
        desk.wait_for_end(incident)
    assert len(set(desk.incidents()) - before) == 2


def test_hand_made_entry_starts_an_investigation(desk: Desk) -> None:
    incident = desk.publish(service="cartservice", summary="HTTP 500 on checkout")
    record = desk.wait_for_end(incident)
    assert record.outcome == "diagnosed"
    assert record.incident.summary == "HTTP 500 on checkout"


def test_entry_that_is_not_json_becomes_one_dead_letter_and_stops_nothing(desk: Desk) -> None:
    dead = len(desk.entries("incidents.dead"))
    desk.add("not json")
    incident = desk.publish(service="cartservice", summary="after the wrong one")
    assert desk.wait_for_end(incident).outcome == "diagnosed"
    desk.wait("the dead letter", lambda: len(desk.entries("incidents.dead")) > dead)
    letters = desk.entries("incidents.dead")[dead:]
    assert len(letters) == 1
    assert "not JSON" in letters[0]["data"]


def test_service_the_world_does_not_know_ends_honestly(desk: Desk) -> None:
    incident = desk.publish(service="emailservice", summary="mails are late")
    record = desk.wait_for_end(incident)
    assert record.outcome == "inconclusive"
    assert "No conclusion" in desk.card(incident)


def test_after_the_outcome_nothing_more_is_asked(desk: Desk) -> None:
    incident = desk.publish(service="cartservice", summary="nothing after the end")
    desk.wait_for_end(incident)
    asked = {name: len(desk.requests(name)) for name in ("model", "kubernetes", "github")}
    another = desk.publish(service="emailservice", summary="another one")
    desk.wait_for_end(another)
    record = desk.record(another)
    assert record is not None
    assert len(desk.requests("model")) - asked["model"] == record.spend.model_calls
    assert len(desk.requests("github")) == asked["github"]


def test_whole_loop_is_one_trace_under_one_root(desk: Desk) -> None:
    before = set(desk.incidents())
    desk.alarm_body(alarm("cartservice-traced"))
    desk.wait("an incident", lambda: set(desk.incidents()) - before)
    (incident,) = set(desk.incidents()) - before
    record = desk.wait_for_end(incident)

    assert record.trace.span_id
    spans = check_trace(desk, incident, services=SERVICES)
    names = {span.name.split(" ")[0] for span in spans}
    assert {"investigation", "chat", "execute_tool", "process", "slack"} <= names


def test_metrics_and_readiness_are_served(desk: Desk) -> None:
    desk.wait_for_end(desk.publish(service="cartservice", summary="to be counted"))
    for part in desk.stack.parts:
        if part.ready_url:
            assert desk.get(part.ready_url)[0] == 200
            status, text = desk.get(part.ready_url.replace("readyz", "metrics"))
            assert status == 200
            assert "nightshift_deliveries" in text or part.name.startswith("ingest")


def test_the_first_message_tells_recent_roll_outs_and_their_look_up_is_audited(desk: Desk) -> None:
    key = f"{PREFIX}rollouts"
    desk.wait("roll-outs", lambda: desk.redis.exists(key))
    before = json.loads(as_text(desk.redis.get(key)))
    record = desk.wait_for_end(desk.publish(service="cartservice", summary="slow checkout"))
    after = json.loads(as_text(desk.redis.get(key)))
    transcript = as_text(desk.redis.lindex(f"{PREFIX}{record.investigation_id}:transcript", 0))
    first = json.loads(transcript)["content"][0]["text"]
    (known, *_) = (each for each in (before, after) if f"looked up {each['at']}" in first)
    assert "Deployment cartservice rolled_out=" in known["text"]
    assert known["text"] in first
    audited = [json.loads(entry["data"]) for entry in desk.entries("audit")]
    look_ups = [each for each in audited if each["investigation_id"] == "rollouts"]
    assert look_ups, "it is looked up again every so often, and audited each time"
    assert {each["tool"] for each in look_ups} == {"kubernetes__list_workloads"}
    assert {each["outcome"] for each in look_ups} == {"executed"}
