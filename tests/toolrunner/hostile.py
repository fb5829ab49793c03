"""An MCP server that answers as no server should, by HTTP or as a process of the toolrunner.

`python -m tests.toolrunner.hostile PORT`, or without a port on standard input and output. Its one
tool, `read`, takes as `topic` in which way to misbehave, and as `lines` how much of it.
"""

import asyncio
import contextlib
import json
import os
import sys
import zlib
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass

CHUNK = 256 * 1024
TOOL = {
    "name": "read",
    "description": "Some lines about a topic.",
    "inputSchema": {
        "type": "object",
        "properties": {"topic": {"type": "string"}, "lines": {"type": "integer"}},
        "required": ["topic"],
    },
    "annotations": {"readOnlyHint": True},
}
NOTIFICATION = (
    b'{"jsonrpc":"2.0","method":"notifications/message","params":{"level":"info","data":"x"}}'
)
TEXT, END, PART = b'{"type":"text","text":"', b'"}]}}', b'{"type":"text","text":""},'
LINE = b"2026-03-01T09:30:05Z INFO served request %09d for the cart in 3 ms\\n"
NEEDLE = b"ERROR the one that matters\\n    at cart.Store.Find()\\n"
STATUS = {"unavailable": b"503 Service Unavailable"}
TYPES = {"endless": b"text/event-stream", "events": b"text/event-stream", "html": b"text/html"}


@dataclass(frozen=True)
class Call:
    """One request of the toolrunner."""

    number: object
    topic: str
    lines: int

    @property
    def head(self) -> bytes:
        """How an answer to it begins."""
        return b'{"jsonrpc":"2.0","id":%s,"result":{"content":[' % json.dumps(self.number).encode()

    async def pieces(self) -> AsyncIterator[bytes]:
        """The answer, piece by piece, in the way that was asked for."""
        if self.topic == "hang":
            await asyncio.Event().wait()
        if self.topic == "drip":
            for letter in self.head + TEXT + b"x" * 1_000_000:
                yield bytes([letter])
                await asyncio.sleep(1)
        for piece in WAYS.get(self.topic, polite)(self):
            yield piece
        if self.topic == "stalled":
            await asyncio.Event().wait()


def polite(call: Call) -> Iterator[bytes]:
    """As every server should."""
    yield call.head + TEXT + call.topic.encode() + END


