"""One MCP server: a connection that is kept, and calls over it.

A FastMCP client whose connection was refused once is dead for good, so a supervisor enters a new
one after each loss, with back-off; calls that are under way on the old one end there, each for
itself. A server that is away is a gap: its calls fail in a sentence.
"""

import asyncio
import logging
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager

from fastmcp import Client
from fastmcp.client.logging import LogMessage
from fastmcp.client.transports import ClientTransport
from mcp import MCPError
from opentelemetry import context, trace
from opentelemetry.trace import NonRecordingSpan, SpanContext, TraceFlags
from pydantic import JsonValue

from bus.cleaning import clean
from bus.errors import ToolFailed
from services.toolrunner.adapters.mcp_answer import Answers
from services.toolrunner.adapters.mcp_errors import failure_of
from services.toolrunner.adapters.mcp_guard import Guard
from services.toolrunner.adapters.mcp_http import Bounds, Departure, departing
from services.toolrunner.adapters.mcp_listing import listed, when_list_changes
from services.toolrunner.adapters.mcp_servers_file import ServerEntry
from services.toolrunner.adapters.mcp_session import Session, connected, set_within
from services.toolrunner.adapters.mcp_tracing import as_the_call
from services.toolrunner.adapters.mcp_transport import transport_to
from services.toolrunner.briefly import briefly
from services.toolrunner.gaps import mark_for
from services.toolrunner.pins import Definition
from services.toolrunner.ports import ResultUnknown, ServerFailed

log = logging.getLogger(__name__)
FIRST_WAIT_SECONDS = 0.5
LONGEST_WAIT_SECONDS = 5.0
LOOKED_AT_EVERY_SECONDS = 30.0
ANSWERS_WITHIN_SECONDS = 5.0
CALL_WAITS_SECONDS = 3.0
"""How long a call waits for a server that is away."""
MOST_TOLD = 300
"""Characters of why a server is away."""


