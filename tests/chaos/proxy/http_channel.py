"""Carries one HTTP connection: each request and its answer are a passage."""

import asyncio
import time
from dataclasses import dataclass

from tests.chaos.proxy.channel import Line
from tests.chaos.proxy.http import Head, answer, read_body, read_head
from tests.chaos.proxy.naming import request_name
from tests.chaos.proxy.passage import Answered, Passage

EMPTY = (204, 304)
STREAM = "text/event-stream"


@dataclass
class _Request:
    head: Head
    raw: bytes
    passage: Passage


async def carry_http(line: Line) -> None:
    """Carries the connection until the replica closes it. Each request is a new one outside."""
    while True:
        try:
            head = await read_head(line.reader)
            began_at = time.time()
            body, plain = await read_body(line.reader, head)
        except asyncio.IncompleteReadError:
            return
        await line.pass_weather(line.channel.latency_seconds)
        named = request_name(line.channel.name, head, plain)
        passage = line.channel.desk.begin(line.channel, named, began_at)
        request = _Request(head, head.raw + body, passage)
        try:
            goes_on = await _exchange(line, request)
        except Answered as refused:
            said = refused.answer
            line.writer.write(answer(said.status, said.headers, said.body))
            await line.writer.drain()
            goes_on = True
        if not goes_on:
            return


async def _exchange(line: Line, request: _Request) -> bool:
    """Whether the connection can be used again."""
    desk, passage = line.channel.desk, request.passage
    await desk.ask(passage, "before")
    reader = await line.connect()
    assert line.outside is not None
    line.outside.write(request.raw)
    await line.outside.drain()
    head = await read_head(reader)
    if request.head.method == "GET" and STREAM in head.headers.get("content-type", ""):
        passage.answer = "a stream"
        await _stream(line, head, reader)
        return False
    raw, closes = await _answer_body(reader, head)
    line.outside.close()
    passage.given_up = line.reader.at_eof() or line.reader.exception() is not None
    passage.answer = str(head.status)
    await desk.ask(passage, "between")
    await line.pass_weather()
    line.writer.write(head.raw + raw)
    await line.writer.drain()
    await desk.ask(passage, "after")
    return not closes


async def _answer_body(reader: asyncio.StreamReader, head: Head) -> tuple[bytes, bool]:
    """The body as it came, and whether the connection ends with it."""
    closes = head.headers.get("connection", "").lower() == "close"
    if head.status in EMPTY:
        return b"", closes
    if head.chunked or "content-length" in head.headers:
        raw, _ = await read_body(reader, head)
        return raw, closes
    return await reader.read(-1), True


async def _stream(line: Line, head: Head, reader: asyncio.StreamReader) -> None:
    """What is said on the stream reaches the replica as it comes, until either side closes."""
    line.writer.write(head.raw)
    gone = asyncio.ensure_future(line.reader.read(1))
    try:
        while True:
            more = asyncio.ensure_future(reader.read(65536))
            await asyncio.wait({more, gone}, return_when=asyncio.FIRST_COMPLETED)
            if not more.done() or not more.result():
                more.cancel()
                return
            await line.pass_weather()
            line.writer.write(more.result())
            await line.writer.drain()
    finally:
        gone.cancel()
