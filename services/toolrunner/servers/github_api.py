"""GitHub's API about the one repository: its answers as JSON, and what went wrong as one sentence.

No redirect to another host is followed, and none at all that GitHub calls temporary.
"""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import TypeVar

from github import Auth, Github, GithubException
from github.Requester import Requester
from requests import RequestException
from requests.exceptions import ChunkedEncodingError

from services.toolrunner.servers.not_read import NotRead
from services.toolrunner.servers.rows import Fields, each, moment, text
from services.toolrunner.servers.settings import ServersSettings

T = TypeVar("T")
Headers = Mapping[str, str]
ELSEWHERE = "GitHub sends to another address, which is not followed; nothing was read"


class GithubApi:
    """Asks in the name of the one configured repository; everything raises NotRead."""

    def __init__(self, settings: ServersSettings) -> None:
        self._settings = settings

    @property
    def repository(self) -> str:
        """The one repository, as `owner/name`; empty: none may be read."""
        return self._settings.repository

    def get(
        self,
        below: str,
        parameters: dict[str, str] | None = None,
        *,
        what: str,
        media: str = "application/vnd.github+json",
    ) -> tuple[Headers, object]:
        """Headers and JSON of what lies `below` the repository, or of a search (`/search/…`)."""
        address = below if below.startswith("/search/") else f"/repos/{self.repository}{below}"
        headers = {"Accept": media}

        def ask(requester: Requester) -> tuple[Headers, object]:
            return requester.requestJsonAndCheck("GET", address, parameters, headers)

        told, found = self._asked(what, ask)
        if "location" in told:
            raise NotRead(ELSEWHERE)
        return told, found

    def graphql(self, query: str, variables: dict[str, str], *, what: str) -> Fields:
        """The `repository` that a GraphQL query asks for; its name is among the variables."""
        if not self._settings.github_token.get_secret_value():
            raise NotRead(f"GitHub gives no {what} without a token: GITHUB_TOKEN is not set")
        owner, _, name = self.repository.partition("/")
        body = {"query": query, "variables": variables | {"owner": owner, "name": name}}

        def ask(requester: Requester) -> tuple[Headers, object]:
            return requester.requestJsonAndCheck("POST", requester.graphql_url, input=body)

        told, found = self._asked(what, ask)
        if "location" in told:
            raise NotRead(ELSEWHERE)
        answer = found if isinstance(found, Mapping) else {}
        for error in each(answer, "errors"):
            raise NotRead(self._refused(what, error, told=told))
        repository = answer.get("data")
        inner = repository.get("repository") if isinstance(repository, Mapping) else None
        if not isinstance(inner, Mapping):
            raise NotRead(f"GitHub's answer holds no {what}; ask again")
        return inner

    def _asked(self, what: str, ask: Callable[[Requester], T]) -> T:
        if not self.repository:
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
                return ask(github.requester)
        except GithubException as error:
            raise NotRead(self._sentence(what, error)) from None
        except ChunkedEncodingError:
            raise NotRead(
                f"GitHub's answer is cut: it broke off ({what}); nothing of it is shown; ask again"
            ) from None
        except (RequestException, OSError) as error:
            reason = f"{type(error).__name__}: {error}"[:300]
            raise NotRead(f"GitHub is not reachable; nothing was read: {reason}") from None
        except (RuntimeError, AssertionError):
            # So says PyGithub what it refuses to follow.
            raise NotRead(ELSEWHERE) from None

    def _sentence(self, what: str, error: GithubException) -> str:
        message = error.data.get("message", "") if isinstance(error.data, dict) else str(error.data)
        if error.status == 429 or (error.status == 403 and "rate limit" in str(message).lower()):
            return _limit(error.headers or {})
        if error.status == 403 and _is_too_large(error):
            return f"GitHub does not give {what}: it is larger than 100 MB"
        if error.status == 401:
            return "GitHub refused GITHUB_TOKEN (401); nothing was read"
        if error.status == 403:
            return self._missing(what, "403")
        if error.status == 404:
            return self._unknown(what, "404")
        return f"GitHub answered {error.status} for {what}: {str(message)[:300]}"

    def _refused(self, what: str, error: Fields, *, told: Headers) -> str:
        kind, message = text(error, "type"), text(error, "message")
        if kind == "RATE_LIMITED" or "rate limit" in message.lower():
            return _limit(told)
        if kind in ("FORBIDDEN", "INSUFFICIENT_SCOPES"):
            return self._missing(what, kind)
        if kind == "NOT_FOUND":
            return self._unknown(what, message[:200])
        return f"GitHub did not answer for {what}: {message[:300]}"

    def _missing(self, what: str, said: str) -> str:
        return (
            f"missing permission: contents: read on {self.repository} ({what}; GitHub said {said})"
        )

    def _unknown(self, what: str, said: str) -> str:
        hint = f"it is not there, or the token has no contents: read on {self.repository}"
        return f"GitHub knows no {what} in {self.repository} ({said}): {hint}"


def _limit(headers: Headers) -> str:
    return f"GitHub's rate limit is reached; nothing was read; {_wait(headers)}"


def _wait(headers: Headers) -> str:
    """When GitHub can be asked again, as far as its answer says."""
    if seconds := headers.get("retry-after", ""):
        return f"it can be asked again in {seconds[:20]} s"
    reset = headers.get("x-ratelimit-reset", "")
    if headers.get("x-ratelimit-remaining") == "0" and reset.isdecimal() and len(reset) < 12:
        return f"the limit resets at {moment(datetime.fromtimestamp(int(reset), UTC))}"
    return "GitHub does not say for how long"


def _is_too_large(error: GithubException) -> bool:
    fields = error.data if isinstance(error.data, dict) else {}
    return any(row.get("code") == "too_large" for row in each(fields, "errors"))
