"""The doors over HTTP: limits while reading, one answer for each outcome, never a stack trace.

A body is counted while it comes in and while it is unpacked, so neither a long one, a slow one nor
a small one that unpacks to a long one costs more than its limit.
"""

import asyncio
import logging
import math
import zlib
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import dataclass, field

from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from bus.errors import Rejected, Unavailable
from services.ingest.intake import EVERYSEC_SECONDS
from services.ingest.posting import Answer, Door, Headers, Posted
from services.ingest.sns_message import Forged

log = logging.getLogger(__name__)
MOST_BYTES_AT_ONCE = 64 * 1024 * 1024
"""Of all bodies that are being read or worked on."""
_CHARSETS = ("", "utf-8", "utf8", "us-ascii")
_GZIP = zlib.MAX_WBITS | 16


class _Refused(Exception):
    """The request is answered with a status of its own."""

    def __init__(self, status: int, reason: str) -> None:
        super().__init__(reason)
        self.status = status


@dataclass
class HttpDoors:
    """Serves doors: at most `at_once` requests, each body within `body_seconds`."""

    kept: Callable[[], Awaitable[None]]
    """Raises Unavailable once Redis is no longer the one that was written to."""
    at_once: int = 500
    body_seconds: float = 10.0
    _open: int = field(default=0, init=False)
    _bytes: int = field(default=0, init=False)

    def route(self, door: Door) -> Route:
        """The door as a route; every method but POST is answered with 405."""

        async def endpoint(request: Request) -> Response:
            answer = await self._answer(door, request)
            return JSONResponse(dict(answer.fields), answer.status, dict(answer.headers))

        return Route(door.path, endpoint, methods=["POST"])

    async def _answer(self, door: Door, request: Request) -> Answer:
        headers = _headers(request)
        if self._open >= self.at_once:
            return _later(door.refusal(503, "too many requests at once", headers=headers), 1.0)
        self._open += 1
        try:
            answer = await self._taken(door, request, headers=headers)
            if not answer.durable:
                await asyncio.sleep(EVERYSEC_SECONDS)
                await self.kept()
            return answer
        except Unavailable as error:
            answer = door.refusal(503, "not taken now, send it again", headers=headers)
            return _later(_logged(door, answer, reason=str(error)), error.retry_in_seconds)
        except (_Refused, Rejected, ClientDisconnect) as error:
            reason = str(error) or "the sender went away"
            return _logged(
                door, door.refusal(_status(error), reason, headers=headers), reason=reason
            )
        finally:
            self._open -= 1

    async def _taken(self, door: Door, request: Request, *, headers: Headers) -> Answer:
        stranger = door.turned_away(headers)
        if stranger:
            answer = door.refusal(401, stranger, headers=headers)
            scheme = {"WWW-Authenticate": "Bearer"}
            return _logged(door, Answer(401, answer.fields, scheme), reason=stranger)
        _check_type(headers, door.limits.content_types)
        is_packed = _is_packed(headers, allowed=door.limits.gzip)
        body = _Body(door.limits.most_bytes, self._count, is_packed=is_packed)
        try:
            async with asyncio.timeout(self.body_seconds):
                await body.read(request.stream())
        except TimeoutError:
            self._count(-body.counted)
            raise _Refused(408, "the body came too slowly") from None
        except BaseException:
            self._count(-body.counted)
            raise
        try:
            return await door.take(Posted(headers, bytes(body.content), _peer(request)))
        finally:
            self._count(-body.counted)

    def _count(self, more: int) -> None:
        self._bytes += more
        if more > 0 and self._bytes > MOST_BYTES_AT_ONCE:
            raise Unavailable("too many bytes are being read at once", retry_in_seconds=1.0)


class _Body:
    """A body as it comes in, never longer than `most`."""

    def __init__(self, most: int, count: Callable[[int], None], *, is_packed: bool) -> None:
        self.content = bytearray()
        self.counted = 0
        self._most = most
        self._count = count
        self._unpacking = zlib.decompressobj(_GZIP) if is_packed else None
        self._came = 0

    async def read(self, stream: AsyncIterator[bytes]) -> None:
        """The whole of it is in `content`."""
        async for chunk in stream:
            self._came += len(chunk)
            if self._came > self._most:
                raise self._too_large()
            self._add(self._unpacked(chunk) if self._unpacking else chunk)
        if self._unpacking and not self._unpacking.eof and self._came:
            raise Rejected("the body is not whole gzip")

    def _unpacked(self, chunk: bytes) -> bytes:
        unpacking = self._unpacking or zlib.decompressobj(_GZIP)
        try:
            # One byte more than there is room for says that it is too long.
            found = unpacking.decompress(chunk, self._most - len(self.content) + 1)
        except zlib.error:
            raise Rejected("the body is not gzip") from None
        if unpacking.unconsumed_tail:
            raise self._too_large()
        if unpacking.unused_data:
            raise Rejected("the body goes on behind its gzip")
        return found

    def _add(self, piece: bytes) -> None:
        if len(self.content) + len(piece) > self._most:
            raise self._too_large()
        self.counted += len(piece)
        self._count(len(piece))
        self.content += piece

    def _too_large(self) -> _Refused:
        return _Refused(413, f"the body is longer than {self._most} bytes")


def _status(error: Exception) -> int:
    if isinstance(error, _Refused):
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
        raise _Refused(415, f"the content type is {' or '.join(allowed)}")
    if any(charset not in _CHARSETS for charset in named):
        raise _Refused(415, "the charset is UTF-8")


def _is_packed(headers: Headers, *, allowed: bool) -> bool:
    encoding = ",".join(headers.get("content-encoding", ())).strip().lower()
    if encoding in ("", "identity"):
        return False
    if encoding == "gzip" and allowed:
        return True
    raise _Refused(415, "the content encoding is gzip or none" if allowed else "no encoding")


def _later(answer: Answer, seconds: float) -> Answer:
    return Answer(answer.status, answer.fields, {"Retry-After": str(max(1, math.ceil(seconds)))})


def _logged(door: Door, answer: Answer, *, reason: str) -> Answer:
    log.warning("%s answers %d: %s", door.path, answer.status, reason)
    return answer
