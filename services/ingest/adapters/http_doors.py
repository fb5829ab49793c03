"""The doors over HTTP: limits while reading, one answer for each outcome, never a stack trace.

What the head says is judged before the body is read: a stranger without a token has no part in what
the door holds at once, and no door has a part in another one's.
"""

import asyncio
import logging
import math
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from functools import partial

from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from bus.errors import Rejected, Unavailable
from services.ingest import measures
from services.ingest.adapters.http_body import TOO_LONG, Refused
from services.ingest.adapters.http_room import Room
from services.ingest.intake import EVERYSEC_SECONDS
from services.ingest.posting import Answer, Door, Headers, Posted
from services.ingest.progress import Asking
from services.ingest.sns_message import Forged

log = logging.getLogger(__name__)
_CHARSETS = ("", "utf-8", "utf8", "us-ascii")


@dataclass
class HttpDoors:
    """Serves doors: at each at most `at_once` requests, each body within `body_seconds`."""

    kept: Callable[[], Awaitable[None]]
    """Raises Unavailable once Redis is no longer the one that was written to."""
    at_once: int = 500
    body_seconds: float = 10.0
    handling_seconds: float = 10.0
    """Without any progress; then the answer is 503."""

    def route(self, door: Door) -> Route:
        """The door as a route; every method but POST is answered with 405."""
        room = Room(self.at_once, door.limits.bytes_at_once, body_seconds=self.body_seconds)

        async def endpoint(request: Request) -> Response:
            answer = await self._answer(door, request, room=room)
            measures.DOORS.add(1, {"door": door.path, "status": str(answer.status)})
            return JSONResponse(dict(answer.fields), answer.status, dict(answer.headers))

        return Route(door.path, endpoint, methods=["POST"])

    async def _answer(self, door: Door, request: Request, *, room: Room) -> Answer:
        headers = _headers(request)
        try:
            return await self._taken(door, request, headers=headers, room=room)
        except Unavailable as error:
            answer = door.refusal(503, "not taken now, send it again", headers=headers)
            return _later(_logged(door, answer, reason=str(error)), error.retry_in_seconds)
        except (Refused, Rejected, ClientDisconnect) as error:
            reason = str(error) or "the sender went away"
            return _logged(
                door, door.refusal(_status(error), reason, headers=headers), reason=reason
            )
        except Exception as error:
            # No fault of the sender's: it keeps what it has, and the log tells what to mend.
            log.exception("%s failed", door.path)
            answer = door.refusal(503, "not taken now, send it again", headers=headers)
            return _later(_logged(door, answer, reason=type(error).__name__), 1.0)

    async def _taken(self, door: Door, request: Request, *, headers: Headers, room: Room) -> Answer:
        stranger = door.turned_away(headers)
        if stranger:
            answer = door.refusal(401, stranger, headers=headers)
            scheme = {"WWW-Authenticate": "Bearer"}
            return _logged(door, Answer(401, answer.fields, scheme), reason=stranger)
        _check_type(headers, door.limits.content_types)
        is_packed = _is_packed(headers, allowed=door.limits.gzip)
        most = door.limits.most_bytes
        try:
            async with room.body(request, most, is_packed=is_packed) as body:
                return await self._handled(door, request, headers=headers, body=body)
        except Refused as error:
            if error.status == TOO_LONG:
                await self._lost(door, str(error))
            raise

    async def _lost(self, door: Door, reason: str) -> None:
        """A person knows; raises Unavailable where that could not be written in time."""
        try:
            async with asyncio.timeout(self.handling_seconds):
                await door.lost(reason)
        except TimeoutError:
            raise Unavailable("nobody could be told", retry_in_seconds=1.0) from None

    async def _handled(
        self, door: Door, request: Request, *, headers: Headers, body: bytes
    ) -> Answer:
        """The answer once all is on disk; raises Unavailable when nothing moves for too long.

        What was begun then is cut off at whatever step: when it is sent again, each part that was
        written is known as a duplicate.
        """
        clock, seconds = asyncio.get_running_loop().time, self.handling_seconds
        try:
            async with asyncio.timeout(seconds) as limit:
                go_on = partial(_extend, limit, lambda: clock() + seconds)
                asking = Asking(go_on, request.is_disconnected)
                answer = await door.take(Posted(headers, body, _peer(request), asking))
                if not answer.durable:
                    limit.reschedule(clock() + seconds + EVERYSEC_SECONDS)
                    await asyncio.sleep(EVERYSEC_SECONDS)
                    await self.kept()
                return answer
        except TimeoutError:
            said = f"nothing moved for {seconds:g} s"
            raise Unavailable(said, retry_in_seconds=1.0) from None


def _extend(limit: asyncio.Timeout, until: Callable[[], float]) -> None:
    if not limit.expired():
        limit.reschedule(until())


def _status(error: Exception) -> int:
    if isinstance(error, Refused):
        return error.status
    return 403 if isinstance(error, Forged) else 400


def _peer(request: Request) -> str:
    return request.client.host if request.client else ""


def _headers(request: Request) -> Headers:
    found: dict[str, list[str]] = {}
    for name, value in request.headers.items():
        found.setdefault(name, []).append(value)
    return found


def _check_type(headers: Headers, allowed: Sequence[str]) -> None:
    values = headers.get("content-type", ())
    kind, *parameters = [part.strip().lower() for part in ";".join(values).split(";")]
    named = [part.partition("=")[2].strip('" ') for part in parameters if "charset" in part]
    if len(values) != 1 or kind not in allowed:
        raise Refused(415, f"the content type is {' or '.join(allowed)}")
    if any(charset not in _CHARSETS for charset in named):
        raise Refused(415, "the charset is UTF-8")


def _is_packed(headers: Headers, *, allowed: bool) -> bool:
    encoding = ",".join(headers.get("content-encoding", ())).strip().lower()
    if encoding in ("", "identity"):
        return False
    if encoding == "gzip" and allowed:
        return True
    raise Refused(415, "the content encoding is gzip or none" if allowed else "no encoding")


def _later(answer: Answer, seconds: float) -> Answer:
    return Answer(answer.status, answer.fields, {"Retry-After": str(max(1, math.ceil(seconds)))})


def _logged(door: Door, answer: Answer, *, reason: str) -> Answer:
    log.warning("%s answers %d: %s", door.path, answer.status, reason)
    return answer
