"""Blame by GraphQL at the GitHub stand-in, and its refusals in GitHub's form."""

import json
from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import aiohttp
import pytest

from simulator.diffs import applied, origins, unapplied
from simulator.github import RateLimits, build_github
from simulator.github.blame import blame
from simulator.github.repository import Repository
from simulator.request_log import RequestLog
from simulator.serving import served
from tests.simulator.small_scenario import FIX, NEWEST, OLDEST, STORE, small_scenario

TOKEN = "_".join(("ghp", "for", "tests"))
OWNER, NAME = "GoogleCloudPlatform", "microservices-demo"
BLAME = """query($owner: String!, $name: String!, $ref: String!, $path: String!) {
  repository(owner: $owner, name: $name) {
    object(expression: $ref) {
      __typename
      oid
      ... on Commit {
        blame(path: $path) {
          ranges { startingLine endingLine age commit { oid messageHeadline author { name } } }
        }
      }
    }
  }
}"""


class Answer(NamedTuple):
    """What came back."""

    status: int
    body: dict[str, Any]
    headers: Mapping[str, str]

    @property
    def error(self) -> dict[str, Any]:
        """The one error."""
        (found,) = self.body["errors"]
        assert isinstance(found, dict)
        return found


class Host(NamedTuple):
    """A client that holds the token, and the log of the stand-in."""

    wire: aiohttp.ClientSession
    log: RequestLog

    async def send(self, body: object, **headers: str) -> Answer:
        """The answer to a POST of that JSON, or of those bytes."""
        plain = body if isinstance(body, bytes) else json.dumps(body).encode()
        async with self.wire.post("/graphql", data=plain, headers=headers) as answer:
            return Answer(answer.status, await answer.json(), answer.headers)

    async def blame(self, ref: str, path: str = STORE, *, owner: str = OWNER) -> Answer:
        """The blame of a file at a revision."""
        variables = {"owner": owner, "name": NAME, "ref": ref, "path": path}
        return await self.send({"query": BLAME, "variables": variables})


@pytest.fixture
async def host(tmp_path: Path) -> AsyncIterator[Host]:
    log = RequestLog(tmp_path / "requests.jsonl")
    headers = {"Authorization": f"Bearer {TOKEN}"}
    async with (
        served(build_github(small_scenario(), log, token=TOKEN)) as address,
        aiohttp.ClientSession(address, headers=headers) as wire,
    ):
        yield Host(wire, log)


def spans(answer: Answer) -> list[tuple[int, int, str]]:
    ranges = answer.body["data"]["repository"]["object"]["blame"]["ranges"]
    return [(each["startingLine"], each["endingLine"], each["commit"]["oid"]) for each in ranges]


async def test_blame_gives_each_line_to_the_commit_that_its_patch_says(host: Host) -> None:
    newest = await host.blame("main")
    before = await host.blame(FIX[:10])
    assert spans(newest) == [(1, 2, OLDEST), (3, 3, NEWEST), (4, 4, OLDEST)]
    assert spans(before) == [(1, 3, OLDEST)]
    found = newest.body["data"]["repository"]["object"]
    assert (found["__typename"], found["oid"]) == ("Commit", NEWEST)
    assert found["blame"]["ranges"][1]["commit"]["author"] == {"name": "Ada"}
    assert newest.headers["x-ratelimit-resource"] == "graphql"
    asked = host.log.read("github")[0]
    assert json.loads(str(asked["variables"]))["path"] == STORE


async def test_an_annotated_tag_is_an_object_with_the_commit_as_its_target(tmp_path: Path) -> None:
    scenario = small_scenario()
    tagged = scenario.repository.model_copy(update={"tags": {"v1": FIX}})
    log = RequestLog(tmp_path / "requests.jsonl")
    app = build_github(scenario.model_copy(update={"repository": tagged}), log, token=TOKEN)
    headers = {"Authorization": f"Bearer {TOKEN}"}
    query = """{repository(owner: "GoogleCloudPlatform", name: "microservices-demo") {
      object(expression: "refs/tags/v1") { __typename ... on Tag { name target { oid } } }
    }}"""
    async with served(app) as address, aiohttp.ClientSession(address, headers=headers) as wire:
        answer = await Host(wire, log).send({"query": query})
    assert answer.body["data"]["repository"]["object"] == {
        "__typename": "Tag",
        "name": "v1",
        "target": {"oid": FIX},
    }


