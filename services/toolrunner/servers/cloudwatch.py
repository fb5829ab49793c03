"""The cloudwatch server: an alarm and its history, a log group's events, a metric's points.

It only reads. Every answer is bounded, and says so where it holds less than was asked for.
"""

import contextlib
import json
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta
from itertools import islice
from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import Field

from services.toolrunner.remarks import Remark, written
from services.toolrunner.servers.aws_api import AwsApi, asked
from services.toolrunner.servers.not_read import NotRead
from services.toolrunner.servers.rows import fields_of, moment, one_line, row, text
from services.toolrunner.servers.settings import ServersSettings
from services.toolrunner.servers.times import moment_of

if TYPE_CHECKING:
    from mypy_boto3_cloudwatch.type_defs import (
        AlarmHistoryItemTypeDef,
        CompositeAlarmTypeDef,
        MetricAlarmTypeDef,
        MetricDataQueryTypeDef,
        MetricOutputTypeDef,
        MetricTypeDef,
    )

MAX_PAGES = 20
MAX_SERIES = 20
MAX_POINTS = 60
STATISTICS = ("Average", "Sum", "Maximum")
Statistic = Literal[
    "all", "Average", "Sum", "Minimum", "Maximum", "SampleCount", "p50", "p90", "p95", "p99"
]
Minutes = Annotated[int, Field(ge=1, le=1440)]
Name = Annotated[str, Field(min_length=1, max_length=512)]
AlarmName = Annotated[str, Field(min_length=1, max_length=255)]
Moment = Annotated[str, Field(max_length=40)]


class CloudWatch:
    """The tools of the cloudwatch server; each blocks, and raises NotRead with one sentence."""

    def __init__(self, settings: ServersSettings) -> None:
        self._settings = settings
        self._aws = AwsApi(settings)

    def describe_alarm(self, name: AlarmName) -> str:
        """An alarm's state, reason, metric, threshold."""
        rows = asked(f"cloudwatch:DescribeAlarms on alarm {name}", lambda: list(self._alarms(name)))
        if not rows:
            raise NotRead(f"there is no alarm {name!r} in this account and region")
        return "\n".join(rows)

    def get_alarm_history(
        self,
        name: AlarmName,
        *,
        hours: Annotated[int, Field(ge=1, le=720)] = 24,
        limit: Annotated[int, Field(ge=1, le=100)] = 20,
    ) -> str:
        """An alarm's changes and actions, newest first."""
        permission = f"cloudwatch:DescribeAlarmHistory on alarm {name}"
        rows = asked(permission, lambda: self._history(name, hours=hours, limit=limit))
        nothing = f"no history of alarm {name!r} in {hours} h: nothing changed, or there is none"
        return self._text(rows or [Remark(nothing)])

    def search_logs(
        self,
        log_group: Name,
        pattern: Annotated[str, Field(max_length=1024)],
        *,
        minutes: Minutes = 30,
        until: Moment = "",
        limit: Annotated[int, Field(ge=1, le=2000)] = 1000,
    ) -> str:
        """Log events before `until` (else now), by CloudWatch filter pattern."""
        self._refuse_other(log_group)
        window = _window(minutes, until)
        return asked(
            f"logs:FilterLogEvents on log group {log_group}",
            lambda: self._text(self._events(log_group, pattern, window=window, limit=limit)),
        )

    def get_metric_points(
        self,
        namespace: Name,
        metric: Name,
        *,
        minutes: Minutes = 60,
        until: Moment = "",
        statistic: Statistic = "all",
    ) -> str:
        """A metric before `until` (else now); `all`: average, sum, maximum."""
        permission = f"cloudwatch:ListMetrics and cloudwatch:GetMetricData on {namespace} {metric}"
        stats, window = STATISTICS if statistic == "all" else (statistic,), _window(minutes, until)
        return asked(
            permission,
            lambda: self._text(self._points(namespace, metric, window=window, stats=stats)),
        )

    def close(self) -> None:
        """Close the connections to AWS, if there are any."""
        self._aws.close()

    def _text(self, lines: Iterable[str]) -> str:
        return written(lines, mark=self._settings.mark)

    def _refuse_other(self, log_group: str) -> None:
        readable = self._settings.readable_log_groups
        if not readable:
            raise NotRead("no log group may be read: NIGHTSHIFT_LOG_GROUPS is not set")
        if not any(_stands_for(group, log_group) for group in readable):
            raise NotRead(
                f"log group {log_group!r} may not be read; may be read: {', '.join(readable)}"
            )

    def _alarms(self, name: str) -> Iterator[str]:
        found = self._aws.cloudwatch.describe_alarms(
            AlarmNames=[name], AlarmTypes=["MetricAlarm", "CompositeAlarm"]
        )
        for alarm in found["MetricAlarms"]:
            yield from _metric_alarm_rows(alarm)
        yield from map(_composite_alarm_row, found.get("CompositeAlarms", []))

    def _history(self, name: str, *, hours: int, limit: int) -> list[str]:
        now = datetime.now(UTC)
        found = self._aws.cloudwatch.describe_alarm_history(
            AlarmName=name,
            AlarmTypes=["MetricAlarm", "CompositeAlarm"],
            StartDate=now - timedelta(hours=hours),
            EndDate=now,
            MaxRecords=limit,
            ScanBy="TimestampDescending",
        )
        rows = [_history_row(item) for item in found["AlarmHistoryItems"]]
        said = Remark(f"(the newest {limit} are shown, there are more)")
        return [*rows, said] if found.get("NextToken") else rows

    def _events(
        self, log_group: str, pattern: str, *, window: tuple[datetime, datetime], limit: int
    ) -> Iterator[str]:
        start, end = (round(at.timestamp() * 1000) for at in window)
        pages = self._aws.logs.get_paginator("filter_log_events").paginate(
            logGroupName=log_group, filterPattern=pattern, startTime=start, endTime=end
        )
        count, searched = 0, 0
        for page in islice(pages, MAX_PAGES):
            searched += 1
            for event in page["events"]:
                if count == limit:
                    said = f"(the oldest {limit} are shown, more match: narrow pattern or minutes)"
                    yield Remark(said)
                    return
                count += 1
                at = datetime.fromtimestamp(event["timestamp"] / 1000, UTC)
                yield f"{moment(at, milliseconds=True)} {event['message'].rstrip()}"
        if searched == MAX_PAGES:
            said = f"(searched {MAX_PAGES} pages only, oldest first: ask for fewer minutes)"
            yield Remark(said)

    def _points(
        self,
        namespace: str,
        metric: str,
        *,
        window: tuple[datetime, datetime],
        stats: tuple[str, ...],
    ) -> Iterator[str]:
        listed = self._aws.cloudwatch.list_metrics(Namespace=namespace, MetricName=metric)
        found = {_dimensions(series): series for series in listed["Metrics"]}
        if not found:
            raise NotRead(f"there is no metric {metric!r} in namespace {namespace!r}")
        period = _period(window)
        for dimensions, series in islice(sorted(found.items()), MAX_SERIES):
            answer = self._aws.cloudwatch.get_metric_data(
                MetricDataQueries=[_query(series, name, period=period) for name in stats],
                StartTime=window[0],
                EndTime=window[1],
                ScanBy="TimestampAscending",
            )
            points: dict[datetime, list[str]] = {}
            for result in answer["MetricDataResults"]:
                for at, value in zip(result["Timestamps"], result["Values"], strict=False):
                    points.setdefault(at, []).append(f"{result['Id']}={value:g}")
            yield row(f"{namespace} {metric} {dimensions}", period_seconds=period)
            yield from (row(moment(at), *points[at]) for at in sorted(points))
        if len(found) > MAX_SERIES:
            yield Remark(f"(only {MAX_SERIES} of {len(found)} sets of dimensions are shown)")


