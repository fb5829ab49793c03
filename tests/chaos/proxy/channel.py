"""A listening address of one replica on one channel, and the weather on it."""

import asyncio
import contextlib
import socket
import struct
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field
from typing import Literal, Protocol

from simulator.redis_server import free_port
from tests.chaos.proxy.naming import Named
from tests.chaos.proxy.passage import Cutting, Passage, Phase

LIMIT = 2**26
Weather = Literal["fair", "slow", "half-open", "black hole", "refused"]
"""`slow`: every request takes longer. `half-open`: what connections there are say nothing any
more, for ever, and nor do new ones while it lasts. `black hole`: nothing passes while it lasts,
and then it does. `refused`: nobody listens, and all connections were reset."""


class Desk(Protocol):
    """What a channel needs of the proxy."""

    def begin(self, channel: "Channel", named: Named, began_at: float = 0.0) -> Passage:
        """The passage of a request that has just reached the proxy, noted in the log."""

    async def ask(self, passage: Passage, phase: Phase) -> None:
        """Raises Cutting or Answered when the passage may not go on."""

    def incident_of(self, stream: str, entry_id: str) -> str:
        """The incident of an entry that some replica was given, where that is known."""

    def given(self, stream: str, entry_id: str, incident: str) -> None:
        """A replica was given that entry."""

    def turn(self, replica: str, incident: str, purpose: str) -> None:
        """A replica has the turn to write that incident's message, for that purpose."""


Carry = Callable[["Line"], Coroutine[None, None, None]]


@dataclass(eq=False)
class Channel:
    """One replica's way to one outside system."""

    replica: str
    service: str
    name: str
    target: tuple[str, int]
    desk: Desk
    port: int = 0
    weather: Weather = "fair"
    latency_seconds: float = 0.0
    fair: asyncio.Event = field(default_factory=asyncio.Event)
    lines: "set[Line]" = field(default_factory=set)
    server: asyncio.Server | None = None

    def change(self, weather: Weather, latency_seconds: float = 0.0) -> None:
        """From now on the weather is that."""
        self.weather, self.latency_seconds = weather, latency_seconds
        if weather == "half-open":
            for line in self.lines:
                line.dead = True
        if weather == "black hole":
            self.fair.clear()
        else:
            self.fair.set()

    def reset(self) -> int:
        """Every connection was reset; how many it was."""
        for line in list(self.lines):
            line.cut()
        return len(self.lines)


@dataclass(eq=False)
class Line:
    """One connection of a replica and its counterpart outside."""

    channel: Channel
    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter
    outside: asyncio.StreamWriter | None = None
    dead: bool = False
    """Nothing is ever said on it again, and nobody is told."""
    task: "asyncio.Task[None] | None" = None

    async def connect(self) -> asyncio.StreamReader:
        """Connected to the outside. Raises OSError when that does not listen."""
        reader, self.outside = await asyncio.open_connection(*self.channel.target, limit=LIMIT)
        return reader

    async def pass_weather(self, latency_seconds: float = 0.0) -> None:
        """Something may go on, now."""
        while self.channel.weather == "black hole":
            await self.channel.fair.wait()
        if self.dead:
            await asyncio.Event().wait()
        if latency_seconds:
            await asyncio.sleep(latency_seconds)

    def cut(self) -> None:
        """Both sides are reset, whatever was under way."""
        self._end(reset=True)
        if self.task is not None:
            self.task.cancel()

    def end(self, error: BaseException | None) -> None:
        """Both sides are closed: politely, or reset where the outside was lost or a test cut it."""
        self._end(reset=isinstance(error, Cutting | OSError))

    def _end(self, *, reset: bool) -> None:
        for writer in (self.writer, self.outside):
            if writer is not None and reset:
                _reset(writer)
            elif writer is not None:
                writer.close()


def _reset(writer: asyncio.StreamWriter) -> None:
    """Closed so that the other side gets RST and not a farewell."""
    raw = writer.get_extra_info("socket")
    if raw is not None:
        with contextlib.suppress(OSError):
            raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    writer.transport.abort()


async def listen(channel: Channel, carry: Carry) -> None:
    """The channel listens on its port, at first a free one; each connection is carried."""
    channel.fair.set()

    async def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        line = Line(channel, reader, writer, dead=channel.weather == "half-open")
        channel.lines.add(line)
        line.task = asyncio.ensure_future(carry(line))
        (error,) = await asyncio.gather(line.task, return_exceptions=True)
        channel.lines.discard(line)
        line.end(error)

    # A port from the kernel's own range may be somebody's outgoing one after a refusal.
    channel.port = channel.port or free_port()
    channel.server = await asyncio.start_server(accept, "127.0.0.1", channel.port, limit=LIMIT)
