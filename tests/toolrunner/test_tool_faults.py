"""What the model is told under each fault of Kubernetes, GitHub and AWS: what went wrong, honestly.

One start of the built-in servers and of all three stand-ins meets every fault.
"""

import asyncio
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from simulator.aws import AwsStandIn
from simulator.faults import Fault, Faults
from simulator.known_faults import KNOWN_FAULTS
from simulator.kubernetes.faulty import NEEDLE
from simulator.request_log import RequestLog
from simulator.scenario import load_scenario
from tests.toolrunner.builtin import BuiltIn, built_in

SCENARIO = load_scenario("cart-loafers")
POD = next(pod for pod in SCENARIO.cluster.pods if pod.workload == "cartservice")
GROUP = next(iter(SCENARIO.cloudwatch.log_groups))
METRIC = SCENARIO.cloudwatch.metrics[0]
FILE = next(iter(SCENARIO.repository.files))
NAMESPACE = {"namespace": SCENARIO.cluster.namespace}
LOGS = ("kubernetes__get_logs", NAMESPACE | {"pod": POD.name})
PODS = ("kubernetes__list_pods", NAMESPACE)
CONTENTS = ("github__get_file_contents", {"path": FILE})
SEARCH = ("github__search_code", {"query": "GetCart"})
ALARM = ("cloudwatch__describe_alarm", {"name": SCENARIO.alarm.name})
EVENTS = ("cloudwatch__search_logs", {"log_group": GROUP, "pattern": "error"})
POINTS = ("cloudwatch__get_metric_points", {"namespace": METRIC.namespace, "metric": METRIC.metric})
SECONDS = 1
LATER = pytest.mark.asyncio(loop_scope="module")
pytestmark = pytest.mark.timeout(60)
KUBERNETES = [
    (LOGS, "forbidden", "missing permission: get pods/log in namespace boutique"),
    (PODS, "forbidden", "missing permission: list pods in namespace boutique"),
    (LOGS, "not_found", f'the Kubernetes API answered 404: pods "{POD.name}" not found'),
    (PODS, "expired", "the Kubernetes API answered 410: the list changed while it was read"),
    (LOGS, "rate_limited", "answered 429: Too many requests, please try again later.; it can be"),
    (PODS, "internal_error", "the Kubernetes API answered 500: Internal error occurred"),
    (PODS, "unavailable", "the Kubernetes API answered 503: the server is currently unable"),
    (LOGS, "slow_log", "the answer is cut: "),
    (LOGS, "cut", "the answer is cut: it broke off after "),
    (PODS, "cut", "the answer is cut: it broke off after "),
    (LOGS, "hang", "the Kubernetes API is not reachable; nothing was read: "),
    (PODS, "dropped", "the Kubernetes API is not reachable; nothing was read: "),
    (LOGS, "accepted_dropped", "the Kubernetes API is not reachable; nothing was read: "),
]
GITHUB = [
    (
        CONTENTS,
        "rate_limited",
        "GitHub's rate limit is reached; nothing was read; the limit resets",
    ),
    (SEARCH, "rate_limited_429", "rate limit is reached; nothing was read; the limit resets at 2"),
    (
        SEARCH,
        "secondary_limit",
        "rate limit is reached; nothing was read; it can be asked again in",
    ),
    (CONTENTS, "bad_credentials", "GitHub refused GITHUB_TOKEN (401); nothing was read"),
    (CONTENTS, "forbidden", f"missing permission: contents: read on {SCENARIO.repository.name}"),
    (CONTENTS, "not_found", f"GitHub knows no file {FILE} in "),
    (CONTENTS, "large_file", f"{FILE} has 2000000 bytes, more than GitHub gives as contents"),
    (CONTENTS, "too_large", f"GitHub does not give file {FILE}: it is larger than 100 MB"),
    (SEARCH, "server_error", "GitHub answered 502 for code search: Server Error"),
    (SEARCH, "unavailable", "GitHub answered 503 for code search"),
    (CONTENTS, "hang", "GitHub is not reachable; nothing was read: "),
    (CONTENTS, "cut", "GitHub's answer is cut: it broke off (file "),
    (SEARCH, "dropped", "GitHub is not reachable; nothing was read: "),
    (SEARCH, "accepted_dropped", "GitHub is not reachable; nothing was read: "),
]
AWS = [
    (
        ALARM,
        "throttled",
        "AWS allows no more requests for now (ThrottlingException: Rate exceeded)",
    ),
    (EVENTS, "throttled", "AWS allows no more requests for now (ThrottlingException"),
    (ALARM, "internal_error", "AWS answered InternalFailure: "),
    (EVENTS, "unavailable", "AWS answered ServiceUnavailable: "),
    (POINTS, "expired_token", "AWS refused the credentials (ExpiredTokenException: "),
    (EVENTS, "access_denied", f"missing permission: logs:FilterLogEvents on log group {GROUP}"),
    (POINTS, "access_denied", "missing permission: cloudwatch:ListMetrics and cloudwatch:Get"),
    (ALARM, "hang", "AWS is not reachable; nothing was read: "),
    (EVENTS, "dropped", "AWS is not reachable; nothing was read: "),
    (ALARM, "accepted_dropped", "AWS is not reachable; nothing was read: "),
    (EVENTS, "cut", "the answer of AWS is cut: it has no 'events'; ask again"),
    (ALARM, "cut", "the answer of AWS is cut: it has no 'MetricAlarms'; ask again"),
]
EVERY = [
    pytest.param(stand_in, tool, fault, said, id=f"{stand_in} {fault} {tool[0].split('_')[-1]}")
    for stand_in, rows in (("kubernetes", KUBERNETES), ("github", GITHUB), ("aws", AWS))
    for tool, fault, said in rows
]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def servers(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[BuiltIn]:
    folder, faults = tmp_path_factory.mktemp("servers"), Faults()
    aws = AwsStandIn(SCENARIO, RequestLog(folder / "aws.jsonl"), faults=faults)
    await asyncio.to_thread(aws.start)
    with pytest.MonkeyPatch.context() as environment:
        for name, value in aws.environment().items():
            environment.setenv(name, value)
        region = SCENARIO.alarm.region
        changes = {"AWS_REGION": region, "answer_seconds": SECONDS}
        async with built_in(SCENARIO, folder, faults=faults, **changes) as running:
            yield running
    await asyncio.to_thread(aws.stop)


@LATER
@pytest.mark.parametrize(("stand_in", "tool", "fault", "said"), EVERY)
async def test_a_fault_is_told_as_what_it_is_and_the_next_call_is_answered(
    servers: BuiltIn, stand_in: str, tool: tuple[str, dict[str, object]], fault: str, said: str
) -> None:
    name, arguments = tool
    servers.faults.plan(Fault(stand_in=stand_in, fault=fault, times=0))
    answer = await servers.ask(name, **arguments)
    servers.faults.clear()
    assert answer.startswith("error: ")
    assert said in answer
    assert "\n" not in answer
    assert not (await servers.ask(name, **arguments)).startswith("error: ")


@LATER
@pytest.mark.parametrize("stand_in", ["kubernetes", "github", "aws"])
async def test_a_slow_answer_that_comes_in_time_is_an_answer(
    servers: BuiltIn, stand_in: str
) -> None:
    tool = {"kubernetes": LOGS, "github": CONTENTS, "aws": ALARM}[stand_in]
    servers.faults.plan(Fault(stand_in=stand_in, fault="slow", seconds=0.2))
    assert not (await servers.ask(tool[0], **tool[1])).startswith("error: ")


@LATER
async def test_of_ten_megabytes_the_wanted_lines_are_read_and_the_whole_is_condensed(
    servers: BuiltIn,
) -> None:
    servers.faults.plan(Fault(stand_in="kubernetes", fault="huge_log", amount=700, times=0))
    name, arguments = LOGS
    found = (await servers.ask(name, **arguments)).rstrip("\n").split("\n")
    without = await servers.ask(name, **arguments, tail_lines=600)
    whole = await servers.ask(name, **arguments, tail_lines=5000)
    servers.faults.clear()
    assert (len(found), found[-700]) == (1000, NEEDLE)
    assert NEEDLE not in without
    assert not whole.startswith("error: ")
    assert 500_000 < len(whole) < 6_291_456


@LATER
async def test_a_throttled_call_to_aws_is_tried_once_more(servers: BuiltIn) -> None:
    servers.faults.plan(Fault(stand_in="aws", fault="throttled"))
    assert (await servers.ask(ALARM[0], **ALARM[1])).startswith("alarm ")


def test_every_fault_of_the_three_is_met() -> None:
    elsewhere = {("kubernetes", "huge_log"), ("aws", "duplicate")}
    elsewhere |= {(stand_in, "slow") for stand_in in ("kubernetes", "github", "aws")}
    met = {(stand_in, fault) for stand_in, _, fault, _ in (row.values for row in EVERY)}
    known = {
        (stand_in, fault)
        for stand_in in ("kubernetes", "github", "aws")
        for fault in KNOWN_FAULTS[stand_in]
    }
    assert met | elsewhere == known
