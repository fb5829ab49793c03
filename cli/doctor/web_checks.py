"""Credentials that are asked over plain HTTP: the model API, Slack, GitHub; by harmless calls."""

import json
from dataclasses import dataclass, field
from typing import Any
from urllib.error import HTTPError
from urllib.request import HTTPRedirectHandler, Request, build_opener

from bus.cleaning import clean
from cli.doctor.finding import Finding, fail, ok, warn
from services.notifier.settings import Settings as NotifierSettings
from services.reasoner.settings import Settings as ReasonerSettings
from services.toolrunner.servers.settings import ServersSettings

SECONDS = 8
MOST_BYTES = 1_000_000
SCOPES = ("chat:write", "channels:history")
FILES = "files:write"
ANTHROPIC = "https://api.anthropic.com"


@dataclass
class Answer:
    """Status, JSON and headers of an answer; status 0 and a sentence where there was none."""

    status: int
    values: dict[str, Any] = field(default_factory=dict)
    headers: dict[str, str] = field(default_factory=dict)
    problem: str = ""


def check_model(settings: ReasonerSettings, *, is_wanted: bool) -> Finding:
    """Whether the key may ask the model; no reply is asked for, because a reply costs."""
    if settings.provider != "anthropic":
        what = f"{settings.model} at {settings.provider} is not asked from here"
        return warn("model", what, advice="start the reasoner: /readyz says why it cannot ask")
    return _check_key(settings, is_wanted=is_wanted)


def _check_key(settings: ReasonerSettings, *, is_wanted: bool) -> Finding:
    key = settings.anthropic_api_key.get_secret_value()
    token = settings.anthropic_auth_token.get_secret_value()
    if not key and not token:
        given = fail if is_wanted else warn
        return given("model", "no ANTHROPIC_API_KEY here", advice="set it for the reasoner")
    base = settings.anthropic_base_url.rstrip("/")
    headers = {"x-api-key": key} if key else {"authorization": f"Bearer {token}"}
    url = f"{base}/v1/models/{settings.model}"
    found = _ask(url, headers | {"anthropic-version": "2023-06-01"})
    base = clean(base)
    if found.status == 200:
        what = f"{settings.model} is open to this key at {base}; no reply was asked for"
        return ok("model", what)
    if found.status in (401, 403):
        return fail("model", f"{base} refuses the key ({found.status})", advice="set another key")
    if found.status == 404 and base != ANTHROPIC:
        what = f"{base} does not tell about {settings.model}"
        return warn("model", what, advice="check NIGHTSHIFT_MODEL; a gateway may list no models")
    if found.status == 404:
        what = f"there is no model {settings.model} for this key"
        return fail("model", what, advice="set NIGHTSHIFT_MODEL to one of yours")
    return _no_answer("model", base, found=found)


def check_slack(settings: NotifierSettings) -> Finding:
    """Whether the bot's token is good, and for what; where messages are printed there is none."""
    if settings.sink != "slack":
        return ok("slack", f"messages go to {settings.sink}: no token is needed")
    token = settings.slack_bot_token.get_secret_value()
    url = settings.slack_api_url.rstrip("/") + "/auth.test"
    found = _ask(url, {"authorization": f"Bearer {token}"}, post=True)
    if found.status != 200:
        return _no_answer("slack", settings.slack_api_url, found=found)
    if not found.values.get("ok"):
        what = f"the token is refused: {found.values.get('error')}"
        return fail("slack", what, advice="install the app again and set SLACK_BOT_TOKEN")
    who = f"{found.values.get('user')} in {found.values.get('team')}"
    scopes = found.headers.get("x-oauth-scopes", "")
    has = [scope.strip() for scope in scopes.split(",")]
    missing = [scope for scope in SCOPES if scope not in has] if scopes else []
    if missing:
        advice = "add them to the app and install it again"
        return fail("slack", f"{who}, without the scopes {', '.join(missing)}", advice=advice)
    if scopes and FILES not in has:
        advice = f"add {FILES}: without it what is too long for a message is shortened"
        return warn("slack", f"{who}, without the scope {FILES}", advice=advice)
    return ok("slack", f"{who}; channel {settings.slack_channel}")


def check_github(settings: ServersSettings) -> Finding:
    """Whether the token is good and sees the repository."""
    if not settings.repository:
        advice = "set NIGHTSHIFT_REPOSITORY, or live without code"
        return warn("github", "no repository is set", advice=advice)
    token = settings.github_token.get_secret_value()
    headers = {"accept": "application/vnd.github+json", "user-agent": "nightshift"}
    headers |= {"authorization": f"Bearer {token}"} if token else {}
    base = settings.github_api_url.rstrip("/")
    found = _ask(f"{base}/rate_limit", headers)
    if found.status in (401, 403):
        advice = "set GITHUB_TOKEN to one with contents: read"
        return fail("github", f"{base} refuses the token ({found.status})", advice=advice)
    if found.status != 200:
        return _no_answer("github", base, found=found)
    core = (found.values.get("resources") or {}).get("core") or {}
    what = f"{core.get('remaining', '?')} of {core.get('limit', '?')} requests left"
    seen = _ask(f"{base}/repos/{settings.repository}", headers)
    if seen.status != 200:
        advice = "give the token contents: read on it"
        return fail("github", f"{settings.repository} is not seen ({seen.status})", advice=advice)
    who = "" if token else "without a token, "
    return ok("github", f"{settings.repository} is seen; {who}{what}")


def _no_answer(check: str, where: str, *, found: Answer) -> Finding:
    what = found.problem or f"answered {found.status}"
    return fail(check, f"{where}: {what}", advice="check the address and the network")


def _ask(url: str, headers: dict[str, str], *, post: bool = False) -> Answer:
    """The answer; nothing of the request, which holds the secret, is in it."""
    try:
        request = Request(url, b"" if post else None, headers)
        with build_opener(_NoRedirect()).open(request, timeout=SECONDS) as answer:
            names = {name.lower(): text for name, text in answer.headers.items()}
            return Answer(int(answer.status), _json(answer.read(MOST_BYTES)), names)
    except HTTPError as error:
        with error:
            return Answer(error.code)
    except (OSError, ValueError) as error:
        return Answer(0, problem=f"cannot be reached: {getattr(error, 'reason', error)}")


class _NoRedirect(HTTPRedirectHandler):
    """A secret goes to the address that was set, and to no other."""

    def redirect_request(self, *_asked: object) -> None:
        return None


def _json(content: bytes) -> dict[str, Any]:
    found = json.loads(content or b"{}")
    return found if isinstance(found, dict) else {}
