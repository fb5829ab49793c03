"""What the cluster does wrong on request: the `Status` objects of the API, and logs out of measure.

Each kind of request is struck only by what the API could answer it with.
"""

import asyncio
from collections.abc import AsyncIterator, Mapping

from starlette.responses import Response, StreamingResponse

from simulator.faults import Fault
from simulator.known_faults import SHARED
from simulator.kubernetes.access import Ask, forbidden
from simulator.kubernetes.answers import Refused, not_found
from simulator.kubernetes.pod_logs import read_options
from simulator.kubernetes.shapes import Object

_ANY = {*SHARED, "forbidden", "rate_limited", "internal_error", "unavailable"}
_LOGS = {"slow_log", "huge_log"}
_TOO_OLD = (
    "The provided continue parameter is too old to display a consistent list result. You can start "
    "a new list without the continue parameter, or use the continue token in this response to "
    "retrieve the remainder of the results."
)
_LINE_BYTES = 2_048
_LINES = 10 * 1024 * 1024 // _LINE_BYTES
_NEEDLE_FROM_END = 500
NEEDLE = "error: the needle in ten megabytes of hay"
_SLOW_SECONDS = 30.0
_PIECE_SECONDS = 0.1


def possible(ask: Ask) -> set[str]:
    """The faults that such a request can be struck by."""
    if ask.resource == "pods/log":
        return _ANY | _LOGS | {"not_found"}
    return _ANY | ({"not_found"} if ask.name else {"expired"})


def refuse(fault: Fault, ask: Ask, *, user: str) -> None:
    """Raises Refused when the fault is an error of the API."""
    if fault.fault == "forbidden":
        raise forbidden(user, ask)
    if fault.fault == "not_found":
        raise not_found(ask.resource.partition("/")[0], ask.name, group=ask.group)
    if fault.fault == "expired":
        gone = Refused(410, "Expired", message=_TOO_OLD)
        gone.status["metadata"] = {"continue": "YWZ0ZXIgMA==", "resourceVersion": "1"}
        raise gone
    if fault.fault == "rate_limited":
        seconds = 1 if fault.seconds is None else round(fault.seconds)
        busy = "Too many requests, please try again later."
        raise _later(429, "TooManyRequests", message=busy, seconds=seconds)
    if fault.fault == "internal_error":
        message = "Internal error occurred: etcdserver: request timed out"
        cause: Object = {"causes": [{"message": "etcdserver: request timed out"}]}
        raise Refused(500, "InternalError", message=message, details=cause)
    if fault.fault == "unavailable":
        message = "the server is currently unable to handle the request"
        raise Refused(503, "ServiceUnavailable", message=message)


def spoilt_log(fault: Fault | None, text: bytes, *, query: Mapping[str, str]) -> Response:
    """The log as the fault leaves it; as it is without one of logs."""
    if fault is not None and fault.fault == "huge_log":
        text = _huge(_NEEDLE_FROM_END if fault.amount is None else fault.amount, query)
    if fault is not None and fault.fault == "slow_log":
        seconds = _SLOW_SECONDS if fault.seconds is None else fault.seconds
        return StreamingResponse(_dribble(text, seconds), media_type="text/plain")
    return Response(text, media_type="text/plain")


def _later(code: int, reason: str, *, message: str, seconds: int) -> Refused:
    refused = Refused(code, reason, message=message, details={"retryAfterSeconds": seconds})
    refused.headers["Retry-After"] = str(seconds)
    return refused


def _huge(needle_from_end: int, query: Mapping[str, str]) -> bytes:
    """The end of ten megabytes that the options ask for."""
    options = read_options(query)
    tail = options["tailLines"]
    wanted = _LINES if tail is None else min(tail, _LINES)
    lines = [f"info: hay {number:06} ".ljust(_LINE_BYTES - 1, ".") for number in range(wanted)]
    if 0 < needle_from_end <= wanted:
        lines[-needle_from_end] = NEEDLE
    return "".join(f"{line}\n" for line in lines).encode()[: options["limitBytes"]]


async def _dribble(text: bytes, seconds: float) -> AsyncIterator[bytes]:
    pieces = max(1, round(seconds / _PIECE_SECONDS))
    size = max(1, -(-len(text) // pieces))
    for start in range(0, len(text), size):
        await asyncio.sleep(_PIECE_SECONDS)
        yield text[start : start + size]
