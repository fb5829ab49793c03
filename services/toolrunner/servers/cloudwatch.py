"""The cloudwatch server: an alarm, a log group's events, a metric's points, read only."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from functools import cached_property
from typing import TYPE_CHECKING, Annotated, TypeVar

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError
from pydantic import Field

from services.toolrunner.servers.not_read import NotRead
from services.toolrunner.servers.rows import moment, one_line, row
from services.toolrunner.servers.settings import ServersSettings

if TYPE_CHECKING:
    from mypy_boto3_cloudwatch import CloudWatchClient
    from mypy_boto3_cloudwatch.type_defs import (
        CompositeAlarmTypeDef,
        MetricAlarmTypeDef,
        MetricDataQueryTypeDef,
        MetricOutputTypeDef,
        MetricTypeDef,
    )
    from mypy_boto3_logs import CloudWatchLogsClient

T = TypeVar("T")
MAX_EVENTS = 2_000
MAX_SERIES = 20
BAD_CREDENTIALS = {
    "ExpiredToken",
    "ExpiredTokenException",
    "InvalidClientTokenId",
    "UnrecognizedClientException",
    "SignatureDoesNotMatch",
    "InvalidSignatureException",
    "IncompleteSignature",
    "MissingAuthenticationToken",
    "InvalidAccessKeyId",
}
STATISTICS = ("Average", "Sum", "Maximum")
Minutes = Annotated[int, Field(ge=1, le=1440)]
Name = Annotated[str, Field(min_length=1, max_length=512)]


class CloudWatch:
    """The tools of the cloudwatch server; each blocks, and raises NotRead with one sentence."""

    def __init__(self, settings: ServersSettings) -> None:
        self._settings = settings

    def describe_alarm(self, name: Name) -> str:
        """An alarm's state, reason, metric and threshold."""
        rows = _ask(f"cloudwatch:DescribeAlarms on alarm {name}", lambda: list(self._alarms(name)))
        if not rows:
            raise NotRead(f"there is no alarm {name!r} in this account and region")
        return "\n".join(rows)

    def search_logs(
        self,
        log_group: Name,
        pattern: Annotated[str, Field(max_length=1024)],
        *,
        minutes: Minutes = 30,
    ) -> str:
        """Log events of the last minutes that match a CloudWatch filter pattern, oldest first."""
        since = datetime.now(UTC) - timedelta(minutes=minutes)
        return _ask(
            f"logs:FilterLogEvents on log group {log_group}",
            lambda: "\n".join(self._events(log_group, pattern, since=since)),
        )

    def get_metric_points(self, namespace: Name, metric: Name, *, minutes: Minutes = 60) -> str:
        """A metric's average, sum and maximum over the last minutes, for each set of dimensions."""
        permission = f"cloudwatch:ListMetrics and cloudwatch:GetMetricData on {namespace} {metric}"
        return _ask(permission, lambda: "\n".join(self._points(namespace, metric, minutes=minutes)))

    def close(self) -> None:
        """Close the connections to AWS, if there are any."""
        for name in ("_cloudwatch", "_logs"):
            if client := self.__dict__.get(name):
                client.close()

    def _alarms(self, name: str) -> Iterator[str]:
        found = self._cloudwatch.describe_alarms(
            AlarmNames=[name], AlarmTypes=["MetricAlarm", "CompositeAlarm"]
        )
        for alarm in found["MetricAlarms"]:
            yield from _metric_alarm_rows(alarm)
        yield from map(_composite_alarm_row, found.get("CompositeAlarms", []))

    def _events(self, log_group: str, pattern: str, *, since: datetime) -> Iterator[str]:
        pages = self._logs.get_paginator("filter_log_events").paginate(
            logGroupName=log_group,
            filterPattern=pattern,
            startTime=round(since.timestamp() * 1000),
        )
        count = 0
        for page in pages:
            count += len(page["events"])
            if count > MAX_EVENTS:
                raise NotRead(f"more than {MAX_EVENTS} events match; narrow the pattern or minutes")
            for event in page["events"]:
                at = datetime.fromtimestamp(event["timestamp"] / 1000, UTC)
                yield f"{moment(at, milliseconds=True)} {event['message'].rstrip()}"

    def _points(self, namespace: str, metric: str, *, minutes: int) -> Iterator[str]:
        listed = self._cloudwatch.list_metrics(Namespace=namespace, MetricName=metric)["Metrics"]
        found = {_dimensions(series): series for series in listed}
        if not found:
            raise NotRead(f"there is no metric {metric!r} in namespace {namespace!r}")
        if len(found) > MAX_SERIES:
            raise NotRead(f"{metric} has {len(found)} sets of dimensions, more than {MAX_SERIES}")
        end = datetime.now(UTC)
        for dimensions, series in sorted(found.items()):
            answer = self._cloudwatch.get_metric_data(
                MetricDataQueries=[_query(series, name, minutes=minutes) for name in STATISTICS],
                StartTime=end - timedelta(minutes=minutes),
                EndTime=end,
                ScanBy="TimestampAscending",
            )
            points: dict[datetime, list[str]] = {}
            for result in answer["MetricDataResults"]:
                for at, value in zip(result["Timestamps"], result["Values"], strict=False):
                    points.setdefault(at, []).append(f"{result['Id']}={value:g}")
            for at in sorted(points):
                yield row(f"{namespace} {metric}", dimensions, moment(at), *points[at])

    @cached_property
    def _session(self) -> boto3.session.Session:
        # boto3 itself reads AWS_DEFAULT_REGION only.
        return boto3.session.Session(region_name=self._settings.aws_region or None)

    @cached_property
    def _cloudwatch(self) -> "CloudWatchClient":
        return self._session.client(
            "cloudwatch", config=_client_config(self._settings.answer_seconds)
        )

    @cached_property
    def _logs(self) -> "CloudWatchLogsClient":
        return self._session.client("logs", config=_client_config(self._settings.answer_seconds))