def stream(call: Call) -> Iterator[bytes]:
    """So many megabytes of text."""
    yield call.head + TEXT
    for _ in range(call.lines * 1_000_000 // CHUNK):
        yield b"x" * CHUNK
    yield END


def log(call: Call) -> Iterator[bytes]:
    """So many megabytes of a log, with one error in its middle; its end only as "log"."""
    yield call.head + TEXT
    count = call.lines * 1_000_000 // CHUNK
    for number in range(count):
        lines = (LINE % (number * 7919 + each) for each in range(CHUNK // len(LINE)))
        yield b"".join(lines) + (NEEDLE if number == count // 2 else b"")
    if call.topic == "log":
        yield END


def wide(call: Call) -> Iterator[bytes]:
    """The same, with one character for which every other takes four bytes of memory."""
    yield call.head + TEXT + "\U0001f600".encode()
    for _ in range(call.lines * 1_000_000 // CHUNK):
        yield b"x" * CHUNK
    yield END


def deep(call: Call) -> Iterator[bytes]:
    """So many levels."""
    yield call.head + b'],"structuredContent":' + b'{"a":' * call.lines
    yield b"1" + b"}" * call.lines + b"}}"


def many(call: Call) -> Iterator[bytes]:
    """So many parts."""
    yield call.head
    for _ in range(call.lines * len(PART) // CHUNK):
        yield PART * (CHUNK // len(PART))
    yield TEXT + END


def half(call: Call) -> Iterator[bytes]:
    """The beginning of an answer."""
    yield call.head + TEXT + b"half of"


def garbage(_: Call) -> Iterator[bytes]:
    """No answer at all."""
    yield b"<html>\xff\x00 no answer \x1b[31m</html>"


def flush(call: Call) -> Iterator[bytes]:
    """So many megabytes of spaces, packed."""
    packer = zlib.compressobj()
    for _ in range(call.lines):
        yield packer.compress(b" " * 1_000_000) + packer.flush(zlib.Z_SYNC_FLUSH)


WAYS: dict[str, Callable[[Call], Iterator[bytes]]] = {
    "stream": stream,
    "log": log,
    "stalled": log,
    "wide": wide,
    "deep": deep,
    "many": many,
    "truncated": half,
    "cut": half,
    "garbage": garbage,
    "html": garbage,
    "packed": flush,
}


def plain_answer(request: dict[str, object]) -> bytes:
    """The answer to what is no call; empty where none is due."""
    if "id" not in request:
        return b""
    results: dict[object, object] = {
        "initialize": {
            "protocolVersion": "2025-11-25",
            "capabilities": {"tools": {}, "logging": {}},
            "serverInfo": {"name": "hostile", "version": "1"},
        },
        "tools/list": {"tools": [TOOL]},
    }
    said: dict[str, object] = {"jsonrpc": "2.0", "id": request["id"]}
    result = results.get(request["method"])
    unknown = {"code": -32601, "message": "no such method"}
    return json.dumps(said | ({"result": result} if result else {"error": unknown})).encode()


def call_in(request: dict[str, object]) -> Call | None:
    """The call that the request makes."""
    if request.get("method") != "tools/call":
        return None
    params = request["params"]
    arguments = params["arguments"] if isinstance(params, dict) else {}
    return Call(request["id"], arguments["topic"], arguments.get("lines", 0))


async def over_http(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """One exchange, after which the connection is closed."""
    with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError):
        head = (await reader.readuntil(b"\r\n\r\n")).lower()
        length = int(head.partition(b"content-length:")[2].split(b"\r\n")[0] or 0)
        request = json.loads(await reader.readexactly(length) or "{}")
        call = call_in(request)
        topic = call.topic if call else ""
        status = STATUS.get(topic, b"200 OK" if "id" in request else b"202 Accepted")
        packed = b"content-encoding: deflate\r\n" if topic == "packed" else b""
        kind = TYPES.get(topic, b"application/json")
        writer.write(b"HTTP/1.1 " + status + b"\r\nconnection: close\r\n" + packed)
        writer.write(b"content-type: " + kind + b"\r\ntransfer-encoding: chunked\r\n\r\n")
        async for piece in _pieces(request, call):
            writer.write(b"%x\r\n%s\r\n" % (len(piece), piece))
            await writer.drain()
        if topic != "cut":
            writer.write(b"0\r\n\r\n")
        await writer.drain()
    writer.close()


async def _pieces(request: dict[str, object], call: Call | None) -> AsyncIterator[bytes]:
    if call is None:
        if answer := plain_answer(request):
            yield answer
        return
    while call.topic == "endless":
        yield b"event: message\ndata: " + NOTIFICATION + b"\n\n"
        await asyncio.sleep(0.001)
    while call.topic == "events":
        yield b": still here\n" * 1000
    async for piece in call.pieces():
        yield piece


async def over_pipe() -> None:
    """Requests on standard input, answered one after another but for those that hang."""
    loop, reader = asyncio.get_running_loop(), asyncio.StreamReader(limit=1 << 24)
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    transport, protocol = await loop.connect_write_pipe(
        asyncio.streams.FlowControlMixin, sys.stdout
    )
    writer = asyncio.StreamWriter(transport, protocol, None, loop)
    tasks: set[asyncio.Task[None]] = set()
    turn = asyncio.Lock()
    while line := await reader.readline():
        task = asyncio.create_task(_answer_on(writer, json.loads(line), turn=turn))
        tasks.add(task)
        task.add_done_callback(tasks.discard)


async def _answer_on(
    writer: asyncio.StreamWriter, request: dict[str, object], *, turn: asyncio.Lock
) -> None:
    call = call_in(request)
    if call and call.topic == "hang":
        return
    async with turn:
        while call and call.topic == "endless":
            writer.write((NOTIFICATION + b"\n") * 100)
            await writer.drain()
        async for piece in _pieces(request, call):
            writer.write(piece)
            await writer.drain()
        if call and call.topic == "cut":
            os._exit(3)
        writer.write(b"\n")


async def main() -> None:
    """Serve until killed, or until the input ends."""
    if len(sys.argv) < 2:
        await over_pipe()
        return
    server = await asyncio.start_server(over_http, "127.0.0.1", int(sys.argv[1]))
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(main())
