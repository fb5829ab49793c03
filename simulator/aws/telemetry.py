"""The scenario's metric points and log events, which go on as long as the stand-in is used."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from simulator.logs import line_times, write_log
from simulator.scenario import LogSetup, Scenario

if TYPE_CHECKING:
    from mypy_boto3_cloudwatch.type_defs import DimensionTypeDef, MetricDatumTypeDef
    from mypy_boto3_logs.type_defs import InputLogEventTypeDef

    from simulator.aws.resources import Resources

_MOST_POINTS = 500
_MOST_EVENTS = 10_000
_MOST_BYTES = 1_000_000
_BYTES_BESIDE_TEXT = 26
_REFRESH_AFTER = timedelta(minutes=1)


class Telemetry:
    """Writes points and log lines up to a moment, and later only what is newer than that."""

    def __init__(self, scenario: Scenario, resources: "Resources") -> None:
        self._scenario = scenario
        self._resources = resources
        self._written_at: datetime | None = None

    def write(self, now: datetime) -> None:
        """Metrics and logs reach up to `now`, or to at most a minute before it."""
        last = self._written_at
        if last is not None and now - last < _REFRESH_AFTER:
            return
        self._write_metrics(now, last)
        for group, log in self._scenario.cloudwatch.log_groups.items():
            streams = [pod.name for pod in self._scenario.cluster.pods if pod.log == log]
            place = {"logGroupName": group, "logStreamName": streams[0] if streams else "log"}
            if last is None:
                self._resources.logs.create_log_group(logGroupName=group)
                self._resources.logs.create_log_stream(
                    logGroupName=group, logStreamName=place["logStreamName"]
                )
            for batch in _batches(self._scenario.cluster.logs[log], now, last=last):
                self._resources.logs.put_log_events(
                    logGroupName=group, logStreamName=place["logStreamName"], logEvents=batch
                )
        self._written_at = now

    def _write_metrics(self, now: datetime, last: datetime | None) -> None:
        for metric in self._scenario.cloudwatch.metrics:
            dimensions: list[DimensionTypeDef] = [
                {"Name": key, "Value": value} for key, value in metric.dimensions.items()
            ]
            newest = len(metric.points) - 1
            points: list[MetricDatumTypeDef] = [
                {
                    "MetricName": metric.metric,
                    "Dimensions": dimensions,
                    "Timestamp": now - timedelta(minutes=newest - index),
                    "Value": value,
                }
                for index, value in enumerate(metric.points)
                if last is None or now - timedelta(minutes=newest - index) > last
            ]
            for start in range(0, len(points), _MOST_POINTS):
                self._resources.cloudwatch.put_metric_data(
                    Namespace=metric.namespace, MetricData=points[start : start + _MOST_POINTS]
                )


def _batches(
    setup: LogSetup, now: datetime, *, last: datetime | None
) -> Iterator[list["InputLogEventTypeDef"]]:
    """The log's lines newer than `last`, in the portions that one request may carry."""
    batch: list[InputLogEventTypeDef] = []
    size = 0
    for written_at, line in zip(line_times(setup, now), write_log(setup, now), strict=True):
        # CloudWatch Logs takes no empty message.
        if not line or (last is not None and written_at <= last):
            continue
        weight = len(line.encode()) + _BYTES_BESIDE_TEXT
        if len(batch) == _MOST_EVENTS or size + weight > _MOST_BYTES:
            yield batch
            batch, size = [], 0
        batch.append({"timestamp": int(written_at.timestamp() * 1000), "message": line})
        size += weight
    if batch:
        yield batch
