"""The alarm that moto never sends, and the rest of AWS, through the real boto3."""

import json
import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import NamedTuple

import boto3
import pytest
from botocore.exceptions import ClientError

from simulator.aws import AwsStandIn
from simulator.aws.history import AlarmHistory
from simulator.aws.wire import Asked
from simulator.request_log import RequestLog
from simulator.scenario import ScenarioError
from tests.simulator.small_scenario import CART_POD, small_scenario

MOMENT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}\+0000")


class Account(NamedTuple):
    """A running stand-in, its log, and a session that its variables describe."""

    stand_in: AwsStandIn
    log: RequestLog
    session: boto3.Session
    url: str

    def bodies(self) -> list[dict[str, object]]:
        """What lies in the queue, taken out of it."""
        queue = self.session.client("sqs", endpoint_url=self.url)
        received = queue.receive_message(
            QueueUrl=self.stand_in.queue_url, MaxNumberOfMessages=10, WaitTimeSeconds=1
        )
        found = []
        for message in received.get("Messages", []):
            queue.delete_message(
                QueueUrl=self.stand_in.queue_url, ReceiptHandle=message["ReceiptHandle"]
            )
            found.append(json.loads(message["Body"]))
        queue.close()
        return found


@pytest.fixture
def account(tmp_path: Path) -> Iterator[Account]:
    log = RequestLog(tmp_path / "requests.jsonl")
    stand_in = AwsStandIn(small_scenario(), log)
    url = stand_in.start()
    variables = stand_in.environment()
    assert variables["AWS_ENDPOINT_URL"] == url
    session = boto3.Session(
        aws_access_key_id=variables["AWS_ACCESS_KEY_ID"],
        aws_secret_access_key=variables["AWS_SECRET_ACCESS_KEY"],
        region_name=variables["AWS_REGION"],
    )
    yield Account(stand_in, log, session, url)
    stand_in.stop()


def test_fired_alarm_arrives_in_the_queue_as_cloudwatch_words_it(account: Account) -> None:
    notice = account.stand_in.fire_alarm()
    [envelope] = account.bodies()
    assert envelope["Type"] == "Notification"
    assert envelope["MessageId"] == notice
    assert envelope["Subject"] == 'ALARM: "cartservice-errors" in EU (London)'
    alarm = json.loads(str(envelope["Message"]))
    assert list(alarm)[:4] == [
        "AlarmName",
        "AlarmDescription",
        "AWSAccountId",
        "AlarmConfigurationUpdatedTimestamp",
    ]
    assert (alarm["OldStateValue"], alarm["NewStateValue"]) == ("OK", "ALARM")
    assert MOMENT.fullmatch(alarm["StateChangeTime"])
    assert alarm["AlarmArn"] == (
        "arn:aws:cloudwatch:eu-west-2:123456789012:alarm:cartservice-errors"
    )
    assert alarm["OKActions"] == alarm["AlarmActions"] == [envelope["TopicArn"]]
    assert alarm["Trigger"]["MetricName"] == "cartserviceErrorCount"
    assert alarm["Trigger"]["Dimensions"] == [{"value": "cartservice", "name": "Service"}]


def test_alarm_by_eventbridge_has_exactly_the_fields_of_the_real_event(account: Account) -> None:
    notice = account.stand_in.fire_alarm("eventbridge")
    [event] = account.bodies()
    assert list(event) == [
        "version",
        "id",
        "detail-type",
        "source",
        "account",
        "time",
        "region",
        "resources",
        "detail",
    ]
    assert event["id"] == notice
    assert event["detail-type"] == "CloudWatch Alarm State Change"
    assert (event["source"], event["account"]) == ("aws.cloudwatch", "123456789012")
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", str(event["time"]))
    assert event["resources"] == [
        "arn:aws:cloudwatch:eu-west-2:123456789012:alarm:cartservice-errors"
    ]
    detail = event["detail"]
    assert isinstance(detail, dict)
    assert (detail["previousState"]["value"], detail["state"]["value"]) == ("OK", "ALARM")
    assert detail["configuration"]["metrics"][0]["metricStat"]["metric"]["dimensions"] == {
        "Service": "cartservice"
    }


def test_recovery_is_told_and_cloudwatch_shows_every_state(account: Account) -> None:
    cloudwatch = account.session.client("cloudwatch", endpoint_url=account.url)

    def state() -> str:
        [alarm] = cloudwatch.describe_alarms(AlarmNames=["cartservice-errors"])["MetricAlarms"]
        return alarm["StateValue"]

    states = [state()]
    account.stand_in.fire_alarm()
    states.append(state())
    account.stand_in.recover_alarm()
    states.append(state())
    cloudwatch.close()
    assert states == ["OK", "ALARM", "OK"]
    told = [json.loads(str(envelope["Message"])) for envelope in account.bodies()]
    assert [alarm["NewStateValue"] for alarm in told] == ["ALARM", "OK"]
    assert told[1]["OldStateValue"] == "ALARM"


