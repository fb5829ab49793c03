"""HTTP to MCP servers: a last look at the lease, the trace context, and bounded answers.

Many calls share one MCP session, and the client ends it when an HTTP exchange of any of them
raises. So what goes wrong with one exchange is answered here, to its own call.

An exchange ends with its call: the client goes on reading what nobody waits for any more, and asks
for the rest of a broken stream for as long as the server wants it to.
"""

import asyncio
import json
import math
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any

import httpx2
from mcp.shared._httpx_utils import McpHttpClientFactory
from opentelemetry import propagate

from bus.errors import ToolFailed, Unavailable
from services.toolrunner.long_texts import MOST_OF_THEM, Condense, LongTexts, Unescaped
from services.toolrunner.pace import Pace
from services.toolrunner.servers.not_late import NOT_AFTER, REFUSED, failure, refusal
from services.toolrunner.shape import LINES_A_SECOND, Shape

CONNECT_SECONDS = 3.0
KEPT_SECONDS = 2.0
"""An unused connection is closed after this. Many servers do so after five seconds, and a request
that meets such a close on its way is lost: so we must be first."""
LOST = 502
NOT_TAKEN = 405
MOST_RESUMED = 10
"""How often one call may ask for the rest of a stream of events that its server ended."""
BROKE_OFF = "the answer broke off"
ENOUGH = 0.75
CUT = "the rest did not come in time and was not read"
ENCODED = "the answer is encoded in a way that was not asked for"


@dataclass(frozen=True)
class Bounds:
    """How long a text is read whole; what a server may write in one answer follows from that.

    `condense`: by whom what is longer is condensed.
    """

    text: int
    condense: Condense = Unescaped

    @property
    def parsed(self) -> int:
        """Bytes that a parser may get: escapes and structured copies make a text longer."""
        return 3 * self.text

    def long_texts(self, *, by_line: bool) -> LongTexts:
        """For one answer; `by_line`: each line is a message of its own."""
        in_all = MOST_OF_THEM * self.text
        return LongTexts(self.text, in_all=in_all, by_line=by_line, condense=self.condense)


class AnswerRefused(httpx2.StreamError, httpx2.SSEError):
    """Both kinds, so that the client answers the one request and keeps the connection."""


class AnswerLost(httpx2.StreamError):
    """An answer that broke off; the client answers the one request and keeps the connection."""


class _Bounded(httpx2.AsyncByteStream):
    """What is read of an answer: well-shaped so far, and before its call is over.

    `request` is the id of what it answers. What is condensed of a long text after three quarters of
    the time that its call has is given on as all there is: it has to be cleaned yet.
    """

    request = ""

    def __init__(
        self,
        stream: httpx2.AsyncByteStream,
        shape: Shape,
        *,
        texts: LongTexts,
        until: float | None,
    ) -> None:
        self._stream, self._shape, self._until = stream, shape, until
        self._texts = texts
        self._pace = Pace(LINES_A_SECOND)
        now = asyncio.get_running_loop().time()
        self._enough = math.inf if until is None else now + ENOUGH * (until - now)
        self._is_cut = False

    async def __aiter__(self) -> AsyncIterator[bytes]:
        chunks = aiter(self._stream)
        try:
            while (chunk := await self._next(chunks)) is not None:
                lines = chunk.count(b"\n")
                async with asyncio.timeout_at(self._until):
                    chunk = await through(self._texts, chunk)
                if problem := self._texts.problem or self._shape.problem(chunk):
                    raise AnswerRefused(problem)
                if self._shape.events:
                    async with asyncio.timeout_at(self._until):
                        await slowly(self._pace, lines=lines)
                yield chunk
            if self._is_cut:
                yield await self._end()
        except httpx2.TransportError as error:
            if isinstance(error, AnswerRefused):
                raise
            raise AnswerLost(f"{BROKE_OFF}: {_told(error)}") from error
        except TimeoutError as error:
            raise AnswerLost(f"{BROKE_OFF}: its call is over") from error

    async def _next(self, chunks: AsyncIterator[bytes]) -> bytes | None:
        """What comes next; None at the end, and where what came is enough."""
        may_cut = bool(self.request) and self._texts.can_be_cut
        until = min(self._enough, self._until or math.inf) if may_cut else self._until
        try:
            if not may_cut or asyncio.get_running_loop().time() < self._enough:
                async with asyncio.timeout_at(until):
                    return await anext(chunks, None)
        except TimeoutError:
            if not may_cut:
                raise
        self._is_cut = True
        return None

    async def _end(self) -> bytes:
        """What ends the message instead of its rest."""
        end = await asyncio.to_thread(self._texts.cut, CUT, request=self.request)
        if problem := self._texts.problem:
            raise AnswerRefused(problem)
        return end + b"\n\n"

    async def aclose(self) -> None:
        self._texts.close()
        await self._stream.aclose()


def _id_of(request: httpx2.Request) -> str:
    """Of the request, as JSON; empty where it has none."""
    try:
        found = json.loads(request.content)["id"]
    except (ValueError, KeyError, TypeError, httpx2.RequestNotRead):
        return ""
    return json.dumps(found) if isinstance(found, int | str) else ""


