"""MCP servers that are started as a process: as the SDK does it, with bounds on what they write.

The SDK's own reader keeps a line for as long as it does not end, and copies it with every piece.
"""

import asyncio
import logging
import re
import subprocess
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import AsyncExitStack, ExitStack, aclosing, asynccontextmanager, suppress
from dataclasses import replace
from functools import partial

import anyio
from anyio.abc import ByteReceiveStream, ByteSendStream, ObjectSendStream, Process
from anyio.streams.memory import MemoryObjectReceiveStream, MemoryObjectSendStream
from fastmcp.client.transports import ClientTransport
from fastmcp.client.transports.base import SessionKwargs, TransportOptions
from mcp import ClientSession
from mcp.client.stdio import get_default_environment
from mcp.os.posix.utilities import terminate_posix_process_tree
from mcp.shared.message import SessionMessage
from mcp_types import INTERNAL_ERROR, PARSE_ERROR, ErrorData, JSONRPCError, jsonrpc_message_adapter
from typing_extensions import Unpack

from services.toolrunner.adapters.mcp_errors import NO_JSON
from services.toolrunner.adapters.mcp_http import Bounds, slowly, through
from services.toolrunner.adapters.mcp_servers_file import ServerEntry
from services.toolrunner.adapters.mcp_session import PlainSession
from services.toolrunner.adapters.mcp_words import telling
from services.toolrunner.pace import Pace
from services.toolrunner.shape import MESSAGES_A_SECOND, MESSAGES_AT_ONCE, TOO_LARGE, Shape

log = logging.getLogger(__name__)
CHUNK_BYTES = 64 * 1024
SKIPPED = 4
"""A line that is too large is read to its end, and forgotten, up to so many times what is allowed;
then the server is given up."""
LEAVES_WITHIN_SECONDS = 2.0
"""From the end of its input to SIGTERM, and from there to SIGKILL."""
_ID = re.compile(rb'^\s*\{\s*(?:"jsonrpc"\s*:\s*"2\.0"\s*,\s*)?"id"\s*:\s*(\d{1,18})\s*,')
_ID_WITHIN_BYTES = 200
Message = SessionMessage | Exception


class GivenUp(Exception):
    """The server wrote what nobody can be answered with."""


class BoundedStdio(ClientTransport):
    """A process that reads requests from its input and writes answers to its output."""

    def __init__(self, entry: ServerEntry, bounds: Bounds, *, server: str) -> None:
        self._entry, self._bounds, self._server = entry, bounds, server

    @asynccontextmanager
    async def connect_session(
        self,
        *,
        transport_options: TransportOptions | None = None,
        **session_kwargs: Unpack[SessionKwargs],
    ) -> AsyncIterator[ClientSession]:
        """A session with a process of its own, which has ended afterwards."""
        options = replace(transport_options or TransportOptions(), session_class=PlainSession)
        entry = self._entry
        process = await anyio.open_process(
            [entry.command, *entry.args],
            env=get_default_environment() | entry.env,
            stderr=subprocess.PIPE,
            cwd=entry.cwd,
            start_new_session=True,
        )
        async with AsyncExitStack() as stack:
            await stack.enter_async_context(telling(process.stderr, self._server))
            stack.push_async_callback(_end, process)
            to_us, from_server = anyio.create_memory_object_stream[Message](0)
            to_server, from_us = anyio.create_memory_object_stream[SessionMessage](0)
            tasks = await stack.enter_async_context(anyio.create_task_group())
            stack.callback(tasks.cancel_scope.cancel)
            for stream in (to_us, from_server, to_server, from_us):
                stack.enter_context(stream)
            tasks.start_soon(_read, messages(_output(process), self._bounds), to_us)
            tasks.start_soon(partial(_write, process, from_us, to_us=to_us))
            yield await stack.enter_async_context(
                options.session_class(from_server, to_server, **session_kwargs)
            )


async def _read(
    written: AsyncGenerator[Message, None], to_us: MemoryObjectSendStream[Message]
) -> None:
    async with to_us, aclosing(written):
        try:
            async for message in written:
                await to_us.send(message)
        except GivenUp as error:
            log.warning("an MCP server is started anew: %s", error)
        except (anyio.BrokenResourceError, anyio.ClosedResourceError, OSError):
            log.debug("an MCP server's output was closed")


