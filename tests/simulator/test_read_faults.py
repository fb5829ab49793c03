"""The faults of Kubernetes, GitHub and AWS on the wire: status, headers and body as the real ones.

What the product makes of each stands in `tests/toolrunner/test_tool_faults.py`.
"""

import contextlib
import time
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from typing import Any

import aiohttp
import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError

from simulator.aws import AwsStandIn
from simulator.faults import Fault, Faults
from simulator.github import build_github
from simulator.kubernetes import build_kubernetes
from simulator.kubernetes.faulty import NEEDLE
from simulator.request_log import RequestLog
from simulator.serving import served
from tests.simulator.cluster_rules import EVENTS, FILES, LOG, PODS
from tests.simulator.small_scenario import STORE, small_scenario

TOKEN = "-".join(("token", "of", "the", "tests"))


@dataclass(frozen=True)
class Outside:
    """Both stand-ins over HTTP, their faults and their log."""

    addresses: dict[str, str]
    faults: Faults
    log: RequestLog

    def plan(self, stand_in: str, name: str, **more: Any) -> None:
        self.faults.plan(Fault(stand_in=stand_in, fault=name, **more))

    async def get(self, stand_in: str, path: str) -> tuple[aiohttp.ClientResponse, str]:
        headers = {"Authorization": f"Bearer {TOKEN}"}
        async with (
            aiohttp.ClientSession() as session,
            session.get(f"{self.addresses[stand_in]}{path}", headers=headers) as answer,
        ):
            return answer, await answer.text()


@pytest.fixture
async def outside(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Outside]:
    log = RequestLog(tmp_path_factory.mktemp("log") / "requests.jsonl")
    faults, scenario = Faults(), small_scenario()
    cluster = build_kubernetes(scenario, log, tokens={TOKEN: "reader"}, faults=faults)
    github = build_github(scenario, log, token=TOKEN, faults=faults)
    async with served(cluster) as one, served(github) as other:
        yield Outside({"kubernetes": one, "github": other}, faults, log)


@pytest.mark.parametrize(
    ("name", "path", "code", "reason"),
    [
        ("forbidden", LOG, 403, "Forbidden"),
        ("not_found", LOG, 404, "NotFound"),
        ("expired", PODS, 410, "Expired"),
        ("rate_limited", EVENTS, 429, "TooManyRequests"),
        ("internal_error", PODS, 500, "InternalError"),
        ("unavailable", PODS, 503, "ServiceUnavailable"),
    ],
)
async def test_an_error_of_the_cluster_is_a_status_object_and_is_in_the_log(
    outside: Outside, name: str, path: str, code: int, reason: str
) -> None:
    outside.plan("kubernetes", name)
    answer, _ = await outside.get("kubernetes", path)
    status = await answer.json()
    assert (answer.status, status["code"], status["reason"]) == (code, code, reason)
    assert (status["kind"], status["status"]) == ("Status", "Failure")
    (line,) = outside.log.read("kubernetes")
    assert (line["fault"], line["status"]) == (name, code)
    assert (await outside.get("kubernetes", path))[0].status == 200


async def test_a_busy_cluster_says_how_long_to_wait_in_header_and_body(outside: Outside) -> None:
    outside.plan("kubernetes", "rate_limited", seconds=7)
    answer, _ = await outside.get("kubernetes", PODS)
    assert answer.headers["Retry-After"] == "7"
    assert (await answer.json())["details"]["retryAfterSeconds"] == 7


async def test_a_huge_log_holds_the_needle_where_it_was_put(outside: Outside) -> None:
    outside.plan("kubernetes", "huge_log", amount=3, times=0)
    _, whole = await outside.get("kubernetes", LOG)
    _, tail = await outside.get("kubernetes", f"{LOG}?tailLines=2")
    _, cut = await outside.get("kubernetes", f"{LOG}?limitBytes=100")
    assert 10_000_000 < len(whole) <= 10 * 1024 * 1024
    assert whole.splitlines()[-3] == NEEDLE
    assert (len(tail.splitlines()), NEEDLE in tail, len(cut)) == (2, False, 100)


async def test_a_slow_log_is_whole_in_the_end(outside: Outside) -> None:
    _, at_once = await outside.get("kubernetes", f"{LOG}?tailLines=5")
    outside.plan("kubernetes", "slow_log", seconds=0.5)
    began = time.monotonic()
    _, slowly = await outside.get("kubernetes", f"{LOG}?tailLines=5")
    assert time.monotonic() - began > 0.3
    assert slowly == at_once


@pytest.mark.parametrize(("name", "status"), [("rate_limited", 403), ("rate_limited_429", 429)])
async def test_githubs_limit_says_that_nothing_remains_and_when_it_resets(
    outside: Outside, name: str, status: int
) -> None:
    outside.plan("github", name, seconds=90)
    answer, text = await outside.get("github", FILES)
    assert (answer.status, "API rate limit exceeded" in text) == (status, True)
    assert answer.headers["x-ratelimit-remaining"] == "0"
    assert 80 < int(answer.headers["x-ratelimit-reset"]) - time.time() < 100


