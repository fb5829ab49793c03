"""The built-in cloudwatch server against the AWS stand-in."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from simulator.aws import AwsStandIn
from simulator.request_log import RequestLog
from simulator.scenario import load_scenario
from tests.toolrunner.builtin import BuiltIn, built_in

SCENARIO = load_scenario("cart-loafers")
GROUP = next(iter(SCENARIO.cloudwatch.log_groups))
METRIC = SCENARIO.cloudwatch.metrics[0]
pytestmark = pytest.mark.timeout(60)


@contextlib.asynccontextmanager
async def against_aws(folder: Path, environment: pytest.MonkeyPatch) -> AsyncIterator[BuiltIn]:
    """The servers with only the region, the address and the key of the stand-in."""
    aws = AwsStandIn(SCENARIO, RequestLog(folder / "aws.jsonl"))
    await asyncio.to_thread(aws.start)
    for name, value in aws.environment().items():
        environment.setenv(name, value)
    environment.delenv("AWS_DEFAULT_REGION")
    try:
        async with built_in(SCENARIO, folder, AWS_REGION=SCENARIO.alarm.region) as servers:
            yield servers
    finally:
        await asyncio.to_thread(aws.stop)


async def test_alarm_logs_and_metric_are_read_as_rows(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with against_aws(tmp_path, monkeypatch) as servers:
        alarm = await servers.ask("cloudwatch__describe_alarm", name=SCENARIO.alarm.name)
        events = await servers.ask("cloudwatch__search_logs", log_group=GROUP, pattern="error")
        points = await servers.ask(
            "cloudwatch__get_metric_points", namespace=METRIC.namespace, metric=METRIC.metric
        )
    assert alarm.startswith(f"alarm {SCENARIO.alarm.name} state=OK since=")
    assert all("error" in line for line in events.split("\n"))
    lines = points.split("\n")
    assert 1 < len(lines) <= len(METRIC.points) + 1
    assert all(line.startswith(f"{METRIC.namespace} {METRIC.metric} ") for line in lines)
    assert all("average=" in line and "sum=" in line for line in lines)


async def test_what_is_not_there_is_an_error_in_one_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with against_aws(tmp_path, monkeypatch) as servers:
        alarm = await servers.ask("cloudwatch__describe_alarm", name="nope")
        events = await servers.ask("cloudwatch__search_logs", log_group="/nope", pattern="")
        points = await servers.ask("cloudwatch__get_metric_points", namespace="a", metric="b")
    assert alarm == "error: there is no alarm 'nope' in this account and region"
    assert "ResourceNotFoundException" in events
    assert points == "error: there is no metric 'b' in namespace 'a'"


async def test_a_key_that_nobody_has_is_no_missing_permission(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with against_aws(tmp_path, monkeypatch) as servers:
        monkeypatch.setenv("AWS_ACCESS_KEY_ID", "SOMEBODYELSE")
        alarm = await servers.ask("cloudwatch__describe_alarm", name="nope")
    assert alarm.startswith("error: AWS refused the credentials (UnrecognizedClientException: ")