async def _write(
    process: Process,
    from_us: MemoryObjectReceiveStream[SessionMessage],
    *,
    to_us: ObjectSendStream[Message],
) -> None:
    try:
        async for sent in from_us:
            line = sent.message.model_dump_json(by_alias=True, exclude_unset=True)
            await _input(process).send(line.encode() + b"\n")
    except (anyio.BrokenResourceError, anyio.ClosedResourceError, OSError):
        await to_us.aclose()  # the session hears that the connection is over


async def messages(stdout: ByteReceiveStream, bounds: Bounds) -> AsyncGenerator[Message, None]:
    """What the server wrote, line by line, as messages; one that is refused answers its request.

    Raises GivenUp for a line that cannot be answered or does not end.
    """
    line, pace = _Line(bounds), Pace(MESSAGES_A_SECOND, MESSAGES_AT_ONCE)
    with suppress(anyio.EndOfStream), ExitStack() as stack:
        stack.callback(lambda: line.close())
        while True:
            *ended, rest = (await stdout.receive(CHUNK_BYTES)).split(b"\n")
            for piece in ended:
                await slowly(pace, lines=1)
                if message := await line.add(piece) or line.message():
                    yield message
                line = _Line(bounds)
            if message := await line.add(rest):
                yield message


class _Line:
    """A line as it arrives."""

    def __init__(self, bounds: Bounds) -> None:
        self._most, self._skipped = bounds.parsed, 0
        self._shape, self._texts = Shape(bounds.parsed), bounds.long_texts(by_line=True)
        self._pieces: list[bytes] = []
        self._refused = False

    def close(self) -> None:
        """Nothing more comes of it."""
        self._texts.close()

    async def add(self, piece: bytes) -> SessionMessage | None:
        """The answer to its request once it is refused; it is then read on and forgotten."""
        if self._refused:
            self._skipped += len(piece)
            if self._skipped > SKIPPED * self._most:
                raise GivenUp(TOO_LARGE)
            return None
        piece = await through(self._texts, piece)
        self._pieces.append(piece)
        problem = self._texts.problem or self._shape.problem(piece)
        if not problem:
            return None
        self._refused = True
        self.close()
        answer = self._answer(INTERNAL_ERROR, problem)
        self._pieces.clear()
        if answer is None:
            raise GivenUp(problem)
        return answer

    def message(self) -> Message | None:
        """The whole line as a message, or why it is none; None where it was refused or is empty."""
        text = b"" if self._refused else b"".join(self._pieces)
        if not text.strip():
            return None
        try:
            return SessionMessage(jsonrpc_message_adapter.validate_json(text, by_name=False))
        except ValueError as error:
            return self._answer(PARSE_ERROR, f"{NO_JSON}{type(error).__name__}") or error

    def _answer(self, code: int, problem: str) -> SessionMessage | None:
        """An error to the request that the line says it answers."""
        found = _ID.match(b"".join(self._pieces[:2])[:_ID_WITHIN_BYTES])
        error = ErrorData(code=code, message=problem)
        return found and SessionMessage(JSONRPCError(jsonrpc="2.0", id=int(found[1]), error=error))


async def _end(process: Process) -> None:
    """It has ended: because its input did, or by signals to it and all that it started."""
    with anyio.CancelScope(shield=True):
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(_drain, process)
            await _stop(process)
            tasks.cancel_scope.cancel()
        # A process that left the group may hold the pipe, whose end would never be seen.
        transport = getattr(getattr(process, "_process", None), "_transport", None)
        if isinstance(transport, asyncio.SubprocessTransport):
            transport.close()


async def _stop(process: Process) -> None:
    with suppress(OSError, anyio.BrokenResourceError, anyio.ClosedResourceError):
        await _input(process).aclose()
    with anyio.move_on_after(LEAVES_WITHIN_SECONDS):
        await process.wait()
    await terminate_posix_process_tree(process, LEAVES_WITHIN_SECONDS)
    with anyio.move_on_after(LEAVES_WITHIN_SECONDS):
        await process.wait()


async def _drain(process: Process) -> None:
    """A server that is writing does not see that its input ended."""
    with suppress(anyio.EndOfStream, anyio.BrokenResourceError, anyio.ClosedResourceError, OSError):
        while True:
            await _output(process).receive(CHUNK_BYTES)


def _input(process: Process) -> ByteSendStream:
    if process.stdin is None:
        raise RuntimeError("the process was started without a pipe to it")
    return process.stdin


def _output(process: Process) -> ByteReceiveStream:
    if process.stdout is None:
        raise RuntimeError("the process was started without a pipe from it")
    return process.stdout
