"""The tools of the github server, called directly, against the GitHub stand-in over HTTP."""

import asyncio
import contextlib
import re
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from pydantic import SecretStr
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from services.toolrunner.gaps import mark_for
from services.toolrunner.servers.changes import MAX_DIFF, MAX_FILE_DIFF, changed_files
from services.toolrunner.servers.not_read import NotRead
from services.toolrunner.servers.repository import Repository
from services.toolrunner.servers.settings import ServersSettings
from simulator.faults import Fault, Faults
from simulator.github import build_github
from simulator.request_log import RequestLog
from simulator.scenario import load_scenario
from tests.toolrunner.foreign import serving

SCENARIO = load_scenario("cart-loafers")
NAME = SCENARIO.repository.name
STORE = "src/cartservice/src/cartstore/RedisCartStore.cs"
GUARD, BEFORE, FIRST = (SCENARIO.repository.commits[index].sha for index in (0, 1, 3))
NO_REFS = (
    *("a..b", "-x", "a b", "x:y", "main^{tree}", "main~1", "a//b", "a/.b", "x.lock", "x/", "x\n"),
    *("refs/pull/7/head", "pull/7", "%6dain", "x" * 256, "@{u}", "é"),
)
TOKEN = "-".join(("token", "of", "the", "tests"))
OURS = "x" * 16


def reader(port: int, *, token: str = TOKEN, name: str = NAME) -> Repository:
    """The tools, with GitHub at that port."""
    values = {
        "servers_token": SecretStr(OURS),
        "repository": name,
        "GITHUB_API_URL": f"http://127.0.0.1:{port}",
        "GITHUB_TOKEN": SecretStr(token),
    }
    return Repository(ServersSettings.model_validate(values))


@dataclass
class Host:
    """The stand-in, and the tools that read from it."""

    port: int
    log: RequestLog
    faults: Faults
    tools: Repository

    async def ask(self, tool: Callable[..., str], **arguments: object) -> str:
        """What a tool answers; `error: ` before it when it read nothing, `~ ` before a remark."""
        try:
            said = await asyncio.to_thread(tool, **arguments)
            return said.replace(f"-- {mark_for(f'Bearer {OURS}')} ", "")
        except NotRead as error:
            return f"error: {error}"


@pytest.fixture
async def github(tmp_path: Path) -> AsyncIterator[Host]:
    log, faults = RequestLog(tmp_path / "requests.jsonl"), Faults()
    async with serving(build_github(SCENARIO, log, token=TOKEN, faults=faults)) as port:
        yield Host(port, log, faults, reader(port))


async def test_a_part_of_a_file_has_the_line_numbers_of_the_file(github: Host) -> None:
    part = await github.ask(github.tools.get_file_contents, path=STORE, start_line=33, end_line=34)
    head, brace, throws = part.split("\n")
    assert head == f"{STORE} lines 33-34 of 81"
    assert brace == "33:             {"
    assert throws == '34:                 throw new Exception("Loafers cannot be added to a cart");'
    beyond = await github.ask(github.tools.get_file_contents, path=STORE, start_line=82)
    assert beyond == f"error: {STORE} has 81 lines"
    turned = await github.ask(github.tools.get_file_contents, path=STORE, start_line=9, end_line=8)
    assert turned == "error: start_line must not come after end_line"


async def test_a_file_is_read_as_it_was_at_a_revision(github: Host) -> None:
    ask, read = github.ask, github.tools.get_file_contents
    deployed = await ask(read, path=STORE, ref=GUARD[:7])
    before = await ask(read, path=STORE, ref=BEFORE)
    assert "Loafers" in deployed
    assert before != deployed
    assert "Loafers" not in before
    assert (await ask(read, path=STORE, ref="main")) == deployed
    assert (await ask(read, path=STORE, ref="v0.10.6")) == before
    unknown = await ask(read, path=STORE, ref="v9")
    assert unknown.startswith(f"error: GitHub knows no file {STORE} at v9 in {NAME} (404): ")


async def test_what_is_no_name_of_a_revision_is_never_asked_for(github: Host) -> None:
    tools, said = github.tools, set[str]()
    for ref in NO_REFS:
        said.add(await github.ask(tools.get_file_contents, path=STORE, ref=ref))
        said.add(await github.ask(tools.get_file_blame, path=STORE, ref=ref))
        said.add(await github.ask(tools.list_commits, sha=ref))
        said.add(await github.ask(tools.get_commit, sha=ref))
    assert said == {"error: ref must be a branch, tag or commit of the repository"}
    assert github.log.read() == []


