"""The GitHub stand-in through the real PyGithub, and its refusals on the bare wire."""

import asyncio
import base64
import hashlib
import json
from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import aiohttp
import pytest
from github import Auth, Github
from github.GithubException import BadCredentialsException, GithubException, UnknownObjectException

from simulator.github import RateLimits, build_github
from simulator.request_log import RequestLog
from simulator.serving import served
from tests.simulator.small_scenario import FIX, NEWEST, OLDEST, STORE, small_scenario

TOKEN = "_".join(("ghp", "for", "tests"))
NAME = "GoogleCloudPlatform/microservices-demo"


class Answer(NamedTuple):
    """What came back on the bare wire."""

    status: int
    content: bytes
    headers: Mapping[str, str]

    def json(self) -> dict[str, Any]:
        """The object that the content is."""
        found = json.loads(self.content)
        assert isinstance(found, dict)
        return found


async def fetch(
    wire: aiohttp.ClientSession, path: str, *, query: dict[str, str], headers: dict[str, str]
) -> Answer:
    """The answer to one bare request."""
    async with wire.get(path, params=query, headers=headers) as answer:
        return Answer(answer.status, await answer.read(), answer.headers)


class Host(NamedTuple):
    """The stand-in's address, its log, and a bare client that holds the token."""

    address: str
    log: RequestLog
    wire: aiohttp.ClientSession

    def client(self, token: str = TOKEN) -> Github:
        """A real client; it blocks, so it belongs into a thread."""
        return Github(
            base_url=self.address, auth=Auth.Token(token), retry=None, seconds_between_requests=None
        )

    async def get(self, path: str, **query: str) -> Answer:
        """The answer to one bare request with the token."""
        return await fetch(self.wire, path, query=query, headers={})


@pytest.fixture
async def host(tmp_path: Path) -> AsyncIterator[Host]:
    log = RequestLog(tmp_path / "requests.jsonl")
    headers = {"Authorization": f"Bearer {TOKEN}"}
    async with (
        served(build_github(small_scenario(), log, token=TOKEN)) as address,
        aiohttp.ClientSession(address, headers=headers) as wire,
    ):
        yield Host(address, log, wire)


async def test_file_is_read_with_its_true_git_name(host: Host) -> None:
    def read() -> tuple[bytes, str, list[str]]:
        with host.client() as github:
            repository = github.get_repo(NAME)
            file = repository.get_contents(STORE)
            folder = repository.get_contents("src/cartservice/src", ref=NEWEST)
            assert not isinstance(file, list)
            assert isinstance(folder, list)
            return file.decoded_content, file.sha, [item.path for item in folder]

    content, sha, paths = await asyncio.to_thread(read)
    assert b"no loafers today" in content
    whole = b"blob %d\0" % len(content) + content
    assert sha == hashlib.sha1(whole, usedforsecurity=False).hexdigest()
    assert paths == ["src/cartservice/src/cartstore"]


async def test_tree_and_blob_lead_to_the_same_text(host: Host) -> None:
    def read() -> tuple[list[str], str]:
        with host.client() as github:
            repository = github.get_repo(NAME)
            tree = repository.get_git_tree("main", recursive=True)
            [row] = [row for row in tree.tree if row.path == STORE]
            return [item.path for item in tree.tree], repository.get_git_blob(row.sha).content

    paths, content = await asyncio.to_thread(read)
    assert {"README.md", "src", "src/cartservice", STORE} <= set(paths)
    assert b"RedisCartStore" in base64.b64decode(content)


async def test_file_above_one_megabyte_comes_without_its_text(host: Host) -> None:
    big = (await host.get(f"/repos/{NAME}/contents/big.txt")).json()
    assert (big["content"], big["encoding"], big["size"]) == ("", "none", 1_120_000)
    accept = {"Accept": "application/vnd.github.raw+json"}
    raw = await fetch(host.wire, f"/repos/{NAME}/contents/big.txt", query={}, headers=accept)
    assert len(raw.content) == 1_120_000


async def test_text_of_an_older_commit_is_served_where_patches_lead_to_it(host: Host) -> None:
    unchanged = await host.get(f"/repos/{NAME}/contents/README.md", ref=FIX)
    before = await host.get(f"/repos/{NAME}/contents/{STORE}", ref=FIX)
    unknown = await host.get(f"/repos/{NAME}/contents/README.md", ref=OLDEST)
    no_commit = await host.get(f"/repos/{NAME}/contents/{STORE}", ref="d" * 40)
    assert [answer.status for answer in (unchanged, before, unknown, no_commit)] == [
        200,
        200,
        404,
        404,
    ]
    text = base64.b64decode(before.json()["content"]).decode()
    assert text == "namespace cartservice;\npublic class RedisCartStore {\n}\n"
    assert no_commit.json()["message"] == f"No commit found for the ref {'d' * 40}"


