"""T5: whatever a model writes into the arguments, GitHub is asked for the one repository only."""

import asyncio
import json
import posixpath
import random
import re
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from urllib.parse import parse_qs

import pytest

from services.toolrunner.servers.not_read import NotRead
from services.toolrunner.servers.repository import Repository
from simulator.github import build_github
from simulator.request_log import RequestLog
from tests.lane import Figures, Lane
from tests.toolrunner.foreign import serving
from tests.toolrunner.test_github_server import NAME, SCENARIO, STORE, TOKEN, reader

SAMPLE, CASES = 400, 2_400
_SCOPE = re.compile(r"(?<!\w)(?:repo|org|user):", re.IGNORECASE)
PIECES = (
    *(
        "..",
        ".",
        "",
        "...",
        ". .",
        "..;",
        "%2e%2e",
        "%2E%2e",
        "..%2f",
        "%252e%252e",
        "\uff0e\uff0e",
        "..\\",
    ),
    *("..\x00", "\x00", "\n", "\r\n", "\t", "\u202e", "\u200b", "~", "~root", "src", "README.md"),
    *(
        "repos",
        "git",
        "contents",
        "other",
        "secrets",
        "somebody",
        "else",
        "user",
        "graphql",
        "HEAD",
    ),
    *(
        "?ref=main",
        "#",
        "?",
        "&",
        "a b",
        "x" * 600,
        "http:",
        "//evil.example",
        "@evil.example",
        ":",
    ),
    *(
        "main",
        "v1.0",
        "refs/pull/1/head",
        "refs/heads/main",
        "@{u}",
        "^{tree}",
        "main:x",
        "-",
        ".git",
    ),
    *('"', "'", "repo:other/secrets", "org:x", "user :me", "(repo:a/b)", "-repo:a/b", "OR", "NOT"),
    STORE,
    NAME,
)
STEPS = ("..", "..", "..", ".", "src", "repos", "other", "secrets", "contents", "README.md")
JOINTS = ("/", "/", "/", "\\", "%2f", "//", "/./", " ", "")
SENTENCES = (
    "path ",
    "ref ",
    "the search ",
    "the query ",
    "blame ",
    "a time ",
    "GitHub ",
    "commit ",
)


def word(dice: random.Random) -> str:
    """What somebody might write where a path, a revision or a query is wanted."""
    if dice.random() < 0.2:
        return "/".join(dice.choice(STEPS) for _ in range(dice.randint(2, 9)))
    parts = [dice.choice(PIECES) for _ in range(dice.randint(1, 5))]
    text = parts[0]
    for part in parts[1:]:
        text += dice.choice(JOINTS) + part
    return dice.choice(("", "", "", "/", "./", "../", " ", "src/")) + text


def cases(tools: Repository, dice: random.Random) -> tuple[Callable[..., str], dict[str, object]]:
    """One call with odd arguments, one of them odd for certain."""
    path = dice.choice((STORE, word(dice)))
    ref = dice.choice(("main", "", word(dice)))
    calls: list[tuple[Callable[..., str], dict[str, object]]] = [
        (tools.get_file_contents, {"path": word(dice), "ref": ref}),
        (tools.get_file_contents, {"path": path, "ref": word(dice), "start_line": 1}),
        (tools.list_commits, {"path": word(dice), "sha": ref, "since": dice.choice(("", "x"))}),
        (tools.get_commit, {"sha": word(dice), "path": dice.choice(("", path))}),
        (tools.get_file_blame, {"path": word(dice), "ref": ref}),
        (tools.get_file_blame, {"path": path, "ref": word(dice)}),
        (tools.search_code, {"query": word(dice)[:200]}),
    ]
    return dice.choice(calls)


def is_inside(line: dict[str, object]) -> bool:
    """Whether a request is one about the repository, however its path is read."""
    method, _, path = str(line["request"]).partition(" ")
    query = parse_qs(str(line.get("query", "")))
    if path == "/graphql":
        asked = json.loads(str(line["variables"]))
        return method == "POST" and f"{asked['owner']}/{asked['name']}" == NAME
    if path == "/search/code":
        (words,) = query["q"]
        return words.startswith(f"repo:{NAME} ") and len(_SCOPE.findall(words)) == 1
    below = f"/repos/{NAME}/"
    plain = posixpath.normpath(path)
    in_place = plain.startswith((f"{below}contents", f"{below}commits"))
    return (
        method == "GET" and in_place and path.rstrip("/") == plain and ".." not in path.split("/")
    )


def end_of(tool: Callable[..., str], arguments: dict[str, object], *, log: RequestLog) -> str:
    """How a call ended, and whether GitHub was asked; every refusal is one sentence of ours."""
    before = log.path.stat().st_size if log.path.exists() else 0
    try:
        tool(**arguments)
    except NotRead as refused:
        said = str(refused)
        sent = log.path.exists() and log.path.stat().st_size > before
        if not said.startswith(SENTENCES) or "\n" in said:
            return f"odd words: {said!r} to {arguments}"
        return "refused by GitHub" if sent else "refused before"
    return "answered"


@pytest.mark.timeout(60)
async def test_no_argument_leads_out_of_the_repository(
    lane: Lane, figures: Figures, tmp_path: Path
) -> None:
    dice, log = lane.random("paths"), RequestLog(tmp_path / "requests.jsonl")

    def ask_all(tools: Repository, count: int) -> Counter[str]:
        return Counter(end_of(*cases(tools, dice), log=log) for _ in range(count))

    async with serving(build_github(SCENARIO, log, token=TOKEN)) as port:
        ends = await asyncio.to_thread(ask_all, reader(port), lane.pick(SAMPLE, CASES))
    outside = [line for line in log.read() if not is_inside(line)]
    figures.add("T5", "requests outside of the repository", len(outside), 0)
    figures.add("T5", "calls with odd arguments", sum(ends.values()), ">= 2,000 in the full lane")
    for end, count in ends.items():
        figures.add("T5", end, count)
    assert outside == []
    assert set(ends) == {"answered", "refused before", "refused by GitHub"}
