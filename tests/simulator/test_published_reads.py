"""Kubernetes, GitHub and AWS are never laxer here than published: at each limit, and beyond it."""

import contextlib
from collections.abc import AsyncIterator, Iterator
from typing import Any

import aiohttp
import boto3
import pytest
import pytest_asyncio
from botocore.config import Config
from botocore.exceptions import ClientError

from simulator.aws import AwsStandIn
from simulator.github import build_github
from simulator.kubernetes import build_kubernetes
from simulator.request_log import RequestLog
from simulator.scenario import LogSetup, Scenario
from simulator.serving import served
from tests.simulator import aws_rules, cluster_rules
from tests.simulator.aws_rules import AwsRule
from tests.simulator.cluster_rules import COMMITS, FILES, Get, ReadRule
from tests.simulator.small_scenario import NEWEST, small_scenario

ONE_LOOP = pytest.mark.asyncio(loop_scope="module")
TOKEN = "-".join(("token", "of", "the", "tests"))
MEGABYTE = 1024 * 1024
VENDORS = ("https://kubernetes.io/", "https://docs.github.com/", "https://docs.aws.amazon.com/")


def scenario() -> Scenario:
    """The small one with as many of everything as a limit allows, and one more."""
    small = small_scenario()
    first = small.repository.commits[0]
    older = tuple(first.model_copy(update={"sha": f"{number:040x}"}) for number in range(1, 101))
    files = {
        "exact.txt": "x" * MEGABYTE,
        "larger.txt": "x" * (MEGABYTE + 1),
        **{f"many/{number}.txt": "few" for number in range(1001)},
        "indexed.txt": "indexed ".ljust(384 * 1024),
        "skipped.txt": "indexed ".ljust(384 * 1024 + 1),
    }
    changes: dict[str, object] = {
        "files": small.repository.files | files,
        "commits": (*small.repository.commits, *older),
        "revision": NEWEST,
    }
    log = LogSetup(lines=3000, background=("x" * 1000,))
    cluster = small.cluster.model_copy(update={"logs": small.cluster.logs | {"cart": log}})
    repository = small.repository.model_copy(update=changes)
    return small.model_copy(update={"repository": repository, "cluster": cluster})


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def addresses(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[dict[str, str]]:
    log = RequestLog(tmp_path_factory.mktemp("reads") / "requests.jsonl")
    world = scenario()
    cluster = build_kubernetes(world, log, tokens={TOKEN: "reader"})
    async with (
        served(cluster) as kubernetes,
        served(build_github(world, log, token=TOKEN)) as github,
    ):
        yield {"kubernetes": kubernetes, "github": github}


@pytest.fixture(scope="module")
def aws(tmp_path_factory: pytest.TempPathFactory) -> Iterator[AwsStandIn]:
    stand_in = AwsStandIn(scenario(), RequestLog(tmp_path_factory.mktemp("aws") / "log.jsonl"))
    stand_in.start()
    yield stand_in
    stand_in.stop()


async def asked(address: str, get: Get) -> tuple[int, Any]:
    given = {"Authorization": f"Bearer {TOKEN}", "User-Agent": "tests"} | get.headers
    headers = {name: value for name, value in given.items() if value is not None}
    skipped = [name for name, value in given.items() if value is None]
    async with (
        aiohttp.ClientSession(skip_auto_headers=skipped) as session,
        session.request(
            get.method, f"{address}{get.path}", params=get.query, headers=headers
        ) as answer,
    ):
        is_json = "json" in answer.headers["content-type"]
        return answer.status, await (answer.json() if is_json else answer.text())


def called(aws: AwsStandIn, call: tuple[str, str], arguments: dict[str, Any]) -> dict[str, Any]:
    variables = aws.environment()
    session = boto3.Session(
        aws_access_key_id=variables["AWS_ACCESS_KEY_ID"],
        aws_secret_access_key=variables["AWS_SECRET_ACCESS_KEY"],
        region_name=variables["AWS_REGION"],
    )
    # What the client itself would refuse has to reach the stand-in.
    config = Config(parameter_validation=False, retries={"total_max_attempts": 1})
    build: Any = session.client
    with contextlib.closing(build(call[0], endpoint_url=aws.url, config=config)) as client:
        answer: dict[str, Any] = getattr(client, call[1])(**arguments)
        return answer


@ONE_LOOP
@pytest.mark.parametrize("rule", cluster_rules.RULES, ids=lambda rule: rule.rule)
async def test_a_read_at_the_limit_is_answered_and_none_beyond(
    addresses: dict[str, str], rule: ReadRule
) -> None:
    address = addresses["kubernetes" if rule in cluster_rules.KUBERNETES else "github"]
    status, taken = await asked(address, rule.within)
    assert status == 200, (taken, rule.source)
    status, refused = await asked(address, rule.beyond)
    assert status == rule.status, (refused, rule.source)
    assert refused["message"]
    if rule in cluster_rules.KUBERNETES:
        assert (refused["kind"], refused["status"]) == ("Status", "Failure")
        assert refused["code"] == status


@pytest.mark.parametrize("rule", aws_rules.RULES, ids=lambda rule: rule.rule)
def test_a_call_to_aws_at_the_limit_is_answered_and_none_beyond(
    aws: AwsStandIn, rule: AwsRule
) -> None:
    good: dict[str, dict[str, Any]] = {
        "sqs": {"QueueUrl": aws.queue_url},
        "filter_log_events": {"logGroupName": aws_rules.GROUP},
        "describe_alarms": {},
        "describe_alarm_history": {},
        "get_metric_data": {"StartTime": aws_rules.START, "EndTime": aws_rules.END}
        | {"MetricDataQueries": []},
    }
    arguments = good.get(rule.call[1], good["sqs"])
    assert called(aws, rule.call, arguments | rule.within), rule.source
    with pytest.raises(ClientError) as refused:
        called(aws, rule.call, arguments | rule.beyond)
    assert refused.value.response["ResponseMetadata"]["HTTPStatusCode"] == 400, rule.source


def test_a_page_of_log_events_holds_a_megabyte_and_the_pages_hold_all(aws: AwsStandIn) -> None:
    """https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_FilterLogEvents.html."""
    pages: list[list[dict[str, Any]]] = []
    token: dict[str, str] = {}
    while token or not pages:
        asked_for = {"logGroupName": aws_rules.GROUP} | token
        answer = called(aws, ("logs", "filter_log_events"), asked_for)
        pages.append(answer["events"])
        token = {"nextToken": answer["nextToken"]} if answer.get("nextToken") else {}
    sizes = [sum(len(event["message"]) + 26 for event in page) for page in pages]
    assert len(pages) == 3
    assert max(sizes) <= MEGABYTE
    assert len({event["eventId"] for page in pages for event in page}) == 3000


@ONE_LOOP
@pytest.mark.parametrize("size", [100, 101])
async def test_github_gives_no_more_than_100_a_page(addresses: dict[str, str], size: int) -> None:
    """https://docs.github.com/en/rest/using-the-rest-api/using-pagination-in-the-rest-api."""
    _, commits = await asked(addresses["github"], Get(COMMITS, {"per_page": str(size)}))
    assert len(commits) == 100


@ONE_LOOP
async def test_github_shows_contents_up_to_a_megabyte_and_1000_entries_of_a_folder(
    addresses: dict[str, str],
) -> None:
    """https://docs.github.com/en/rest/repos/contents."""
    _, exact = await asked(addresses["github"], Get(f"{FILES}/exact.txt"))
    _, larger = await asked(addresses["github"], Get(f"{FILES}/larger.txt"))
    _, folder = await asked(addresses["github"], Get(f"{FILES}/many"))
    assert (exact["encoding"], bool(exact["content"])) == ("base64", True)
    assert (larger["encoding"], larger["content"]) == ("none", "")
    assert len(folder) == 1000


@ONE_LOOP
async def test_github_searches_no_file_above_384_kilobytes(addresses: dict[str, str]) -> None:
    """https://docs.github.com/en/rest/search/search."""
    query = {"q": f"indexed {cluster_rules.SCOPE}"}
    _, found = await asked(addresses["github"], Get("/search/code", query))
    assert [item["path"] for item in found["items"]] == ["indexed.txt"]


@pytest.mark.parametrize("rule", [*cluster_rules.RULES, *aws_rules.RULES], ids=lambda r: r.rule)
def test_every_rule_of_reading_says_where_it_is_published(rule: ReadRule | AwsRule) -> None:
    assert rule.source.startswith(VENDORS)