async def test_commits_are_listed_by_path_newest_first_over_pages(host: Host) -> None:
    def read() -> tuple[list[str], list[str], list[str]]:
        with host.client() as github:
            github.per_page = 1
            repository = github.get_repo(NAME)
            of_file = [commit.sha for commit in repository.get_commits(path=STORE)]
            of_folder = [commit.sha for commit in repository.get_commits(path="src")]
            before = [commit.sha for commit in repository.get_commits(sha=FIX)]
            return of_file, of_folder, before

    of_file, of_folder, before = await asyncio.to_thread(read)
    assert of_file == of_folder == [NEWEST, OLDEST]
    assert before == [FIX, OLDEST]


async def test_commit_shows_its_files_and_the_patch_that_is_known(host: Host) -> None:
    def read() -> tuple[str, int, str, str | None]:
        with host.client() as github:
            repository = github.get_repo(NAME)
            newest = repository.get_commit(NEWEST[:12])
            [file] = list(newest.files)
            return file.filename, file.additions, newest.parents[0].sha, newest.commit.author.email

    name, additions, parent, email = await asyncio.to_thread(read)
    assert (name, additions, parent) == (STORE, 1, FIX)
    assert email == "ada@users.noreply.github.com"
    unknown = await host.get(f"/repos/{NAME}/commits/{'d' * 40}")
    assert unknown.status == 422


async def test_branch_and_reference_point_to_the_newest_commit(host: Host) -> None:
    def read() -> tuple[str, str]:
        with host.client() as github:
            repository = github.get_repo(NAME)
            return (
                repository.get_git_ref("heads/main").object.sha,
                repository.get_branch("main").commit.sha,
            )

    assert await asyncio.to_thread(read) == (NEWEST, NEWEST)
    assert (await host.get(f"/repos/{NAME}/git/ref/heads/other")).status == 404


async def test_code_search_finds_whole_words_and_shows_where(host: Host) -> None:
    def read() -> list[tuple[str, str]]:
        with host.client() as github:
            found = github.search_code(f"loafers repo:{NAME}", highlight=True)
            return [(file.path, str(file.text_matches[0])) for file in found]

    [(path, where)] = await asyncio.to_thread(read)
    assert path == STORE
    assert "'text': 'loafers'" in where
    part = await host.get("/search/code", q=f"loafer repo:{NAME}")
    assert part.json()["total_count"] == 0
    elsewhere = await host.get("/search/code", q=f"loafers repo:{NAME} extension:md")
    assert elsewhere.json()["total_count"] == 0
    plain = await host.get("/search/code", q=f'"no loafers" repo:{NAME} path:src language:c#')
    assert plain.json()["total_count"] == 1
    assert "text_matches" not in plain.json()["items"][0]


@pytest.mark.parametrize(
    ("query", "word"),
    [
        ("", "missing"),
        ("loafers", "at least one user, organization, or repository"),
        (f"repo:{NAME}", "at least one search term"),
        ("loafers repo:someone/else", "cannot be searched"),
        (f"{'x' * 257} repo:{NAME}", "longer than 256"),
        (f'"loafers repo:{NAME}', "quote"),
    ],
)
async def test_search_that_github_refuses_is_refused(host: Host, query: str, *, word: str) -> None:
    refused = await host.get("/search/code", q=query)
    assert refused.status == 422
    assert refused.json()["message"] == "Validation Failed"
    assert word in str(refused.json()["errors"])


async def test_wrong_token_is_bad_credentials_and_other_repositories_are_not_found(
    host: Host,
) -> None:
    def ask(token: str, name: str) -> object:
        with host.client(token) as github:
            return github.get_repo(name)

    with pytest.raises(BadCredentialsException):
        await asyncio.to_thread(ask, TOKEN + "x", NAME)
    with pytest.raises(UnknownObjectException):
        await asyncio.to_thread(ask, TOKEN, "someone/else")
    anonymous = await fetch(host.wire, f"/repos/{NAME}", query={}, headers={"Authorization": ""})
    assert (anonymous.status, anonymous.json()["message"]) == (401, "Requires authentication")


async def test_nothing_can_be_written(host: Host) -> None:
    def write() -> object:
        with host.client() as github:
            return github.get_repo(NAME).create_file("new.txt", "why", "what")

    with pytest.raises(GithubException) as refused:
        await asyncio.to_thread(write)
    assert refused.value.status == 403
    asked = [(line["request"], line["status"]) for line in host.log.read("github")]
    assert asked[-1] == (f"PUT /repos/{NAME}/contents/new.txt", 403)


async def test_limit_is_told_and_refused_when_enforced(tmp_path: Path) -> None:
    log = RequestLog(tmp_path / "requests.jsonl")
    app = build_github(small_scenario(), log, token=TOKEN, limits=RateLimits(enforced=True))
    headers = {"Authorization": f"token {TOKEN}"}
    query = {"q": f"loafers repo:{NAME}"}
    async with (
        served(app) as address,
        aiohttp.ClientSession(address, headers=headers) as wire,
    ):
        answers = [await fetch(wire, "/search/code", query=query, headers={}) for _ in range(11)]
    assert [answer.status for answer in answers] == [200] * 10 + [403]
    assert answers[0].headers["x-ratelimit-remaining"] == "9"
    assert answers[0].headers["x-ratelimit-resource"] == "code_search"
    assert "rate limit exceeded" in answers[10].json()["message"]