def _client_config(seconds: int) -> Config:
    return Config(
        connect_timeout=3,
        read_timeout=seconds,
        max_pool_connections=40,
        retries={"total_max_attempts": 2, "mode": "standard"},
    )


def _query(series: "MetricOutputTypeDef", stat: str, *, minutes: int) -> "MetricDataQueryTypeDef":
    metric: MetricTypeDef = {
        "Namespace": series.get("Namespace", ""),
        "MetricName": series.get("MetricName", ""),
        "Dimensions": series.get("Dimensions", []),
    }
    period = 60 if minutes <= 180 else 300
    return {
        "Id": stat.lower(),
        "MetricStat": {"Metric": metric, "Period": period, "Stat": stat},
    }


def _dimensions(series: "MetricOutputTypeDef | MetricAlarmTypeDef") -> str:
    named = (f"{part['Name']}={part['Value']}" for part in series.get("Dimensions", []))
    return f"[{','.join(sorted(named))}]"


def _metric_alarm_rows(alarm: "MetricAlarmTypeDef") -> Iterator[str]:
    name = alarm.get("AlarmName", "")
    since = alarm.get("StateUpdatedTimestamp")
    yield row(
        f"alarm {name}",
        state=alarm.get("StateValue"),
        since=moment(since) if since else None,
        message=alarm.get("StateReason", ""),
    )
    yield row(
        f"alarm {name}",
        metric=f"{alarm.get('Namespace', '')}/{alarm.get('MetricName', '')}",
        dimensions=_dimensions(alarm),
        statistic=alarm.get("Statistic") or alarm.get("ExtendedStatistic"),
        comparison=alarm.get("ComparisonOperator"),
        threshold=alarm.get("Threshold"),
        period_seconds=alarm.get("Period"),
        periods=alarm.get("EvaluationPeriods"),
        missing_data=alarm.get("TreatMissingData"),
    )
    if description := alarm.get("AlarmDescription"):
        yield f"alarm {name} description={one_line(description)}"


def _composite_alarm_row(alarm: "CompositeAlarmTypeDef") -> str:
    since = alarm.get("StateUpdatedTimestamp")
    return row(
        f"alarm {alarm.get('AlarmName', '')}",
        state=alarm.get("StateValue"),
        since=moment(since) if since else None,
        rule=alarm.get("AlarmRule"),
        message=alarm.get("StateReason", ""),
    )


def _ask(permission: str, read: Callable[[], T]) -> T:
    try:
        return read()
    except ClientError as error:
        raise NotRead(_sentence(permission, error)) from None
    except (BotoCoreError, OSError) as error:
        raise NotRead(f"AWS is not reachable; nothing was read: {str(error)[:300]}") from None
    except KeyError as error:
        # botocore takes a JSON body that ends too early for an answer without fields.
        raise NotRead(f"the answer of AWS is cut: it has no {error}; ask again") from None


def _sentence(permission: str, error: ClientError) -> str:
    said = error.response.get("Error", {})
    code, message = said.get("Code", ""), said.get("Message", "")[:300]
    status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode")
    if code in BAD_CREDENTIALS:
        return f"AWS refused the credentials ({code}: {message}); nothing was read"
    if "AccessDenied" in code or "NotAuthorized" in code or status == 403:
        return f"missing permission: {permission} (AWS said {code})"
    if "Throttl" in code or code in ("TooManyRequestsException", "RequestLimitExceeded"):
        return (
            f"AWS allows no more requests for now ({code}: {message}); nothing was read; "
            "it does not say for how long"
        )
    return f"AWS answered {code}: {message}"