async def test_what_does_not_exist_is_null_with_an_error_beside_it(host: Host) -> None:
    elsewhere = await host.blame("main", owner="somebody")
    file = await host.blame("main", "nope.txt")
    commit = await host.blame("d" * 40)
    assert [answer.status for answer in (elsewhere, file, commit)] == [200, 200, 200]
    assert elsewhere.body["data"] == {"repository": None}
    assert elsewhere.error["type"] == file.error["type"] == "NOT_FOUND"
    assert elsewhere.error["path"] == ["repository"]
    assert elsewhere.error["message"] == (
        f"Could not resolve to a Repository with the name 'somebody/{NAME}'."
    )
    assert file.error["message"] == "Could not resolve file for path 'nope.txt'."
    assert file.error["path"] == ["repository", "object", "blame"]
    assert commit.body == {"data": {"repository": {"object": None}}}


@pytest.mark.parametrize(
    ("query", "said"),
    [
        ('{repository(owner:"a",name:"b"){x}}', "Field 'x' doesn't exist on type 'Repository'"),
        ('{repository(owner:"a"){name}}', "Field 'repository' is missing required arguments: name"),
        ("{nothing", "Syntax Error"),
        ("mutation{deleteRef{clientMutationId}}", "mutation"),
        ("{viewer{login}}", "Field 'viewer' doesn't exist on type 'Query'"),
    ],
)
async def test_a_query_that_the_schema_does_not_know_is_refused_with_status_200(
    host: Host, query: str, said: str
) -> None:
    answer = await host.send({"query": query})
    assert (answer.status, "data" in answer.body) == (200, False)
    assert said in answer.error["message"]
    assert set(answer.error["locations"][0]) == {"line", "column"}
    if "doesn't exist" in said:
        assert answer.error["extensions"]["code"] == "undefinedField"


async def test_what_is_no_query_and_who_has_no_token_are_refused_by_status(host: Host) -> None:
    assert (await host.send(b"{")).body["message"] == "Problems parsing JSON"
    assert (await host.send({"query": 7})).status == 400
    nobody = await host.send({"query": "{viewer{login}}"}, Authorization="")
    assert nobody.status == 401
    assert nobody.body["message"] == "This endpoint requires you to be authenticated."
    async with host.wire.get("/graphql") as answer:
        assert answer.status == 403


async def test_a_limit_that_is_reached_is_an_error_with_status_200(tmp_path: Path) -> None:
    limits = RateLimits(enforced=True)
    for _ in range(5000):
        limits.count("graphql")
    log = RequestLog(tmp_path / "requests.jsonl")
    headers = {"Authorization": f"Bearer {TOKEN}"}
    async with (
        served(build_github(small_scenario(), log, token=TOKEN, limits=limits)) as address,
        aiohttp.ClientSession(address, headers=headers) as wire,
    ):
        answer = await Host(wire, log).blame("main")
    assert (answer.status, answer.error["type"]) == (200, "RATE_LIMITED")
    assert answer.headers["x-ratelimit-remaining"] == "0"


def test_a_diff_can_be_undone_and_says_where_each_line_comes_from() -> None:
    before = "a\nb\nc\nd\ne\nf\n"
    diff = "@@ -1,3 +1,3 @@\n a\n-b\n+B\n c\n@@ -5,0 +6,2 @@\n+x\n+y\n"
    after = applied(before, diff)
    assert after == "a\nB\nc\nd\ne\nx\ny\nf\n"
    assert unapplied(after, diff) == before
    assert origins(diff, 8) == [1, None, 3, 4, 5, None, None, 6]


def test_lines_that_no_patch_explains_belong_to_the_oldest_commit() -> None:
    repository = Repository(small_scenario().repository)
    (oldest,) = [each for each in repository.setup.commits if each.sha == OLDEST]
    (found,) = blame(repository, repository.setup.commits[0], path="big.txt")
    assert (found.first, found.last, found.commit) == (1, 140_000, oldest)