async def test_a_commit_shows_its_message_and_what_it_changed(github: Host) -> None:
    lines = (await github.ask(github.tools.get_commit, sha=GUARD[:7])).split("\n")
    assert lines[0].startswith(f"commit {GUARD} at=")
    assert lines[0].endswith(f'author="Mira Lindqvist" parents={BEFORE}')
    assert lines[1] == "cartservice: do not sell loafers while their photos are redone"
    head = lines.index(f"file {STORE} modified +8 -0")
    assert lines[head + 1].startswith("@@ -13,6 +13,9 @@")
    assert '+                throw new Exception("Loafers cannot be added to a cart");' in lines
    assert len([line for line in lines if line.startswith("+")]) == 8


async def test_a_commit_can_be_asked_about_one_path(github: Host) -> None:
    whole = await github.ask(github.tools.get_commit, sha="c7a4f31")
    one = await github.ask(github.tools.get_commit, sha="c7a4f31", path="src/cartservice/README.md")
    other = await github.ask(github.tools.get_commit, sha="c7a4f31", path="README.md")
    assert len([line for line in whole.split("\n") if line.startswith("file ")]) == 3
    assert one.split("\n")[-2:] == [
        "file src/cartservice/README.md modified +0 -0",
        "~ (src/cartservice/README.md: no diff: binary, too large or mode only)",
    ]
    assert other == "error: commit c7a4f31 did not change README.md"
    unknown = await github.ask(github.tools.get_commit, sha="d" * 40)
    assert unknown.startswith(f"error: GitHub answered 422 for commit {'d' * 40}: No commit found")


def hunk(number: int, lines: int) -> str:
    """One hunk that adds that many lines."""
    return "\n".join(
        [f"@@ -{number},0 +{number},{lines} @@", *(f"+{'x' * 40}" for _ in range(lines))]
    )


def test_a_long_diff_ends_after_a_whole_hunk_and_says_what_is_missing() -> None:
    patch = "\n".join(hunk(number, 50) for number in range(1, 11))
    files: list[Mapping[str, object]] = [
        {"filename": name, "status": "modified", "patch": patch} for name in "abcde"
    ]
    rows = list(changed_files([*files]))
    assert sum(map(len, rows)) < MAX_DIFF + 1000
    assert rows[1] == "\n".join(hunk(number, 50) for number in range(1, 4))
    assert (
        rows[2] == "(a: 3 of 10 hunks shown, 357 of 510 lines left out; ask for it alone by path)"
    )
    assert len(rows[1]) < MAX_FILE_DIFF
    alone = list(changed_files(files[:1]))
    assert alone[1] == patch
    (_, line, note) = changed_files([{"filename": "a", "patch": hunk(1, 2000)}])
    assert line.count("\n") < 800
    assert note.startswith("(a: the diff has 1 hunks, ")
    last = list(changed_files([*files, *files]))
    assert (
        last[-1]
        == "(e: the diff has 10 hunks, 510 of 510 lines left out; ask for it alone by path)"
    )


async def test_blame_names_the_commit_of_each_line_as_the_diffs_have_it(github: Host) -> None:
    blame = github.tools.get_file_blame
    lines = (await github.ask(blame, path=STORE)).split("\n")
    spans = [(line.split()[1], line.split()[3][:7]) for line in lines]
    old, new = FIRST[:7], GUARD[:7]
    assert spans == [("1-15", old), ("16-18", new), ("19-30", old), ("31-35", new), ("36-81", old)]
    assert lines[1].endswith(
        'author="Mira Lindqvist" '
        "message=cartservice: do not sell loafers while their photos are redone"
    )
    (part,) = (await github.ask(blame, path=STORE, start_line=32, end_line=34)).split("\n")
    assert part.startswith(f"lines 32-34 commit {GUARD} at=")
    (before,) = (await github.ask(blame, path=STORE, ref=BEFORE)).split("\n")
    assert before.startswith(f"lines 1-73 commit {FIRST} ")
    tagged = await github.ask(blame, path=STORE, ref="v0.10.6")
    # The stand-in's commits have an age, so that their times move on between two answers.
    assert without_time(tagged) == without_time(before)


def without_time(row: str) -> str:
    return re.sub(r" at=\S+", "", row)


async def test_blame_of_what_is_not_there_is_one_sentence(github: Host) -> None:
    blame = github.tools.get_file_blame
    missing = await github.ask(blame, path="nope.txt", ref="main")
    assert missing.startswith(f"error: GitHub knows no blame of nope.txt at main in {NAME} (Could")
    no_commit = await github.ask(blame, path=STORE, ref="v9")
    beyond = await github.ask(blame, path=STORE, start_line=500)
    for answer in (no_commit, beyond):
        assert answer.endswith(": there is no such commit, file or line")
    assert "needs the path of a file" in await github.ask(blame, path="/")


