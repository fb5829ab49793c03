"""What AWS publishes of the calls that ingest and the tools make: each rule, and just beyond.

Every rule names the page that says so. `within` and `beyond` are added to a good call.
"""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

SQS = "https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_"
QUOTAS = (
    "https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/"
    "quotas-messages.html"
)
LOGS = (
    "https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_FilterLogEvents.html"
)
CLOUDWATCH = "https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_"
START, END = datetime(2026, 1, 1, tzinfo=UTC), datetime(2026, 1, 2, tzinfo=UTC)
ALARM, GROUP = "cartservice-errors", "/boutique/cartservice"
Arguments = dict[str, Any]


@dataclass(frozen=True)
class AwsRule:
    """One published rule; `call` is the client and its method."""

    rule: str
    source: str
    call: tuple[str, str]
    within: Arguments
    beyond: Arguments


def _receive(rule: str, within: Arguments, *, beyond: Arguments) -> AwsRule:
    return AwsRule(rule, f"{SQS}ReceiveMessage.html", ("sqs", "receive_message"), within, beyond)


def _events(rule: str, within: Arguments, *, beyond: Arguments) -> AwsRule:
    return AwsRule(rule, LOGS, ("logs", "filter_log_events"), within, beyond)


def _alarms(rule: str, within: Arguments, *, beyond: Arguments) -> AwsRule:
    source = f"{CLOUDWATCH}DescribeAlarms.html"
    return AwsRule(rule, source, ("cloudwatch", "describe_alarms"), within, beyond)


def _history(rule: str, within: Arguments, *, beyond: Arguments) -> AwsRule:
    source = f"{CLOUDWATCH}DescribeAlarmHistory.html"
    return AwsRule(rule, source, ("cloudwatch", "describe_alarm_history"), within, beyond)


def _data(rule: str, within: Arguments, *, beyond: Arguments) -> AwsRule:
    source = f"{CLOUDWATCH}GetMetricData.html"
    return AwsRule(rule, source, ("cloudwatch", "get_metric_data"), within, beyond)


def _queries(*ids: str, period: int = 60) -> Arguments:
    metric = {"Namespace": "Microservices/Errors", "MetricName": "cartserviceErrorCount"}
    stat = {"Metric": metric, "Period": period, "Stat": "Sum"}
    return {"MetricDataQueries": [{"Id": name, "MetricStat": stat} for name in ids]}


def _many(count: int) -> Arguments:
    return _queries(*(f"q{number}" for number in range(count)))


def _receipts(*ids: str) -> Arguments:
    return {"Entries": [{"Id": name, "ReceiptHandle": f"gone-{name}"} for name in ids]}


def _batch(rule: str, within: Arguments, *, beyond: Arguments) -> AwsRule:
    source = f"{SQS}DeleteMessageBatch.html"
    return AwsRule(rule, source, ("sqs", "delete_message_batch"), within, beyond)


RULES = [
    _receive("10 messages", {"MaxNumberOfMessages": 10}, beyond={"MaxNumberOfMessages": 11}),
    _receive("1 message", {"MaxNumberOfMessages": 1}, beyond={"MaxNumberOfMessages": 0}),
    _receive("20 seconds", {"WaitTimeSeconds": 0}, beyond={"WaitTimeSeconds": 21}),
    _receive("12 hours", {"VisibilityTimeout": 43_200}, beyond={"VisibilityTimeout": 43_201}),
    AwsRule(
        "256 KiB",
        QUOTAS,
        ("sqs", "send_message"),
        {"MessageBody": "x" * 262_144},
        {"MessageBody": "x" * 262_145},
    ),
    AwsRule(
        "a message with a body",
        f"{SQS}SendMessage.html",
        ("sqs", "send_message"),
        {"MessageBody": "x"},
        {"MessageBody": ""},
    ),
    _batch("ten deletions", _receipts(*"abcdefghij"), beyond=_receipts(*"abcdefghijk")),
    _batch("one deletion", _receipts("a"), beyond=_receipts()),
    _batch("ids differ", _receipts("a", "b"), beyond=_receipts("a", "a")),
    _batch("80 letters of an id", _receipts("a" * 80), beyond=_receipts("a" * 81)),
    _events("10,000 events", {"limit": 10_000}, beyond={"limit": 10_001}),
    _events("an event", {"limit": 1}, beyond={"limit": 0}),
    _events(
        "1024 characters of a pattern",
        {"filterPattern": "x" * 1024},
        beyond={"filterPattern": "x" * 1025},
    ),
    _events("a group's letters", {}, beyond={"logGroupName": "/boutique/cart service"}),
    _events("512 letters of a group", {}, beyond={"logGroupName": "x" * 513}),
    _events("a group that is there", {}, beyond={"logGroupName": "/nobody"}),
    _alarms("100 names", {"AlarmNames": [ALARM] * 100}, beyond={"AlarmNames": [ALARM] * 101}),
    _alarms(
        "255 letters of a name", {"AlarmNames": ["x" * 255]}, beyond={"AlarmNames": ["x" * 256]}
    ),
    _alarms("100 records", {"MaxRecords": 100}, beyond={"MaxRecords": 101}),
    _alarms("a record", {"MaxRecords": 1}, beyond={"MaxRecords": 0}),
    _history("100 items", {"MaxRecords": 100}, beyond={"MaxRecords": 101}),
    _history("an item", {"MaxRecords": 1}, beyond={"MaxRecords": 0}),
    _history(
        "a kind of item", {"HistoryItemType": "Action"}, beyond={"HistoryItemType": "Everything"}
    ),
    _history("an alarm's name", {"AlarmName": "x" * 255}, beyond={"AlarmName": "x" * 256}),
    _history("an order", {"ScanBy": "TimestampAscending"}, beyond={"ScanBy": "Random"}),
    _data("500 queries", _many(500), beyond=_many(501)),
    _data("ids of queries differ", _queries("a", "b"), beyond=_queries("a", "a")),
    _data("an id begins with a small letter", _queries("a1"), beyond=_queries("A1")),
    _data("whole minutes", _queries("a", period=120), beyond=_queries("a", period=90)),
    _data("an end after the start", {}, beyond={"EndTime": START}),
]
