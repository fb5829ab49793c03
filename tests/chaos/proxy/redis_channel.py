"""Carries one connection to Redis: each command and its reply are a passage."""

import asyncio
import re
from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from itertools import pairwise

from tests.chaos.proxy.channel import Line
from tests.chaos.proxy.naming import Named, command_name
from tests.chaos.proxy.passage import Answered, Cutting, Passage
from tests.chaos.proxy.resp import Incomplete, Pushed, Value, parse

_ENTRY_ID = re.compile(rb"^\d+-\d+$")
_NAMED = re.compile(rb'"(?:investigation_id|incident_id)":\s*"([^"]+)"')
_INCIDENTS = "nightshift:incidents"


@dataclass
class _Sent:
    """A command that waits for its reply."""

    passage: Passage
    command: list[bytes]
    named: Named


@dataclass
class _Conversation:
    line: Line
    sent: deque[_Sent] = field(default_factory=deque)

    async def upwards(self) -> None:
        """Commands go to Redis until the replica has nothing more to say."""
        outside = self.line.outside
        assert outside is not None
        waiting = b""
        while got := await self.line.reader.read(65536):
            waiting += got
            found, waiting = _whole(waiting)
            for value, raw in found:
                await self._command(value, raw, outside)

    async def downwards(self, reader: asyncio.StreamReader) -> None:
        """Replies go to the replica until Redis closes."""
        waiting = b""
        while got := await reader.read(65536):
            waiting += got
            found, waiting = _whole(waiting)
            for value, raw in found:
                await self._reply(value, raw)
        raise Cutting

    async def _command(self, value: Value, raw: bytes, outside: asyncio.StreamWriter) -> None:
        if not isinstance(value, list):
            raise ValueError("a command is an array")
        command = [part for part in value if isinstance(part, bytes)]
        desk, channel = self.line.channel.desk, self.line.channel
        await self.line.pass_weather(channel.latency_seconds)
        named = command_name(command)
        if command[0].upper() == b"XACK":
            incident = desk.incident_of(command[1].decode(), command[3].decode())
            named = replace(named, incident=incident)
        passage = desk.begin(channel, named)
        self.sent.append(_Sent(passage, command, named))
        await desk.ask(passage, "before")
        outside.write(raw)
        await outside.drain()

    async def _reply(self, value: Value, raw: bytes) -> None:
        desk = self.line.channel.desk
        if isinstance(value, Pushed):
            self.line.writer.write(raw)
            return
        sent = self.sent.popleft()
        sent.passage.answer = _shown(value)
        await desk.ask(sent.passage, "between")
        await self.line.pass_weather()
        self._learn(sent, value)
        self.line.writer.write(raw)
        await self.line.writer.drain()
        await desk.ask(sent.passage, "after")

    def _learn(self, sent: _Sent, value: Value) -> None:
        desk, word = self.line.channel.desk, sent.command[0].upper()
        if word in (b"XREADGROUP", b"XAUTOCLAIM", b"XCLAIM"):
            stream = _stream_of(sent.command)
            for entry_id, fields in _entries(value):
                found = next(filter(None, (_NAMED.search(part) for part in fields)), None)
                incident = found[1].decode() if found else ""
                if not incident and stream == _INCIDENTS:
                    incident = f"inc-{entry_id}"
                desk.given(stream, entry_id, incident)
        if sent.named.purpose and isinstance(value, list) and value and value[0] == b"yours":
            desk.turn(sent.passage.replica, sent.named.incident, sent.named.purpose)


async def carry_redis(line: Line) -> None:
    """Carries the connection until one side closes it."""
    try:
        reader = await line.connect()
        conversation = _Conversation(line)
        async with asyncio.TaskGroup() as tasks:
            down = tasks.create_task(conversation.downwards(reader))
            tasks.create_task(_then_cancel(conversation, down))
    except* (Answered, Cutting, OSError):
        raise Cutting from None


async def _then_cancel(conversation: _Conversation, down: "asyncio.Task[None]") -> None:
    await conversation.upwards()
    down.cancel()


def _whole(buffer: bytes) -> tuple[list[tuple[Value, bytes]], bytes]:
    """The whole values at the buffer's start with their bytes, and what is left."""
    found, at = [], 0
    while at < len(buffer):
        try:
            value, end = parse(buffer, at)
        except Incomplete:
            break
        found.append((value, buffer[at:end]))
        at = end
    return found, buffer[at:]


def _stream_of(command: Sequence[bytes]) -> str:
    if command[0].upper() != b"XREADGROUP":
        return command[1].decode()
    at = next(at for at, part in enumerate(command) if part.upper() == b"STREAMS")
    return command[at + 1].decode()


def _entries(value: Value) -> Iterator[tuple[str, list[bytes]]]:
    """Every entry in a reply, wherever it stands: an id followed by a list of texts."""
    if not isinstance(value, list):
        return
    for first, second in pairwise(value):
        if isinstance(first, bytes) and _ENTRY_ID.match(first) and isinstance(second, list):
            yield first.decode(), [part for part in second if isinstance(part, bytes)]
    for part in value:
        yield from _entries(part)


def _shown(value: Value) -> str:
    if isinstance(value, list):
        return "[" + " ".join(_shown(part) for part in value[:3])[:60] + "]"
    text = value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value)
    return text[:60]
