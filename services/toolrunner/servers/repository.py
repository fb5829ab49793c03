"""The github server: files, code search, commits and blame of the one repository, read only.

Tools and arguments have the names of GitHub's own server where it has them; `limit` stands for its
pages, and the repository is no argument.
"""

import base64
import binascii
import re
from collections.abc import Iterator
from functools import cached_property
from typing import TYPE_CHECKING, Annotated
from urllib.parse import quote

from pydantic import Field

from services.toolrunner.remarks import Remark, written
from services.toolrunner.servers.changes import changed_files
from services.toolrunner.servers.not_read import NotRead
from services.toolrunner.servers.paths import MAX_PATH, inside, revision
from services.toolrunner.servers.rows import Fields, at, each, fields_of, moment, row, text
from services.toolrunner.servers.settings import ServersSettings
from services.toolrunner.servers.times import moment_of

if TYPE_CHECKING:
    from services.toolrunner.servers.github_api import GithubApi

MAX_FOUND = 30
MAX_LINE = 1_000_000
MAX_MESSAGE = 300
NOTE = "(GitHub searches the default branch only; another revision may differ)"
_ELSEWHERE = re.compile(r"\b(repo|org|user|enterprise|owner|fork|is|archived)\s*:", re.IGNORECASE)
_BLAME = """
query($owner: String!, $name: String!, $ref: String!, $path: String!) {
  repository(owner: $owner, name: $name) {
    object(expression: $ref) { ...blamed ... on Tag { target { ...blamed } } }
  }
}
fragment blamed on Commit {
  blame(path: $path) {
    ranges { startingLine endingLine commit { oid committedDate messageHeadline author { name } } }
  }
}
"""
Path = Annotated[str, Field(max_length=MAX_PATH)]
Ref = Annotated[str, Field(max_length=255)]
Moment = Annotated[str, Field(max_length=40)]
FirstLine = Annotated[int, Field(ge=1, le=MAX_LINE)]
LastLine = Annotated[int, Field(ge=0, le=MAX_LINE)]


class Repository:
    """The tools of the github server; each blocks, and raises NotRead with one sentence."""

    def __init__(self, settings: ServersSettings) -> None:
        self._settings = settings
        self._mark = settings.mark

    @cached_property
    def _api(self) -> "GithubApi":
        # As in `cluster`: the library is loaded when it is needed.
        from services.toolrunner.servers.github_api import GithubApi

        return GithubApi(self._settings)

    def get_file_contents(
        self,
        path: Path,
        ref: Ref = "",
        *,
        start_line: FirstLine = 1,
        end_line: LastLine = 0,
    ) -> str:
        """A file, some of its lines, or a folder; `ref`: branch, tag, SHA."""
        path, parameters = inside(path), {"ref": revision(ref)} if ref else {}
        wanted = _window(start_line, end_line)
        what = f"file {path or '/'}" + (f" at {ref}" if ref else "")
        _, found = self._api.get(f"/contents/{quote(path)}", parameters, what=what)
        if isinstance(found, list):
            entries = [fields_of(entry) for entry in found]
            return "\n".join(
                row(f"{text(entry, 'type')} {text(entry, 'path')}", size=at(entry, "size"))
                for entry in entries
            )
        content = _content_of(fields_of(found))
        return content if wanted is None else "\n".join(_lines(path, content, window=wanted))

    def search_code(self, query: Annotated[str, Field(min_length=1, max_length=200)]) -> str:
        """Files on the default branch that hold the words."""
        if _ELSEWHERE.search(query):
            raise NotRead("the search stays in the one repository: leave repo:, org:, user: … out")
        if query.count('"') % 2 or not query.isprintable():
            raise NotRead("the query needs both quotes of a phrase, and no control characters")
        asked = {"q": f"repo:{self._api.repository} {query}", "per_page": str(MAX_FOUND)}
        media = "application/vnd.github.text-match+json"
        _, found = self._api.get("/search/code", asked, what="code search", media=media)
        answer = fields_of(found)
        ours = [item for item in each(answer, "items") if self._is_ours(item)]
        total = at(answer, "total_count")
        head = Remark(f"{len(ours)} of {total} files {NOTE}")
        lines = (line for item in ours for line in _match_rows(item))
        return written([head, *lines], mark=self._mark)

    def list_commits(
        self,
        path: Path = "",
        limit: Annotated[int, Field(ge=1, le=50)] = 10,
        *,
        sha: Ref = "",
        since: Moment = "",
        until: Moment = "",
    ) -> str:
        """Commits up to `sha`, newest first; those that changed `path`."""
        asked = {"path": inside(path) if path else "", "sha": revision(sha) if sha else ""}
        for bound, time in (("since", since), ("until", until)):
            asked[bound] = moment(moment_of(time)) if time else ""
        given = {name: value for name, value in asked.items() if value}
        what = f"commits of {sha}" if sha else "commits"
        _, found = self._api.get("/commits", given | {"per_page": str(limit)}, what=what)
        commits = [fields_of(commit) for commit in found] if isinstance(found, list) else []
        return "\n".join(_commit_row(commit) for commit in commits[:limit])

    def get_commit(self, sha: Ref, path: Path = "") -> str:
        """A commit's message, files, diff; of `path` alone."""
        only, name = inside(path) if path else "", revision(sha)
        what = f"commit {name}"
        told, found = self._api.get(f"/commits/{quote(name, safe='')}", what=what)
        commit = fields_of(found)
        files = each(commit, "files")
        if only:
            files = [file for file in files if only in (text(file, "filename"), _was(file))]
            if not files:
                raise NotRead(f"{what} did not change {only}")
        said = Remark("(it changed more files than GitHub lists at once)")
        more = [said] if "link" in told else []
        parents = ",".join(text(parent, "sha") for parent in each(commit, "parents"))
        head = row(_commit_row(commit, message=False), parents=parents)
        message = text(commit, "commit.message").strip()
        return written([head, message, *changed_files(files), *more], mark=self._mark)

    def get_file_blame(
        self,
        path: Path,
        ref: Ref = "",
        *,
        start_line: FirstLine = 1,
        end_line: LastLine = 0,
    ) -> str:
        """Which commit last changed each line of a file."""
        path, name = inside(path), revision(ref) if ref else "HEAD"
        first, last = _window(start_line, end_line) or (1, MAX_LINE)
        if not path:
            raise NotRead("blame needs the path of a file")
        what = f"blame of {path} at {name}"
        repository = self._api.graphql(_BLAME, {"ref": name, "path": path}, what=what)
        commit = fields_of(at(repository, "object"))
        commit = fields_of(at(commit, "target") or commit)
        rows = list(_blame_rows(each(commit, "blame.ranges"), first, last=last))
        if not rows:
            raise NotRead(f"GitHub knows no {what}: there is no such commit, file or line")
        return "\n".join(rows)

    def _is_ours(self, item: Fields) -> bool:
        return text(item, "repository.full_name").lower() == self._api.repository.lower()