async def test_githubs_secondary_limit_says_when_to_come_back(outside: Outside) -> None:
    outside.plan("github", "secondary_limit", seconds=30)
    answer, text = await outside.get("github", FILES)
    assert (answer.status, answer.headers["retry-after"]) == (403, "30")
    assert "secondary rate limit" in text
    assert answer.headers["x-ratelimit-remaining"] != "0"


async def test_a_large_file_comes_without_its_contents(outside: Outside) -> None:
    outside.plan("github", "large_file")
    answer, _ = await outside.get("github", f"{FILES}/{STORE}")
    shown = await answer.json()
    assert (shown["encoding"], shown["content"], shown["size"]) == ("none", "", 2_000_000)


async def test_a_request_is_struck_only_by_what_it_could_be_answered_with(
    outside: Outside,
) -> None:
    for name in ("expired", "slow_log", "huge_log"):
        outside.plan("kubernetes", name, where="deployments/", times=0)
    outside.plan("github", "large_file", where="/commits", times=0)
    path = "/apis/apps/v1/namespaces/boutique/deployments/cartservice"
    assert (await outside.get("kubernetes", path))[0].status == 200
    assert (await outside.get("github", FILES.replace("contents", "commits")))[0].status == 200
    assert all(each["struck"] == 0 for each in outside.faults.listed())


@pytest.fixture(scope="module")
def aws(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[AwsStandIn, Faults]]:
    faults = Faults()
    log = RequestLog(tmp_path_factory.mktemp("aws") / "log.jsonl")
    stand_in = AwsStandIn(small_scenario(), log, faults=faults)
    stand_in.start()
    yield stand_in, faults
    stand_in.stop()


def client(aws: AwsStandIn, service: str) -> Any:
    variables = aws.environment()
    session = boto3.Session(
        aws_access_key_id=variables["AWS_ACCESS_KEY_ID"],
        aws_secret_access_key=variables["AWS_SECRET_ACCESS_KEY"],
        region_name=variables["AWS_REGION"],
    )
    build: Any = session.client
    config = Config(retries={"total_max_attempts": 1})
    return contextlib.closing(build(service, endpoint_url=aws.url, config=config))


@pytest.mark.parametrize(
    ("name", "code", "status", "xml_code", "xml_status"),
    [
        ("throttled", "ThrottlingException", 400, "Throttling", 400),
        ("internal_error", "InternalFailure", 500, "InternalFailure", 500),
        ("unavailable", "ServiceUnavailable", 503, "ServiceUnavailable", 503),
        ("expired_token", "ExpiredTokenException", 400, "ExpiredToken", 403),
        ("access_denied", "AccessDeniedException", 400, "AccessDenied", 403),
    ],
)
def test_an_error_of_aws_has_the_word_of_its_protocol(
    aws: tuple[AwsStandIn, Faults],
    name: str,
    code: str,
    *,
    status: int,
    xml_code: str,
    xml_status: int,
) -> None:
    stand_in, faults = aws
    faults.plan(Fault(stand_in="aws", fault=name, times=2))
    with client(stand_in, "logs") as logs, pytest.raises(ClientError) as json_error:
        logs.describe_log_groups()
    with client(stand_in, "sns") as sns, pytest.raises(ClientError) as xml_error:
        sns.list_topics()
    for error, word, number in ((json_error, code, status), (xml_error, xml_code, xml_status)):
        response = error.value.response
        assert response["Error"]["Code"] == word
        assert response["ResponseMetadata"]["HTTPStatusCode"] == number


def test_a_duplicate_is_the_same_message_under_another_receipt(
    aws: tuple[AwsStandIn, Faults],
) -> None:
    stand_in, faults = aws
    stand_in.publish_alarm_body("twice")
    faults.plan(Fault(stand_in="aws", fault="duplicate"))
    with client(stand_in, "sqs") as queue:
        got = queue.receive_message(QueueUrl=stand_in.queue_url, MaxNumberOfMessages=10)
        first, second = (each for each in got["Messages"] if each["Body"] == "twice")
        assert first["MessageId"] == second["MessageId"]
        assert first["ReceiptHandle"] != second["ReceiptHandle"]
        for message in (first, second):
            receipt = message["ReceiptHandle"]
            queue.delete_message(QueueUrl=stand_in.queue_url, ReceiptHandle=receipt)
        left = queue.receive_message(QueueUrl=stand_in.queue_url, MaxNumberOfMessages=10)
        assert "twice" not in [each["Body"] for each in left.get("Messages", [])]


def test_the_stand_ins_own_requests_meet_no_fault(aws: tuple[AwsStandIn, Faults]) -> None:
    stand_in, faults = aws
    faults.plan(Fault(stand_in="aws", fault="internal_error", times=0))
    assert stand_in.fire_alarm()
    faults.clear()
