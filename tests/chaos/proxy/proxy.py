"""The proxy: an event loop in a thread of the test, with addresses for each replica."""

import asyncio
import threading
import time
from collections.abc import Callable, Coroutine, Iterable, Mapping
from dataclasses import replace
from typing import TypeVar

from tests.chaos.proxy.channel import Carry, Channel, Weather, listen
from tests.chaos.proxy.http_channel import carry_http
from tests.chaos.proxy.naming import Named, trace_of
from tests.chaos.proxy.passage import Hook, Passage, Phase, Verdict, obey
from tests.chaos.proxy.redis_channel import carry_redis

T = TypeVar("T")
RENEWAL = "commit: renew"
POLLS = ("commit: look", "commit: trim", "commit: drain", "sqs ReceiveMessage")
"""Every replica asks so again and again, whether or not anything has to be done."""
"""Of a lease: not in the log, but a hook is asked about it."""
_UNSEEN = ("redis ", "mcp ")
_SEEN = ("redis set", "redis hset", "redis xadd", "redis xack", "redis del", "redis exec")


class Proxy:
    """Carries what replicas say to the outside; `close` ends it.

    `hook` is asked about every passage that may change something, and about renewals of leases.
    `log` holds the former in order.
    """

    def __init__(self) -> None:
        self.log: list[Passage] = []
        self.hook: Hook | None = None
        self._channels: list[Channel] = []
        self._incidents: dict[tuple[str, str], str] = {}
        self._traces: dict[str, str] = {}
        self._purposes: dict[tuple[str, str], str] = {}
        self._turns: dict[str, str] = {}
        self._weather: dict[str, tuple[Weather, float]] = {}
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._run, name="proxy", daemon=True)
        self._thread.start()

    def open(
        self, replica: str, service: str, targets: Mapping[str, tuple[str, int]]
    ) -> dict[str, int]:
        """The ports of that replica's own addresses, by channel."""
        return {
            name: self._call(self._open(Channel(replica, service, name, target, self)))
            for name, target in targets.items()
        }

    def shut(self, replica: str) -> None:
        """That replica's addresses are gone; it has ended."""
        self._call(self._shut([one for one in self._channels if one.replica == replica]))

    def weather(self, channel: str, weather: Weather, *, latency_seconds: float = 0.0) -> None:
        """The weather on that channel of every replica, present and future."""
        self._weather[channel] = (weather, latency_seconds)
        for one in [one for one in self._channels if one.name == channel]:
            self._call(self._change(one))

    def reset(self, channel: str) -> int:
        """Every connection on that channel was reset; how many there were."""
        return sum(self._call(self._each(channel, lambda one: one.reset())))

    def close(self) -> None:
        """Nothing listens any more, and the thread has ended."""
        self._call(self._shut(list(self._channels)))
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    # What a channel asks for, in the proxy's thread:

    def begin(self, channel: Channel, named: Named, began_at: float = 0.0) -> Passage:
        """The passage of a request that has just reached the proxy, noted in the log."""
        named = self._placed(channel, named)
        passage = Passage(
            time.time(),
            channel.replica,
            channel.service,
            channel.name,
            named.operation,
            incident=named.incident,
            call=named.call,
            about=named.about,
            began_at=began_at,
        )
        if matters(passage):
            self.log.append(passage)
        return passage

    async def ask(self, passage: Passage, phase: Phase) -> None:
        """Raises Cutting or Answered when the passage may not go on."""
        if phase == "between":
            passage.answered_at = time.time()
        verdict: Verdict | None = None
        if self.hook is not None and (matters(passage) or passage.operation == RENEWAL):
            verdict = self.hook(passage, phase)
        await obey(verdict, passage)

    def incident_of(self, stream: str, entry_id: str) -> str:
        """The incident of an entry that some replica was given, where that is known."""
        return self._incidents.get((stream, entry_id), "")

    def given(self, stream: str, entry_id: str, incident: str) -> None:
        """A replica was given that entry."""
        self._incidents[(stream, entry_id)] = incident

    def turn(self, replica: str, incident: str, purpose: str) -> None:
        """A replica has the turn to write that incident's message, for that purpose."""
        self._purposes[(replica, incident)] = purpose
        self._turns[replica] = incident

    def _placed(self, channel: Channel, named: Named) -> Named:
        """With the incident that only the proxy knows, and what a message is written for."""
        if channel.name == "redis" and named.incident:
            self._traces.setdefault(trace_of(named.incident), named.incident)
        if channel.name == "mcp":
            return replace(named, incident=self._traces.get(named.incident, ""))
        about_message = channel.name == "slack" or named.operation in (
            "commit: settle",
            "commit: finish (InvestigationStopped)",
        )
        if not about_message or named.operation == "slack auth.test":
            return named
        incident = named.incident or self._turns.get(channel.replica, "")
        purpose = self._purposes.get((channel.replica, incident), "")
        shown = f"{named.operation} ({purpose})" if purpose else named.operation
        return replace(named, incident=incident, operation=shown)

    async def _open(self, channel: Channel) -> int:
        await listen(channel, _carry(channel))
        await self._change(channel)
        self._channels.append(channel)
        return channel.port

    async def _change(self, channel: Channel) -> None:
        """The weather that the channel's name has is the channel's."""
        before = channel.weather
        channel.change(*self._weather.get(channel.name, ("fair", 0.0)))
        if channel.weather == "refused" and channel.server is not None:
            channel.server.close()
            channel.reset()
        elif before == "refused":
            await listen(channel, _carry(channel))

    async def _shut(self, channels: Iterable[Channel]) -> None:
        for channel in channels:
            if channel.server is not None:
                channel.server.close()
            channel.reset()
            self._channels.remove(channel)
        await asyncio.sleep(0)

    async def _each(self, name: str, change: Callable[[Channel], T]) -> list[T]:
        return [change(channel) for channel in self._channels if channel.name == name]

    def _call(self, work: Coroutine[None, None, T]) -> T:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(10)

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        self._loop.run_forever()


def _carry(channel: Channel) -> Carry:
    return carry_redis if channel.name == "redis" else carry_http


def matters(passage: Passage) -> bool:
    """Whether it may change something: no read, no poll, no renewal of a lease."""
    operation = passage.operation
    if operation.startswith(_UNSEEN):
        return operation.startswith(_SEEN)
    return operation not in (RENEWAL, *POLLS)