class Connection:
    """A server by its name; `tools` are those it listed last, also while it is away.

    Whether a listed tool may be called is no concern of a connection: see `McpServers`.
    """

    def __init__(
        self,
        name: str,
        entry: ServerEntry,
        *,
        at_once: int,
        bounds: Bounds,
        guard: Guard | None = None,
    ) -> None:
        self.name = name
        self.tools: tuple[Definition, ...] = ()
        self.listed = asyncio.Event()
        self.changed = asyncio.Event()
        self._entry = entry
        self._bounds = bounds
        self._guard = guard or Guard(name)
        self._answers = Answers(name, bounds.text, mark=_mark(entry))
        self._free = asyncio.Semaphore(at_once)
        self._running = 0
        self._session: Session | None = None
        self._up, self._wanted = asyncio.Event(), asyncio.Event()
        self._problem = "not connected yet"

    @property
    def problem(self) -> str:
        """Why the server is away, empty while it is connected."""
        return self._problem

    async def keep(self) -> None:
        """Stay connected, until cancelled."""
        wait = FIRST_WAIT_SECONDS
        async with asyncio.TaskGroup() as sessions:
            while True:
                over: asyncio.Future[bool] = asyncio.get_running_loop().create_future()
                with _untraced():
                    sessions.create_task(self._hold(over), name=f"session with {self.name}")
                stood = await asyncio.shield(over)
                wait = FIRST_WAIT_SECONDS if stood else min(1.5 * wait, LONGEST_WAIT_SECONDS)
                self._wanted.clear()
                await set_within(self._wanted, wait)

    async def call(
        self,
        tool: str,
        arguments: Mapping[str, JsonValue],
        *,
        seconds: float,
        check: Callable[[], float],
        read_only: bool,
    ) -> str:
        """The text that the server's tool answered. Raises ToolFailed with a sentence.

        What is not `read_only` is not sent again once the server may have it: ResultUnknown.
        """
        until = asyncio.get_running_loop().time() + seconds
        departure = Departure(check, until=until)
        async with self._guard.admitted(tool, seconds=seconds), self._place(until, tool=tool):
            try:
                async with asyncio.timeout_at(until):
                    return await self._call(
                        tool, arguments, seconds=seconds, departure=departure, read_only=read_only
                    )
            except TimeoutError:
                said = f"no answer within {seconds:.0f} s"
                if departure.left and not read_only:
                    raise self._unknown(said) from None
                if self._session is None:
                    raise self._guard.away(tool, self._problem) from None
                raise ServerFailed(f"{self.name}: {said}") from None

    @asynccontextmanager
    async def _place(self, until: float, *, tool: str) -> AsyncIterator[None]:
        """One of the calls that are made at once."""
        try:
            async with asyncio.timeout_at(until):
                await self._free.acquire()
        except TimeoutError:
            raise self._guard.not_asked(tool, "its other calls left no place") from None
        self._running += 1
        try:
            yield
        finally:
            self._running -= 1
            self._free.release()

    async def _call(
        self,
        tool: str,
        arguments: Mapping[str, JsonValue],
        *,
        seconds: float,
        departure: Departure,
        read_only: bool,
    ) -> str:
        # Twice: a connection may have died unnoticed since it was last used.
        for again in (False, True):
            session = await self._connected(tool)
            departure.check()
            # Nobody sees a call leave for a server that reads its standard input.
            departure.left = bool(self._entry.command)
            try:
                with departing(departure), as_the_call(), session.used() as client:
                    answer = await client.call_tool_mcp(tool, dict(arguments), timeout=seconds)
                return self._answers.text(answer)
            except ToolFailed:
                raise
            except MCPError as error:
                departure.check()
                if not read_only and (status := failure_of(error, departure)):
                    raise self._unknown(f"it answered HTTP {status}") from None
                self._answers.raise_if_final(error, departure, again=again)
                self._lose(session, error)
            except Exception as error:
                self._lose(session, error)
            if departure.left and not read_only:
                raise self._unknown(f"the connection was lost ({self._problem})")
        raise self._guard.away(tool, self._problem)

    async def _hold(self, over: "asyncio.Future[bool]") -> None:
        """One session. `over`: it gets no further calls; whether it stood."""
        try:
            stirred = asyncio.Event()
            client = Client(
                transport_to(self._entry, bounds=self._bounds, server=self.name),
                init_timeout=ANSWERS_WITHIN_SECONDS,
                log_handler=_not_our_log,
                message_handler=when_list_changes(stirred),
            )
            async with connected(client):
                await self._list(client)
                session = Session(client, stirred)
                try:
                    await self._serve(session)
                finally:
                    self._retire(session)
                    over.set_result(True)
                await session.unused()
        except Exception as error:
            if over.done():
                said = clean(briefly(str(error)))
                log.debug("MCP server %s: a lost session did not close: %s", self.name, said)
            else:
                self._note(error)
                self._guard.is_gone()
                over.set_result(False)

    async def _serve(self, session: Session) -> None:
        """Calls go to that session until it is lost."""
        self._session, self._problem = session, ""
        self._guard.is_there()
        self._up.set()
        log.info("MCP server %s is connected; tools: %s", self.name, len(self.tools))
        try:
            while not await session.lost_within(LOOKED_AT_EVERY_SECONDS):
                until = asyncio.get_running_loop().time() + ANSWERS_WITHIN_SECONDS
                with departing(Departure(until=until)):
                    await self._look_again(session.client)
        except Exception as error:
            self._note(error)

    async def _look_again(self, client: Client[ClientTransport]) -> None:
        try:
            await self._list(client)
        except TimeoutError:
            # A server that does one thing at a time is not away because a call keeps it busy.
            if not self._running:
                raise

    async def _list(self, client: Client[ClientTransport]) -> None:
        tools = await listed(client, seconds=ANSWERS_WITHIN_SECONDS)
        # By hash, because Python takes 1, 1.0 and True for the same.
        is_news = [tool.sha256 for tool in tools] != [tool.sha256 for tool in self.tools]
        self.tools = tools
        if is_news:
            self.changed.set()
        self.listed.set()

    async def _connected(self, tool: str) -> Session:
        if self._session is None:
            self._wanted.set()
            await set_within(self._up, CALL_WAITS_SECONDS)
        if self._session is None:
            raise self._guard.away(tool, self._problem)
        return self._session

    def _lose(self, session: Session, error: Exception) -> None:
        self._retire(session)
        self._note(error)

    def _retire(self, session: Session) -> None:
        session.lose()
        if self._session is session:
            self._session = None
            self._up.clear()

    def _note(self, error: Exception) -> None:
        problem = clean(briefly(f"{type(error).__name__}: {error}"))[:MOST_TOLD]
        if problem != self._problem:
            log.warning("MCP server %s is away: %s", self.name, problem)
        self._problem = problem
        if self._session is None:
            self._guard.is_away()

    def _unknown(self, reason: str) -> ResultUnknown:
        sentence = "the call may have been made; its result is unknown; not called again"
        return ResultUnknown(f"{self.name}: {reason}; {sentence}")


def _mark(entry: ServerEntry) -> str:
    """Only who holds the token can write it."""
    return mark_for(token) if (token := entry.headers.get("Authorization", "")) else ""


@contextmanager
def _untraced() -> Iterator[None]:
    """Spans inside are not recorded: keeping a connection belongs to no incident's trace."""
    parent = NonRecordingSpan(SpanContext(1, 1, is_remote=True, trace_flags=TraceFlags(0)))
    token = context.attach(trace.set_span_in_context(parent))
    try:
        yield
    finally:
        context.detach(token)


async def _not_our_log(_: LogMessage) -> None:
    """What a server wants to have logged is its own affair."""
