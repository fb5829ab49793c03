"""Whose words an error of a call is: its tool's, the HTTP status's, or our client's own.

The MCP client tells all three in the same way, and servers answer with any code. So the client's
own errors are known by its words, and by what was seen of the response that they are about.
"""

import re

from mcp import MCPError
from mcp_types import (
    CONNECTION_CLOSED,
    INTERNAL_ERROR,
    INVALID_REQUEST,
    METHOD_NOT_FOUND,
    PARSE_ERROR,
    REQUEST_TIMEOUT,
)

from services.toolrunner.adapters.mcp_http import BROKE_OFF, Departure
from services.toolrunner.servers.not_late import REFUSED, RUN_OUT

LEAST_ERROR = 400
LEAST_FAILURE = 500
NO_JSON = "no JSON-RPC message: "
"""How we begin what we answer ourselves in the place of a process that wrote none."""
HINTS = {
    401: ": it does not accept the credentials that it is asked with",
    403: ": the credentials that it is asked with do not permit this",
    429: ": it is asked too often, its rate is limited",
}
_NO_ANSWER = "Request 'tools/call' timed out"
_UNPARSED = ("Failed to parse JSON response: ", "Failed to parse SSE message: ", NO_JSON)
_CLOSED = re.compile(r"Connection closed|SSE stream (?:failed|ended).*", re.DOTALL)
_SESSION = re.compile(
    r"\bsession\b.{0,30}\b(?:not found|terminated|expired|unknown|invalid)"
    r"|\b(?:invalid|unknown|missing|no valid|no such)\b.{0,20}\bsession\b",
    re.IGNORECASE,
)
_SESSION_ID = "mcp-session-id"
_STAND_INS = {
    (INTERNAL_ERROR, "Server returned an error response"),
    (METHOD_NOT_FOUND, "Not Found"),
    (INVALID_REQUEST, "Session terminated"),
}
_KINDS = ("application/json", "text/event-stream")


def is_timeout(error: MCPError) -> bool:
    """Whether no answer came in time."""
    return (error.error.code, str(error)) == (REQUEST_TIMEOUT, _NO_ANSWER)


def is_unparsed(error: MCPError) -> bool:
    """Whether what came was no answer at all, though it came whole."""
    said = str(error)
    is_ours = error.error.code == PARSE_ERROR and said.startswith(_UNPARSED)
    return is_ours and BROKE_OFF not in said


def status_of(departure: Departure) -> int:
    """The HTTP status of what answered last; 0 where nothing did, or nobody speaks HTTP."""
    return departure.response.status_code if departure.response is not None else 0


def is_stand_in(error: MCPError, departure: Departure) -> bool:
    """Whether the client says it in the place of a server that gave a status and no answer."""
    status = status_of(departure)
    if status < LEAST_ERROR:
        return status >= 300 or status == 202
    return (error.error.code, str(error)) in _STAND_INS


def failure_of(error: MCPError, departure: Departure) -> int:
    """The HTTP status that leaves open whether the call was made, else 0."""
    status = status_of(departure)
    is_open = is_stand_in(error, departure) and not LEAST_ERROR <= status < LEAST_FAILURE
    return status if is_open else 0


def is_lost(error: MCPError, departure: Departure) -> bool:
    """Whether the connection went, and the answer with it; or the call came too late to be made."""
    code, said, response = error.error.code, str(error), departure.response
    if departure.lost or (code == CONNECTION_CLOSED and _CLOSED.fullmatch(said)):
        return True
    if code == PARSE_ERROR and said.startswith(_UNPARSED) and BROKE_OFF in said:
        return True
    if status_of(departure) == REFUSED and said.startswith(RUN_OUT):
        return True
    kind = response.headers.get("content-type", "").lower() if response is not None else ""
    return status_of(departure) == 200 and not kind.startswith(_KINDS)


def lacks_session(error: MCPError, departure: Departure) -> bool:
    """Whether the server does not know the session, as one does that was started anew."""
    status, said = status_of(departure), str(error)
    if status in (400, 404, 410) and is_stand_in(error, departure):
        return _SESSION_ID in departure.response.request.headers if departure.response else False
    is_about_it = status in (400, 404, 410) or error.error.code in (
        INVALID_REQUEST,
        REQUEST_TIMEOUT,  # by which some servers say so
    )
    return is_about_it and bool(_SESSION.search(said[:200]))
