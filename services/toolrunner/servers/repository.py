"""The github server: files, code search and commits of the one configured repository, read only."""

import re
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from itertools import islice
from typing import Annotated, TypeVar

from github import Auth, Github, GithubException, GithubObject
from github.ContentFile import ContentFile
from github.Repository import Repository as GithubRepository
from pydantic import Field
from requests import RequestException
from requests.exceptions import ChunkedEncodingError

from services.toolrunner.servers.not_read import NotRead
from services.toolrunner.servers.rows import moment, row
from services.toolrunner.servers.settings import ServersSettings

T = TypeVar("T")
MAX_PATH = 512
MAX_FOUND = 30
_REF = re.compile(r"^(?!.*\.\.)[A-Za-z0-9][A-Za-z0-9._/-]{0,254}$")
_ELSEWHERE = re.compile(r"\b(repo|org|user|enterprise|owner|fork|is|archived)\s*:", re.IGNORECASE)


class Repository:
    """The tools of the github server; each blocks, and raises NotRead with one sentence."""

    def __init__(self, settings: ServersSettings) -> None:
        self._settings = settings

    def get_file_contents(self, path: str, ref: str | None = None) -> str:
        """A file of the repository at `ref` (default branch), or the entries of a folder."""
        path = _inside(path)
        if ref is not None and not _REF.match(ref):
            raise NotRead("ref must be a branch, tag or commit of the repository")

        def read(repository: GithubRepository) -> str:
            found = repository.get_contents(path, ref=ref or GithubObject.NotSet)
            if isinstance(found, list):
                return "\n".join(
                    row(f"{entry.type} {entry.path}", size=entry.size) for entry in found
                )
            return _content_of(found)

        return self._ask(f"file {path or '/'}", lambda github: read(self._repository(github)))

    def search_code(self, query: Annotated[str, Field(min_length=1, max_length=200)]) -> str:
        """Files of the repository that hold the words, with the lines around them."""
        if _ELSEWHERE.search(query):
            raise NotRead("the search stays in the one repository: leave repo:, org:, user: … out")

        def read(github: Github) -> str:
            found = github.search_code(f"{query} repo:{self._name}", highlight=True)
            ours = (item for item in islice(found, MAX_FOUND) if self._is_ours(item))
            return "\n".join(line for item in ours for line in _match_rows(item))

        return self._ask("code search", read)

    def list_commits(
        self, path: str | None = None, limit: Annotated[int, Field(ge=1, le=50)] = 10
    ) -> str:
        """The newest commits, or those that changed `path`, newest first."""
        only = _inside(path) if path else ""

        def read(repository: GithubRepository) -> str:
            found = repository.get_commits(path=only or GithubObject.NotSet)
            return "\n".join(
                row(
                    f"commit {commit.sha}",
                    at=moment(commit.commit.author.date),
                    author=commit.commit.author.name,
                    message=commit.commit.message,
                )
                for commit in islice(found, limit)
            )

        return self._ask("commits", lambda github: read(self._repository(github)))

    @property
    def _name(self) -> str:
        return self._settings.repository

    def _repository(self, github: Github) -> GithubRepository:
        return github.get_repo(self._name)

    def _is_ours(self, item: ContentFile) -> bool:
        return item.repository.full_name.lower() == self._name.lower()

    def _ask(self, what: str, read: Callable[[Github], T]) -> T:
        if not self._name:
            raise NotRead("no repository may be read: NIGHTSHIFT_REPOSITORY is not set")
        token = self._settings.github_token.get_secret_value()
        try:
            with Github(
                auth=Auth.Token(token) if token else None,
                base_url=self._settings.github_api_url.rstrip("/"),
                timeout=self._settings.answer_seconds,
                retry=None,
                seconds_between_requests=None,
                lazy=True,
            ) as github:
                return read(github)
        except GithubException as error:
            raise NotRead(self._sentence(what, error)) from None
        except ChunkedEncodingError:
            raise NotRead(
                f"GitHub's answer is cut: it broke off ({what}); nothing of it is shown; ask again"
            ) from None
        except (RequestException, OSError) as error:
            reason = f"{type(error).__name__}: {error}"[:300]
            raise NotRead(f"GitHub is not reachable; nothing was read: {reason}") from None

    def _sentence(self, what: str, error: GithubException) -> str:
        message = error.data.get("message", "") if isinstance(error.data, dict) else str(error.data)
        if error.status == 429 or (error.status == 403 and "rate limit" in str(message).lower()):
            return f"GitHub's rate limit is reached; nothing was read; {_wait(error)}"
        if error.status == 403 and _is_too_large(error):
            return f"GitHub does not give {what}: it is larger than 100 MB"
        if error.status == 401:
            return "GitHub refused GITHUB_TOKEN (401); nothing was read"
        if error.status == 403:
            return f"missing permission: contents: read on {self._name} ({what}; GitHub said 403)"
        if error.status == 404:
            hint = f"it is not there, or the token has no contents: read on {self._name}"
            return f"GitHub knows no {what} in {self._name} (404): {hint}"
        return f"GitHub answered {error.status} for {what}: {str(message)[:300]}"


def _wait(error: GithubException) -> str:
    """When GitHub can be asked again, as far as its answer says."""
    headers = error.headers or {}
    if seconds := headers.get("retry-after", ""):
        return f"it can be asked again in {seconds[:20]} s"
    reset = headers.get("x-ratelimit-reset", "")
    if headers.get("x-ratelimit-remaining") == "0" and reset.isdecimal() and len(reset) < 12:
        return f"the limit resets at {moment(datetime.fromtimestamp(int(reset), UTC))}"
    return "GitHub does not say for how long"


def _is_too_large(error: GithubException) -> bool:
    errors = error.data.get("errors") if isinstance(error.data, dict) else None
    rows = errors if isinstance(errors, list) else []
    return any(isinstance(row, dict) and row.get("code") == "too_large" for row in rows)


def _inside(path: str) -> str:
    plain = path.strip().removeprefix("./").rstrip("/")
    parts = plain.split("/")
    bad = (
        len(plain) > MAX_PATH
        or plain.startswith(("/", "~"))
        or any(part in ("..", ".") for part in parts)
        or ("" in parts and plain not in ("", "."))
        or any(character in plain for character in "%\\")
        or any(ord(character) < 32 or ord(character) == 127 for character in plain)
    )
    if bad and plain != ".":
        raise NotRead(
            f"path must lie in the repository: relative, at most {MAX_PATH} characters, "
            "without '..', '%', '\\' or control characters"
        )
    return "" if plain == "." else plain


def _content_of(found: ContentFile) -> str:
    if found.type != "file":
        raise NotRead(f"{found.path} is a {found.type}, not a file")
    if found.encoding != "base64":
        raise NotRead(f"{found.path} has {found.size} bytes, more than GitHub gives as contents")
    try:
        return found.decoded_content.decode()
    except UnicodeDecodeError:
        raise NotRead(f"{found.path} is not text") from None


def _match_rows(item: ContentFile) -> Iterator[str]:
    yield row(f"file {item.path}", sha=item.sha)
    matches: object = item.text_matches
    for match in matches if isinstance(matches, list) else []:
        for line in str(match.get("fragment", "")).split("\n"):
            if line.strip():
                yield f"{item.path}: {line.rstrip()}"
