"""The alarms that stand in CloudWatch now, each told as SNS would have told its change."""

from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from datetime import datetime
from functools import cached_property, partial
from typing import TYPE_CHECKING, Any

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError

from bus.errors import NotConfigured
from services.ingest.adapters.sqs import in_thread, region_of
from services.ingest.settings import Settings

if TYPE_CHECKING:
    from mypy_boto3_cloudwatch import CloudWatchClient
    from mypy_boto3_cloudwatch.literals import AlarmTypeType

_TYPES: Sequence["AlarmTypeType"] = ("MetricAlarm", "CompositeAlarm")
_FOR_MACHINES = (":autoscaling:", ":automate:", ":swf:", ":ssm:")
_TRIGGER = (
    "MetricName",
    "Namespace",
    "Statistic",
    "ExtendedStatistic",
    "Dimensions",
    "Metrics",
    "Threshold",
    "ComparisonOperator",
)


class CloudWatchAlarms:
    """Asks DescribeAlarms, in the queue's region and account."""

    def __init__(self, settings: Settings) -> None:
        self._prefix = settings.alarm_prefix
        try:
            self._session = boto3.session.Session()
            self._region = region_of(settings, self._session)
        except BotoCoreError as error:
            raise NotConfigured(f"AWS settings: {error}") from error

    async def pages(self) -> AsyncIterator[Sequence[Mapping[str, object]]]:
        """Their state changes, a page at a time; those that tell nobody are left out."""
        answers = await in_thread(self._answers, asks="CloudWatch")
        while (
            answer := await in_thread(partial(next, answers, None), asks="CloudWatch")
        ) is not None:
            found = [*answer.get("MetricAlarms", ()), *answer.get("CompositeAlarms", ())]
            yield [_as_told(alarm) for alarm in found if _tells_people(alarm)]

    @cached_property
    def _client(self) -> "CloudWatchClient":
        return self._session.client(
            "cloudwatch",
            region_name=self._region,
            config=Config(connect_timeout=5, read_timeout=15, retries={"total_max_attempts": 2}),
        )

    def _answers(self) -> Iterator[Mapping[str, Any]]:
        ask = self._client.get_paginator("describe_alarms").paginate
        if self._prefix:
            return iter(ask(AlarmTypes=_TYPES, StateValue="ALARM", AlarmNamePrefix=self._prefix))
        return iter(ask(AlarmTypes=_TYPES, StateValue="ALARM"))


def _tells_people(alarm: Mapping[str, Any]) -> bool:
    """Not where actions are off, nor where all of them only steer machines, as scaling does."""
    actions = alarm.get("AlarmActions", [])
    steers = all(any(kind in action for kind in _FOR_MACHINES) for action in actions)
    return bool(alarm.get("ActionsEnabled", True)) and not (actions and steers)


def _as_told(alarm: Mapping[str, Any]) -> Mapping[str, object]:
    changed = alarm.get("StateTransitionedTimestamp") or alarm.get("StateUpdatedTimestamp")
    return {
        "AlarmName": alarm.get("AlarmName"),
        "AlarmDescription": alarm.get("AlarmDescription"),
        "NewStateValue": alarm.get("StateValue"),
        "NewStateReason": alarm.get("StateReason"),
        "StateChangeTime": changed.isoformat() if isinstance(changed, datetime) else "",
        "AlarmArn": alarm.get("AlarmArn"),
        "AlarmRule": alarm.get("AlarmRule"),
        "ActionsSuppressedBy": alarm.get("ActionsSuppressedBy"),
        "Trigger": {name: alarm[name] for name in _TRIGGER if name in alarm},
    }
