"""What CloudWatch says when an alarm changes state: the SNS message and the EventBridge event."""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Literal

from simulator.scenario import AlarmSetup

Json = dict[str, object]
State = Literal["ALARM", "OK", "INSUFFICIENT_DATA"]

_REGION_NAMES = {
    "us-east-1": "US East (N. Virginia)",
    "us-east-2": "US East (Ohio)",
    "us-west-1": "US West (N. California)",
    "us-west-2": "US West (Oregon)",
    "eu-west-1": "EU (Ireland)",
    "eu-west-2": "EU (London)",
    "eu-west-3": "EU (Paris)",
    "eu-central-1": "EU (Frankfurt)",
    "eu-north-1": "EU (Stockholm)",
    "ap-southeast-1": "Asia Pacific (Singapore)",
    "ap-southeast-2": "Asia Pacific (Sydney)",
    "ap-northeast-1": "Asia Pacific (Tokyo)",
    "ap-south-1": "Asia Pacific (Mumbai)",
    "ca-central-1": "Canada (Central)",
    "sa-east-1": "South America (Sao Paulo)",
}


@dataclass(frozen=True)
class StateChange:
    """One change of the alarm's state, `before` and `after` with their reasons and moments."""

    before: State
    before_reason: str
    before_at: datetime
    after: State
    after_reason: str
    after_at: datetime


def alarm_arn(alarm: AlarmSetup) -> str:
    """The alarm's ARN."""
    return f"arn:aws:cloudwatch:{alarm.region}:{alarm.account}:alarm:{alarm.name}"


def subject(alarm: AlarmSetup, change: StateChange) -> str:
    """The subject of the SNS notification, within the hundred letters that SNS allows."""
    return f'{change.after}: "{alarm.name}" in {_region_name(alarm)}'[:100]


def sns_message(
    alarm: AlarmSetup, change: StateChange, *, topic_arn: str, dimensions: dict[str, str]
) -> Json:
    """The message that CloudWatch publishes to the alarm's topic."""
    return {
        "AlarmName": alarm.name,
        "AlarmDescription": alarm.description,
        "AWSAccountId": alarm.account,
        "AlarmConfigurationUpdatedTimestamp": milliseconds(change.before_at),
        "NewStateValue": change.after,
        "NewStateReason": change.after_reason,
        "StateChangeTime": milliseconds(change.after_at),
        "Region": _region_name(alarm),
        "AlarmArn": alarm_arn(alarm),
        "OldStateValue": change.before,
        "OKActions": [topic_arn],
        "AlarmActions": [topic_arn],
        "InsufficientDataActions": [],
        "Trigger": {
            "MetricName": alarm.metric,
            "Namespace": alarm.namespace,
            "StatisticType": "Statistic",
            "Statistic": "SUM",
            "Unit": None,
            "Dimensions": [
                {"value": value, "name": name} for name, value in sorted(dimensions.items())
            ],
            "Period": alarm.period_seconds,
            "EvaluationPeriods": 1,
            "DatapointsToAlarm": 1,
            "ComparisonOperator": "GreaterThanThreshold",
            "Threshold": alarm.threshold,
            "TreatMissingData": "notBreaching",
            "EvaluateLowSampleCountPercentile": "",
        },
    }


def event_detail(alarm: AlarmSetup, change: StateChange, *, dimensions: dict[str, str]) -> Json:
    """The `detail` of EventBridge's CloudWatch Alarm State Change."""
    metric: Json = {"namespace": alarm.namespace, "name": alarm.metric, "dimensions": dimensions}
    stat: Json = {"metric": metric, "period": alarm.period_seconds, "stat": "Sum"}
    return {
        "alarmName": alarm.name,
        "state": {
            "value": change.after,
            "reason": change.after_reason,
            "timestamp": milliseconds(change.after_at),
        },
        "previousState": {
            "value": change.before,
            "reason": change.before_reason,
            "timestamp": milliseconds(change.before_at),
        },
        "configuration": {
            "description": alarm.description,
            "metrics": [{"id": "m1", "metricStat": stat, "returnData": True}],
        },
    }


def milliseconds(moment: datetime) -> str:
    """The moment as CloudWatch writes it: 2017-01-12T16:30:42.236+0000."""
    utc = moment.astimezone(UTC)
    return utc.strftime("%Y-%m-%dT%H:%M:%S.") + f"{utc.microsecond // 1000:03d}+0000"


def _region_name(alarm: AlarmSetup) -> str:
    return _REGION_NAMES.get(alarm.region, alarm.region)