async def slowly(pace: Pace, *, lines: int) -> None:
    """Return when it is the turn of those lines: who writes more of them has to wait for us."""
    now = asyncio.get_running_loop().time()
    waits = [pace.turn(now, within=math.inf) or 0.0 for _ in range(lines)]
    if waits and waits[-1]:
        await asyncio.sleep(waits[-1])


async def through(texts: LongTexts, chunk: bytes) -> bytes:
    """What is given on of the chunk; off the event loop while a long text is condensed."""
    return await asyncio.to_thread(texts.through, chunk) if texts.busy else texts.through(chunk)


def _always() -> float:
    """Listing tools and the like belongs to no entry."""
    return math.inf


@dataclass
class Departure:
    """A request under way: `check` is asked where it leaves; `left`: the server may have it.

    `until`: when it is over, by the clock of the event loop; None: whenever it is. `response`: how
    what answered it last begins. `lost`: nothing did, and the client got an answer of ours.
    """

    check: Callable[[], float] = _always
    left: bool = False
    until: float | None = None
    resumed: int = 0
    response: httpx2.Response | None = None
    lost: bool = False


_DEPARTURE: ContextVar[Departure] = ContextVar("departure")
"""Of the call under way; the MCP client posts in the context of its caller."""


@contextmanager
def departing(departure: Departure) -> Iterator[None]:
    """What is sent inside belongs to that departure, and fails without the session."""
    under_way = _DEPARTURE.set(departure)
    try:
        yield
    finally:
        _DEPARTURE.reset(under_way)


class _LastLook(httpx2.AsyncClient):
    """Checks once more where the request leaves: from the call to here the client needs a while.

    A request that may not be sent, or gets no answer, is answered here in the server's place, which
    keeps the session for the calls of others. One that is sent says until when it may be answered;
    our own servers heed it.
    """

    async def send(self, request: httpx2.Request, **given: Any) -> httpx2.Response:
        shared = _DEPARTURE.get(None)
        departure = shared or Departure()
        if request.method == "GET":
            departure.resumed += 1
            if shared is None or departure.resumed > MOST_RESUMED:
                # A stream that no call asked for has no end; what is offered, we ask for ourselves.
                return httpx2.Response(NOT_TAKEN, request=request)
        departure.response, departure.lost = None, True
        try:
            not_after = departure.check()
        except (ToolFailed, Unavailable):
            return httpx2.Response(REFUSED, json=refusal("it was not sent"), request=request)
        if not_after != math.inf:
            request.headers[NOT_AFTER] = repr(not_after)
        before, departure.left = departure.left, True
        try:
            async with asyncio.timeout_at(departure.until):
                departure.response = await super().send(request, **given)
            departure.lost = False
            return departure.response
        except (httpx2.TransportError, TimeoutError) as error:
            if isinstance(error, httpx2.ConnectError | httpx2.ConnectTimeout):
                departure.left = before
            # While a session is made, it is nobody else's yet.
            if shared is None:
                raise
            return httpx2.Response(LOST, json=failure(_told(error)), request=request)


def _is_plain(response: httpx2.Response) -> bool:
    packed = response.headers.get("content-encoding", "identity").strip().lower()
    letters = (response.charset_encoding or "utf-8").lower()
    return packed in ("", "identity") and letters in ("utf-8", "utf8", "us-ascii")


def _told(error: Exception) -> str:
    return f"{type(error).__name__}: {error}"


def bounded_client(bounds: Bounds) -> McpHttpClientFactory:
    """A factory of HTTP clients whose answers are within these bounds."""

    async def carry_trace(request: httpx2.Request) -> None:
        # Servers that do not read `_meta` join the trace by this header.
        propagate.inject(request.headers)

    async def bound(response: httpx2.Response) -> None:
        if not isinstance(response.stream, httpx2.AsyncByteStream):
            return
        kind = response.headers.get("content-type", "").lower()
        # What is packed, or in letters of another width, cannot be counted as it arrives.
        if not _is_plain(response):
            raise AnswerRefused(ENCODED)
        events = kind.startswith("text/event-stream")
        shape, texts = Shape(bounds.parsed, events=events), bounds.long_texts(by_line=events)
        departure = _DEPARTURE.get(None) or Departure()
        response.stream = stream = _Bounded(
            response.stream, shape, texts=texts, until=departure.until
        )
        stream.request = _id_of(response.request)

    def make(*_: Any, **given: Any) -> httpx2.AsyncClient:
        timeout = given.get("timeout")
        read = timeout.read if timeout else 300.0
        return _LastLook(
            headers={"Accept-Encoding": "identity"} | (given.get("headers") or {}),
            auth=given.get("auth"),
            timeout=httpx2.Timeout(30.0, connect=CONNECT_SECONDS, read=read),
            limits=httpx2.Limits(keepalive_expiry=KEPT_SECONDS),
            event_hooks={"request": [carry_trace], "response": [bound]},
        )

    return make
