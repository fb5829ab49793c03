"""The built-in cloudwatch server against the AWS stand-in."""

import asyncio
import contextlib
import re
from collections.abc import AsyncIterator, Awaitable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import pytest_asyncio

from simulator.aws import AwsStandIn
from simulator.request_log import RequestLog
from simulator.scenario import load_scenario
from tests.toolrunner.builtin import BuiltIn, built_in

SCENARIO = load_scenario("cart-loafers")
GROUP = next(iter(SCENARIO.cloudwatch.log_groups))
METRIC = SCENARIO.cloudwatch.metrics[0]
OTHER_GROUPS = ("/boutiques/cartservice", "/boutique", "/boutique/*", "/aws/eks", "../boutique/x")
LATER = pytest.mark.asyncio(loop_scope="module")
pytestmark = pytest.mark.timeout(60)


@contextlib.asynccontextmanager
async def against_aws(
    folder: Path, environment: pytest.MonkeyPatch, *, fired: bool = False
) -> AsyncIterator[BuiltIn]:
    """The servers with only the region, the address and the key of the stand-in."""
    aws = AwsStandIn(SCENARIO, RequestLog(folder / "aws.jsonl"))
    await asyncio.to_thread(aws.start)
    if fired:
        await asyncio.to_thread(aws.fire_alarm)
    for name, value in aws.environment().items():
        environment.setenv(name, value)
    environment.delenv("AWS_DEFAULT_REGION")
    try:
        async with built_in(SCENARIO, folder, AWS_REGION=SCENARIO.alarm.region) as servers:
            yield servers
    finally:
        await asyncio.to_thread(aws.stop)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def servers(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[BuiltIn]:
    """The servers of most tests; the alarm has fired."""
    with pytest.MonkeyPatch.context() as environment:
        folder = tmp_path_factory.mktemp("servers")
        async with against_aws(folder, environment, fired=True) as running:
            yield running


@LATER
async def test_alarm_logs_and_metric_are_read_as_rows(servers: BuiltIn) -> None:
    alarm = await servers.ask("cloudwatch__describe_alarm", name=SCENARIO.alarm.name)
    events = await servers.ask("cloudwatch__search_logs", log_group=GROUP, pattern="error")
    points = await servers.ask(
        "cloudwatch__get_metric_points", namespace=METRIC.namespace, metric=METRIC.metric
    )
    assert alarm.startswith(f"alarm {SCENARIO.alarm.name} state=ALARM since=")
    assert all("error" in line for line in events.split("\n"))
    head, *rows = points.split("\n")
    assert head == f"{METRIC.namespace} {METRIC.metric} [] period_seconds=60"
    assert 1 < len(rows) <= len(METRIC.points) + 1
    assert all(re.match(r"2\S+Z average=\S+ sum=\S+ maximum=\S+$", row) for row in rows)


@LATER
async def test_the_history_of_an_alarm_is_told_newest_first_with_reasons(servers: BuiltIn) -> None:
    name = SCENARIO.alarm.name
    history = (await servers.ask("cloudwatch__get_alarm_history", name=name)).split("\n")
    newest = await servers.ask("cloudwatch__get_alarm_history", name=name, limit=1)
    nothing = await servers.ask("cloudwatch__get_alarm_history", name="nope", hours=5)
    action, fired, settled, created = history
    assert re.match(r"2\S+Z Action: Successfully executed action arn:aws:sns:", action)
    reason = f" StateUpdate: Alarm updated from OK to ALARM message={SCENARIO.alarm.reason}"
    assert fired.endswith(reason)
    assert " StateUpdate: Alarm updated from INSUFFICIENT_DATA to OK message=" in settled
    assert created.endswith(f' ConfigurationUpdate: Alarm "{name}" created')
    assert newest.split("\n") == [action, "~ (the newest 1 are shown, there are more)"]
    assert nothing == "~ no history of alarm 'nope' in 5 h: nothing changed, or there is none"


@LATER
async def test_answers_are_bounded_in_time_number_and_place(servers: BuiltIn) -> None:

    async def search(**asked: object) -> str:
        given = {"log_group": GROUP, "pattern": "AddItemAsync", **asked}
        return await servers.ask("cloudwatch__search_logs", **given)

    def points(**asked: object) -> Awaitable[str]:
        given = {"namespace": METRIC.namespace, "metric": METRIC.metric, **asked}
        return servers.ask("cloudwatch__get_metric_points", **given)

    few = (await search(limit=3)).split("\n")
    ago = (datetime.now(UTC) - timedelta(minutes=10)).isoformat(timespec="seconds")
    earlier, before = (await search(until=ago)).split("\n"), datetime.fromisoformat(ago)
    elsewhere = [await search(log_group=group) for group in OTHER_GROUPS]
    day = (await points(minutes=1440, statistic="Minimum")).split("\n")
    refused = [await search(minutes=1441), await search(limit=2001), await points(minutes=0)]
    odd = await points(statistic="p100")
    assert len(few) == 4
    assert few[3] == "~ (the oldest 3 are shown, more match: narrow pattern or minutes)"
    assert all(datetime.fromisoformat(line.split()[0]) <= before for line in earlier)
    assert 100 < len(earlier) < 1000
    for answer in elsewhere:
        assert answer.startswith("error: log group ")
        assert answer.endswith("may not be read; may be read: /boutique/*")
    assert day[0].endswith(" period_seconds=1440")
    assert all(" minimum=" in row for row in day[1:])
    assert len(day) < 62
    assert all(answer.startswith("error: ") for answer in [*refused, odd])


async def test_without_log_groups_nothing_can_be_searched(tmp_path: Path) -> None:
    async with built_in(SCENARIO, tmp_path, log_groups="") as servers:
        answer = await servers.ask("cloudwatch__search_logs", log_group=GROUP, pattern="")
    assert answer == "error: no log group may be read: NIGHTSHIFT_LOG_GROUPS is not set"


@LATER
async def test_what_is_not_there_is_an_error_in_one_sentence(servers: BuiltIn) -> None:
    alarm = await servers.ask("cloudwatch__describe_alarm", name="nope")
    events = await servers.ask("cloudwatch__search_logs", log_group="/boutique/nope", pattern="")
    points = await servers.ask("cloudwatch__get_metric_points", namespace="a", metric="b")
    assert alarm == "error: there is no alarm 'nope' in this account and region"
    assert "ResourceNotFoundException" in events
    assert points == "error: there is no metric 'b' in namespace 'a'"


@LATER
async def test_a_key_that_nobody_has_is_no_missing_permission(
    servers: BuiltIn, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert (await servers.ask("cloudwatch__describe_alarm", name="nope")).endswith("region")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "SOMEBODYELSE")
    async with built_in(SCENARIO, tmp_path, AWS_REGION=SCENARIO.alarm.region) as others:
        alarm = await others.ask("cloudwatch__describe_alarm", name="nope")
    assert alarm.startswith("error: AWS refused the credentials (UnrecognizedClientException: ")