def test_history_of_the_alarm_is_told_in_pages_and_by_kind(account: Account) -> None:
    account.stand_in.fire_alarm()
    cloudwatch = account.session.client("cloudwatch", endpoint_url=account.url)
    name, now = "cartservice-errors", datetime.now(UTC)
    first = cloudwatch.describe_alarm_history(AlarmName=name, MaxRecords=3)
    rest = cloudwatch.describe_alarm_history(AlarmName=name, NextToken=first["NextToken"])
    oldest = cloudwatch.describe_alarm_history(AlarmName=name, ScanBy="TimestampAscending")
    states = cloudwatch.describe_alarm_history(HistoryItemType="StateUpdate")
    later = cloudwatch.describe_alarm_history(StartDate=now + timedelta(minutes=1))
    items = [*first["AlarmHistoryItems"], *rest["AlarmHistoryItems"]]
    kinds = ["Action", "StateUpdate", "StateUpdate", "ConfigurationUpdate"]
    assert [item["HistoryItemType"] for item in items] == kinds
    assert items == oldest["AlarmHistoryItems"][::-1]
    assert items[1]["HistorySummary"] == "Alarm updated from OK to ALARM"
    told = json.loads(items[1]["HistoryData"])
    assert (told["oldState"]["stateValue"], told["newState"]["stateValue"]) == ("OK", "ALARM")
    assert len(states["AlarmHistoryItems"]) == 2
    assert later["AlarmHistoryItems"] == []
    assert abs(items[0]["Timestamp"] - now) < timedelta(seconds=30)
    with pytest.raises(ClientError, match="NextToken"):
        cloudwatch.describe_alarm_history(NextToken="nonsense")
    cloudwatch.close()


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ({"MaxRecords": 101}, "MaxRecords is 1 to 100"),
        ({"HistoryItemType": "Everything"}, "'HistoryItemType' failed to satisfy constraint"),
        ({"AlarmTypes": ["Alarm"]}, "'AlarmTypes' failed to satisfy constraint"),
        ({"AlarmName": "x" * 256}, "1 to 255 characters"),
        ({"StartDate": "yesterday"}, "'StartDate' is no timestamp"),
        ({"Alarm": "x"}, "Unknown parameter in input: Alarm"),
    ],
)
def test_history_asked_for_beyond_what_aws_takes_is_refused(
    asked: dict[str, object], said: str
) -> None:
    environ = {"CONTENT_TYPE": "application/x-amz-json-1.0"}
    request = Asked(environ, json.dumps(asked).encode(), "SOMEBODY", "monitoring")
    answer = AlarmHistory().answer(request)
    assert answer.code == 400
    assert said in str(answer.fields()["message"])


def test_foreign_bodies_reach_the_queue_raw_or_wrapped(account: Account) -> None:
    account.stand_in.publish_alarm_body('{"raw": true}')
    account.stand_in.publish_alarm_body('{"AlarmName": "theirs"}', to_topic=True)
    raw, wrapped = sorted(account.bodies(), key=len)
    assert raw == {"raw": True}
    assert wrapped["Message"] == '{"AlarmName": "theirs"}'
    assert "Subject" not in wrapped


def test_logs_and_metrics_of_the_scenario_can_be_read(account: Account) -> None:
    logs = account.session.client("logs", endpoint_url=account.url)
    found = logs.filter_log_events(
        logGroupName="/boutique/cartservice", filterPattern="ApplicationException"
    )["events"]
    logs.close()
    assert [event["message"] for event in found] == ["System.ApplicationException: no loafers"]
    assert found[0]["logStreamName"] == CART_POD
    cloudwatch = account.session.client("cloudwatch", endpoint_url=account.url)
    now = datetime.now(UTC)
    points = cloudwatch.get_metric_statistics(
        Namespace="Microservices/Errors",
        MetricName="cartserviceErrorCount",
        Dimensions=[{"Name": "Service", "Value": "cartservice"}],
        StartTime=now - timedelta(minutes=10),
        EndTime=now + timedelta(minutes=1),
        Period=60,
        Statistics=["Sum"],
    )["Datapoints"]
    cloudwatch.close()
    assert sorted(point["Sum"] for point in points) == [0.0, 0.0, 1.0]


def test_request_signed_with_another_key_is_refused(account: Account) -> None:
    stranger = boto3.Session(
        aws_access_key_id="SOMEBODY", aws_secret_access_key="x" * 8, region_name="eu-west-2"
    )
    sqs = stranger.client("sqs", endpoint_url=account.url)
    sns = stranger.client("sns", endpoint_url=account.url)
    with pytest.raises(ClientError, match="UnrecognizedClientException"):
        sqs.list_queues()
    with pytest.raises(ClientError, match="InvalidClientTokenId"):
        sns.list_topics()
    sqs.close()
    sns.close()
    asked = [(line["action"], line["status"]) for line in account.log.read("aws")]
    assert ("ListQueues", 403) in asked
    assert ("PutMetricAlarm", 200) in asked
    assert ("CreateTopic", 200) in asked


def test_unknown_form_and_unknown_log_are_refused(account: Account, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="sns, eventbridge"):
        account.stand_in.fire_alarm("pigeon")
    scenario = small_scenario()
    missing = scenario.cloudwatch.model_copy(update={"log_groups": {"/a": "nowhere"}})
    broken = scenario.model_copy(update={"cloudwatch": missing})
    with pytest.raises(ScenarioError, match="nowhere"):
        AwsStandIn(broken, RequestLog(tmp_path / "other.jsonl"))


def test_listener_is_loopback_only_and_gone_after_stop(tmp_path: Path) -> None:
    stand_in = AwsStandIn(small_scenario(), RequestLog(tmp_path / "requests.jsonl"))
    assert stand_in.start().startswith("http://127.0.0.1:")
    stand_in.stop()
    stand_in.stop()
    with pytest.raises(RuntimeError, match="not been started"):
        stand_in.fire_alarm()