async def test_a_refusal_of_graphql_is_told_as_what_it_is(github: Host) -> None:
    async def refused(fault: str) -> str:
        github.faults.plan(Fault(stand_in="github", fault=fault, where="/graphql"))
        return await github.ask(github.tools.get_file_blame, path=STORE)

    limit = "error: GitHub's rate limit is reached; nothing was read; "
    assert (await refused("rate_limited")).startswith(f"{limit}the limit resets at 2")
    assert (await refused("secondary_limit")) == f"{limit}it can be asked again in 60 s"
    assert (await refused("bad_credentials")).startswith("error: GitHub refused GITHUB_TOKEN (401)")
    assert (await refused("forbidden")).startswith("error: missing permission: contents: read on")
    assert (await refused("server_error")).startswith("error: GitHub answered 502 for blame of ")
    other = reader(github.port, name="somebody/else")
    unknown = await github.ask(other.get_file_blame, path=STORE)
    assert "Could not resolve to a Repository with the name 'somebody/else'." in unknown
    nobody = await github.ask(reader(github.port, token="").get_file_blame, path=STORE)
    assert nobody.endswith("without a token: GITHUB_TOKEN is not set")


async def test_commits_can_be_asked_for_by_time_and_up_to_a_commit(github: Host) -> None:
    async def shas(**arguments: object) -> list[str]:
        answer = await github.ask(github.tools.list_commits, **arguments)
        return [line.split()[1] for line in answer.split("\n") if line]

    everything = [commit.sha for commit in SCENARIO.repository.commits]
    assert await shas() == everything
    assert await shas(limit=2) == everything[:2]
    assert await shas(sha=everything[1]) == everything[1:]
    now = datetime.now(UTC)
    a_day_ago, a_week_ago = ((now - timedelta(days=days)).isoformat() for days in (1, 7))
    assert await shas(since=a_day_ago) == everything[:1]
    assert await shas(since=a_week_ago, until=a_day_ago) == everything[1:3]
    assert await shas(until=(now - timedelta(days=7)).date().isoformat()) == everything[3:]
    for odd in ("yesterday", "2026-13-01", "1", "2026-11-29T18:00:00Z\n", "0001-01-01T00:00+23:00"):
        answer = await github.ask(github.tools.list_commits, since=odd)
        assert answer.startswith("error: ")
        assert "time" in answer


async def test_a_search_says_that_it_knows_the_default_branch_only(github: Host) -> None:
    found = (await github.ask(github.tools.search_code, query="GetCart")).split("\n")
    nothing = await github.ask(github.tools.search_code, query="nowhere")
    assert found[0].endswith(
        "(GitHub searches the default branch only; another revision may differ)"
    )
    assert nothing.startswith("~ 0 of 0 files (GitHub searches the default branch only")
    for query in ('"open', "a\nb", "repo:a/b x"):
        assert (await github.ask(github.tools.search_code, query=query)).startswith("error: the ")
    sent = [str(line["query"]) for line in github.log.read()]
    assert all("q=repo%3A" in query for query in sent)
    assert len(sent) == 2


@contextlib.asynccontextmanager
async def sending_on(target: str) -> AsyncIterator[int]:
    """A GitHub that sends every request on, with the status that the repository is named after."""

    async def away(request: Request) -> Response:
        asked = request.path_params["rest"] + str(request.query_params) + str(await request.body())
        return RedirectResponse(target, int(asked.partition("status-")[2][:3]))

    routes = [Route("/{rest:path}", away, methods=["GET", "POST"])]
    async with serving(Starlette(routes=routes)) as port:
        yield port


async def test_a_redirect_to_another_host_is_not_followed(github: Host) -> None:
    target, said = f"http://localhost:{github.port}/repos/{NAME}/contents/README.md", set[str]()
    async with sending_on(target) as port:
        for status in (301, 302, 303, 307, 308):
            tools = reader(port, name=f"x/status-{status}")
            said.add(await github.ask(tools.get_file_contents, path="README.md"))
            said.add(await github.ask(tools.get_commit, sha="main"))
            said.add(await github.ask(tools.get_file_blame, path=STORE))
            said.add(await github.ask(tools.search_code, query="x"))
    assert said == {
        "error: GitHub sends to another address, which is not followed; nothing was read"
    }
    assert github.log.read() == []