def _stands_for(readable: str, log_group: str) -> bool:
    if readable.endswith("*"):
        return log_group.startswith(readable[:-1]) and "*" not in log_group
    return log_group == readable


def _window(minutes: int, until: str) -> tuple[datetime, datetime]:
    now = datetime.now(UTC)
    end = min(moment_of(until), now) if until else now
    return end - timedelta(minutes=minutes), end


def _period(window: tuple[datetime, datetime]) -> int:
    """The shortest period in whole minutes that gives no more than MAX_POINTS points."""
    minutes = round((window[1] - window[0]).total_seconds() / 60)
    return 60 * -(-minutes // MAX_POINTS)


def _query(series: "MetricOutputTypeDef", stat: str, *, period: int) -> "MetricDataQueryTypeDef":
    metric: MetricTypeDef = {
        "Namespace": series.get("Namespace", ""),
        "MetricName": series.get("MetricName", ""),
        "Dimensions": series.get("Dimensions", []),
    }
    return {
        "Id": stat.lower(),
        "MetricStat": {"Metric": metric, "Period": period, "Stat": stat},
    }


def _dimensions(series: "MetricOutputTypeDef | MetricAlarmTypeDef") -> str:
    named = (f"{part['Name']}={part['Value']}" for part in series.get("Dimensions", []))
    return f"[{','.join(sorted(named))}]"


def _history_row(item: "AlarmHistoryItemTypeDef") -> str:
    at, reason = item.get("Timestamp"), ""
    with contextlib.suppress(ValueError):  # the summary stands for itself
        reason = text(fields_of(json.loads(item.get("HistoryData", ""))), "newState.stateReason")
    return row(
        moment(at) if at else "",
        f"{item.get('HistoryItemType', '')}:",
        one_line(item.get("HistorySummary", "")),
        message=reason,
    )


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
