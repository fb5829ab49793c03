import json
from datetime import UTC, datetime

import pytest

from bus.cleaning import clean
from bus.errors import Rejected
from bus.events import Alarm
from services.ingest.alarm import read
from services.ingest.reading import read as read_body
from services.ingest.trigger import Found, Ignored, Raised, Recovered, Unreadable
from tests.ingest.bodies import ACCOUNT, REASON, REGION, arn, event, flat_alarm, notification


def one(body: str) -> Found:
    return read(body, clean=clean)


def raised_in(body: str) -> Raised:
    found = one(body)
    assert isinstance(found, Raised), found
    return found


def alarm_in(body: str) -> Alarm:
    return raised_in(body).alarm


def reason_of(body: str) -> str:
    found = one(body)
    assert isinstance(found, Ignored), found
    return found.reason


@pytest.mark.parametrize(
    "body",
    [
        flat_alarm(),
        notification(flat_alarm()),
        notification(notification(flat_alarm())),
        event(),
        notification(event()),
        json.dumps({"Records": [{"body": notification(flat_alarm())}]}),
        json.dumps({"Records": [{"Sns": json.loads(notification(flat_alarm()))}]}),
    ],
    ids=["raw", "sns", "sns-sns", "eventbridge", "eventbridge-sns", "sqs-record", "sns-record"],
)
def test_every_wrapping_of_a_state_change_gives_the_same_alarm(body: str) -> None:
    alarm = alarm_in(body)

    assert alarm.name == "cartservice-error"
    assert (alarm.account, alarm.region, alarm.arn) == (ACCOUNT, REGION, arn("cartservice-error"))
    assert (alarm.metric, alarm.reason) == ("cartserviceErrorCount", REASON)
    assert alarm.changed_at == datetime(2026, 3, 9, 2, 14, 7, 518000, UTC)
    assert alarm.labels["Cluster"] == "shop"
    assert alarm.labels["metric_namespace"] == "Shop/Errors"


def test_a_metric_math_alarm_keeps_its_expression_and_the_first_metric_it_uses() -> None:
    statistic = {"Metric": {"MetricName": "5xx", "Namespace": "Shop", "Dimensions": []}}
    trigger = {
        "Metrics": [
            {"Id": "rate", "Expression": "errors / requests"},
            {"Id": "errors", "MetricStat": statistic},
        ],
        "Threshold": 0.05,
    }

    alarm = alarm_in(flat_alarm("checkout-5xx", Trigger=trigger))

    assert alarm.metric == "5xx"
    assert alarm.labels["expression"] == "errors / requests"
    assert alarm.labels["threshold"] == "0.05"


def test_an_anomaly_alarm_without_a_threshold_opens() -> None:
    metric = {"name": "Latency", "namespace": "Shop", "dimensions": {"Service": "frontend"}}
    band = {"id": "ad1", "expression": "ANOMALY_DETECTION_BAND(m1, 2)"}
    configuration: dict[str, object] = {
        "metrics": [{"id": "m1", "metricStat": {"metric": metric, "stat": "p99"}}, band]
    }

    alarm = alarm_in(event("frontend-latency", configuration=configuration))

    assert alarm.labels["Service"] == "frontend"
    assert alarm.labels["expression"].startswith("ANOMALY_DETECTION_BAND")


def test_a_composite_alarm_opens_with_its_rule_and_without_a_metric() -> None:
    rule = "ALARM(cart-errors) OR ALARM(cart-latency)"

    alarm = alarm_in(event("cart-composite", configuration={"alarmRule": rule}))

    assert alarm.metric == ""
    assert alarm.labels["alarm_rule"] == rule


def test_a_composite_alarm_whose_actions_are_suppressed_opens_nothing() -> None:
    assert "suppressed by" in reason_of(event("cart", actionsSuppressedBy="WaitPeriod"))


@pytest.mark.parametrize("body", [flat_alarm(state="OK"), event(state="OK")])
def test_ok_is_a_recovery_of_the_alarm(body: str) -> None:
    found = one(body)

    assert isinstance(found, Recovered)
    assert found.alarm.name == "cartservice-error"


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (flat_alarm(state="INSUFFICIENT_DATA"), "insufficient data"),
        (event(kind="CloudWatch Alarm Configuration Change"), "Configuration Change"),
        (json.dumps({"detail-type": "Finding", "detail": {}}), "unnamed source"),
        (json.dumps({"message": "hello"}), "not an alarm"),
        ("hello world", "plain text"),
        (notification("All is well :)"), "plain text"),
        ("[1, 2]", "bare value"),
        (json.dumps({"Records": [7]}), "bare value"),
        ("[WARN] disk is filling up", "plain text"),
        (json.dumps({"Type": "SubscriptionConfirmation", "TopicArn": "a", "Message": "b"}), "SNS"),
        (json.dumps({"Records": [{"kinesis": {"data": "eHk="}}]}), "not an alarm"),
    ],
)
def test_what_is_no_alarm_is_ignored_with_a_reason(body: str, said: str) -> None:
    assert said in reason_of(body)


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (flat_alarm()[:-30], "not JSON"),
        (notification(flat_alarm()[:-30]), "not JSON"),
        (flat_alarm(AlarmName=None), "no name"),
        (flat_alarm("   "), "no name"),
        (flat_alarm(AlarmName={"a": 1}), "no name"),
        (flat_alarm(NewStateValue=None), "new state"),
        (flat_alarm(state="BROKEN"), "unknown state"),
        (json.dumps({"alarmData": "gone"}), "no name"),
        ('{"a":' * 20_000, "nested"),
        (flat_alarm(Trigger=json.loads('{"a":' * 600 + "1" + "}" * 600)), "nested"),
    ],
)
def test_a_body_that_should_be_an_alarm_and_is_not_is_rejected_with_a_reason(
    body: str, said: str
) -> None:
    with pytest.raises(Rejected, match=said):
        one(body)


def test_more_layers_than_anybody_sends_are_rejected() -> None:
    body = flat_alarm()
    for _ in range(7):
        body = notification(body)

    with pytest.raises(Rejected, match="wrapped"):
        one(body)


def test_long_and_odd_texts_are_cut_and_cleaned() -> None:
    secret = "xoxb-" + "1234567890-abcdefghij"
    alarm = alarm_in(
        flat_alarm(
            "n" * 255,
            NewStateReason="r" * 5000,
            AlarmDescription=f"\ud800 \x1b[31mred\x1b[0m {secret}",
        )
    )

    assert len(alarm.name) <= 200
    assert len(alarm.reason) == 2000
    assert secret not in alarm.description
    assert "red" in alarm.description
    assert "\x1b" not in alarm.description
    alarm.model_dump_json().encode()


def test_names_that_differ_only_behind_the_cut_stay_different() -> None:
    assert alarm_in(flat_alarm("n" * 250 + "a")).name != alarm_in(flat_alarm("n" * 250 + "b")).name


def test_a_change_without_a_readable_time_has_none() -> None:
    assert alarm_in(flat_alarm(StateChangeTime="yesterday")).changed_at is None


def test_records_of_a_forwarded_lambda_event_are_read_one_by_one() -> None:
    records = [{"body": flat_alarm()}, {"body": "hello"}, {"body": "{broken"}]

    found = read_body(json.dumps({"Records": records}), clean=clean)

    assert [type(one) for one in found] == [Raised, Ignored, Unreadable]


def test_a_body_of_more_parts_than_anybody_sends_is_read_as_far_as_that() -> None:
    found = read_body(json.dumps(["hello"] * 600), clean=clean)

    assert len(found) == 501
    assert isinstance(found[-1], Unreadable)
