"""The alarms that stand in CloudWatch now, each told as SNS would have told its change."""

from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from functools import cached_property, partial
from typing import TYPE_CHECKING, Any

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError

from bus.errors import NotConfigured
from services.ingest.adapters.sqs import in_thread, region_of
from services.ingest.settings import Settings
from services.ingest.standing import Wanted, changed_at, children_of

if TYPE_CHECKING:
    from mypy_boto3_cloudwatch import CloudWatchClient
    from mypy_boto3_cloudwatch.literals import AlarmTypeType

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
        self._wanted = Wanted(
            settings.catching_up_for, timedelta(seconds=settings.catch_up_seconds)
        )
        try:
            self._session = boto3.session.Session()
            self._region = region_of(settings, self._session)
        except BotoCoreError as error:
            raise NotConfigured(f"AWS settings: {error}") from error

    async def pages(self) -> AsyncIterator[Sequence[Mapping[str, object]]]:
        """Their state changes, a page at a time.

        Left out are those that tell nobody or only others, old ones, and what one of the composite
        alarms tells of already.
        """
        now = datetime.now(UTC)
        wanted = [found async for found in self._found("CompositeAlarm", now=now)]
        children = children_of(alarm for page in wanted for alarm in page)
        for page in wanted:
            yield [_as_told(alarm) for alarm in page if alarm.get("AlarmName") not in children]
        async for page in self._found("MetricAlarm", now=now):
            yield [_as_told(alarm) for alarm in page if alarm.get("AlarmName") not in children]

    async def _found(
        self, kind: "AlarmTypeType", *, now: datetime
    ) -> AsyncIterator[Sequence[Mapping[str, Any]]]:
        answers = await in_thread(partial(self._answers, kind), asks="CloudWatch")
        while (
            answer := await in_thread(partial(next, answers, None), asks="CloudWatch")
        ) is not None:
            alarms = answer.get(f"{kind}s", ())
            yield [alarm for alarm in alarms if self._wanted.takes(alarm, now=now)]

    @cached_property
    def _client(self) -> "CloudWatchClient":
        return self._session.client(
            "cloudwatch",
            region_name=self._region,
            config=Config(connect_timeout=5, read_timeout=15, retries={"total_max_attempts": 2}),
        )

    def _answers(self, kind: "AlarmTypeType") -> Iterator[Mapping[str, Any]]:
        ask, kinds = self._client.get_paginator("describe_alarms").paginate, [kind]
        if self._prefix:
            return iter(ask(AlarmTypes=kinds, StateValue="ALARM", AlarmNamePrefix=self._prefix))
        return iter(ask(AlarmTypes=kinds, StateValue="ALARM"))


def _as_told(alarm: Mapping[str, Any]) -> Mapping[str, object]:
    changed = changed_at(alarm)
    return {
        "AlarmName": alarm.get("AlarmName"),
        "AlarmDescription": alarm.get("AlarmDescription"),
        "NewStateValue": alarm.get("StateValue"),
        "NewStateReason": alarm.get("StateReason"),
        "StateChangeTime": changed.isoformat() if changed else "",
        "AlarmArn": alarm.get("AlarmArn"),
        "AlarmRule": alarm.get("AlarmRule"),
        "ActionsSuppressedBy": alarm.get("ActionsSuppressedBy"),
        "Trigger": {name: alarm[name] for name in _TRIGGER if name in alarm},
    }