def _window(first: int, last: int) -> tuple[int, int] | None:
    """The lines that are wanted; None for all, which is the default, with 0 for the last one."""
    if (first, last) == (1, 0):
        return None
    if last and first > last:
        raise NotRead("start_line must not come after end_line")
    return first, last or MAX_LINE


def _lines(path: str, content: str, *, window: tuple[int, int]) -> Iterator[str]:
    """The lines of the window under their numbers in the file, which others count too."""
    lines = content.removesuffix("\n").split("\n")
    first, last = window[0], min(window[1], len(lines))
    if first > len(lines):
        raise NotRead(f"{path} has {len(lines)} lines")
    yield f"{path} lines {first}-{last} of {len(lines)}"
    for number in range(first, last + 1):
        yield f"{number}: {lines[number - 1]}"


def _commit_row(commit: Fields, *, message: bool = True) -> str:
    said = text(commit, "commit.message") if message else ""
    if len(said) > MAX_MESSAGE:
        said = f"{said[:MAX_MESSAGE]}…"
    return row(
        f"commit {text(commit, 'sha')}",
        at=text(commit, "commit.author.date"),
        author=text(commit, "commit.author.name"),
        message=said,
    )


def _was(file: Fields) -> str:
    return text(file, "previous_filename")


def _blame_rows(ranges: list[Fields], first: int, *, last: int) -> Iterator[str]:
    for found in ranges:
        start, end = at(found, "startingLine"), at(found, "endingLine")
        if not isinstance(start, int) or not isinstance(end, int) or start > last or end < first:
            continue
        commit = fields_of(at(found, "commit"))
        yield row(
            f"lines {max(start, first)}-{min(end, last)} commit {text(commit, 'oid')}",
            at=text(commit, "committedDate"),
            author=text(commit, "author.name"),
            message=text(commit, "messageHeadline")[:MAX_MESSAGE],
        )


def _content_of(found: Fields) -> str:
    path, kind = text(found, "path"), text(found, "type")
    if kind != "file":
        raise NotRead(f"{path} is a {kind}, not a file")
    if text(found, "encoding") != "base64":
        raise NotRead(f"{path} has {text(found, 'size')} bytes, more than GitHub gives as contents")
    try:
        return base64.b64decode(text(found, "content")).decode()
    except (UnicodeDecodeError, binascii.Error):
        raise NotRead(f"{path} is not text") from None


def _match_rows(item: Fields) -> Iterator[str]:
    path = text(item, "path")
    yield row(f"file {path}", sha=text(item, "sha"))
    for match in each(item, "text_matches"):
        for line in text(match, "fragment").split("\n"):
            if line.strip():
                yield f"{path}: {line.rstrip()}"
