"""What GitHub does wrong on request: its own refusals, with the headers that belong to them."""

import time
from collections.abc import Callable

from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response

from simulator.faults import Fault
from simulator.github.answers import Refused, not_found, too_large
from simulator.known_faults import SHARED

_ANY = {
    *SHARED,
    "rate_limited",
    "rate_limited_429",
    "secondary_limit",
    "bad_credentials",
    "forbidden",
    "server_error",
    "unavailable",
}
_OF_FILES = {"large_file", "too_large", "not_found"}
_PRIMARY = (
    "API rate limit exceeded for user ID 1. If you reach out to GitHub Support for help, please "
    "include the request ID 0000:000000:000000:000000:00000000."
)
_SECONDARY = (
    "You have exceeded a secondary rate limit. Please wait a few minutes before you try again. If "
    "you reach out to GitHub Support for help, please include the request ID "
    "0000:000000:000000:000000:00000000."
)
_PAGE = "<!DOCTYPE html><html><body><h1>Unicorn! GitHub is having a problem.</h1></body></html>"
_REFUSALS: dict[str, Callable[[], Refused]] = {
    "bad_credentials": lambda: Refused(401, "Bad credentials"),
    "forbidden": lambda: Refused(403, "Resource not accessible by personal access token"),
    "not_found": not_found,
    "too_large": too_large,
    "server_error": lambda: Refused(502, "Server Error"),
}
_LIMIT_SECONDS = 60.0
_LARGE_BYTES = 2_000_000


def possible(request: Request) -> set[str]:
    """The faults that such a request can be struck by."""
    if "/contents" in request.url.path:
        return _ANY | _OF_FILES
    return _ANY | ({"not_found"} if "owner" in request.path_params else set())


def struck(fault: Fault) -> Response | None:
    """The answer instead of the right one; None when the fault spoils the right one later.

    Raises Refused for what GitHub words as JSON.
    """
    name = fault.fault
    seconds = _LIMIT_SECONDS if fault.seconds is None else fault.seconds
    if name in ("rate_limited", "rate_limited_429"):
        reset = str(round(time.time() + seconds))
        headers = {"x-ratelimit-remaining": "0", "x-ratelimit-reset": reset}
        raise Refused(429 if name.endswith("429") else 403, _PRIMARY, headers=headers)
    if name == "secondary_limit":
        raise Refused(403, _SECONDARY, headers={"retry-after": str(round(seconds))})
    if name in _REFUSALS:
        raise _REFUSALS[name]()
    return PlainTextResponse(_PAGE, 503, media_type="text/html") if name == "unavailable" else None


def without_content(shown: dict[str, object]) -> Response:
    """A file as it is shown when it has more than one megabyte."""
    return JSONResponse(shown | {"size": _LARGE_BYTES, "content": "", "encoding": "none"})
