"""Leases on stream entries: taken with a delivery, renewed while the handler runs, handed back.

An entry belongs to the consumer that Redis lists it under. Every renewal checks that first, in one
script, so that a replica which slept past its lease cannot steal an entry back. What was handed
back belongs to nobody until somebody takes it, and so it is never uncounted twice.
"""

import asyncio
import contextlib
import logging
from collections.abc import Iterable
from dataclasses import dataclass, field

from redis.asyncio import Redis
from redis.exceptions import RedisError

from bus.connection import Script, as_text
from bus.dead_letter import ALONE
from bus.envelope import Entry, lease_clock
from bus.streams import Keys, Reader, Stream

log = logging.getLogger(__name__)
NOBODY = "nobody"
"""Redis lists under that name what was handed back."""
Place = tuple[Stream, str, str]


@dataclass
class Leases:
    """The leases of one process; `lease_seconds` is how long an entry stays with a dead owner."""

    redis: Redis
    keys: Keys
    consumer: str
    lease_seconds: float
    running: dict[Place, "tuple[Entry, asyncio.Task[None]]"] = field(default_factory=dict)
    _here: set[Place] = field(default_factory=set)
    """What was taken, from before Redis was asked until the delivery is over."""
    _lost: set[Place] = field(default_factory=set)
    _owed: dict[Place, Entry] = field(default_factory=dict)
    _renew: Script = field(init=False)

    def __post_init__(self) -> None:
        self._renew = Script(self.redis, "renew")

    async def take(self, entry: Entry) -> bool:
        """Whether this delivery is ours to handle; then the entry's delivery count is set.

        It is not when the entry is here already, was acknowledged, or has another owner. Whoever
        takes an entry lets go of it.
        """
        place, word = self._place(entry), ""
        if place in self._here:
            return False
        # Before Redis is asked: a busy process may get an entry from its reader and by takeover.
        self._here.add(place)
        try:
            word, entry.delivery_count = await self._set(entry, idle_seconds=0)
        finally:
            if word != "ours":
                self._here.discard(place)
        return word == "ours"

    def let_go(self, entry: Entry) -> None:
        """This delivery is over; the entry may be taken here again."""
        self._here.discard(self._place(entry))

    def started(self, entry: Entry, task: "asyncio.Task[None]") -> None:
        """From now on the entry's lease is renewed, until `finished`."""
        self.running[self._place(entry)] = (entry, task)

    def finished(self, entry: Entry) -> None:
        """The handler is done with the entry."""
        self.running.pop(self._place(entry), None)
        self._lost.discard(self._place(entry))

    def is_lost(self, entry: Entry) -> bool:
        """Whether the entry got another owner while it was being handled here."""
        return self._place(entry) in self._lost

    async def hand_back(self, entry: Entry, *, after_seconds: float) -> None:
        """Let anybody have the entry after that time, at most the lease; this was no delivery."""
        idle = max(0.0, self.lease_seconds - after_seconds)
        await self._set(entry, idle_seconds=idle, to=NOBODY)

    def owe(self, entry: Entry) -> None:
        """Redis went away while the entry was here: hand it back, uncounted, once that works."""
        self._owed[self._place(entry)] = entry

    async def keep(self) -> None:
        """Renew what is being handled, every quarter of the lease, until cancelled.

        A handler whose entry got another owner, or was acknowledged by one, is cancelled: its work
        is being done elsewhere.
        """
        while True:
            await asyncio.sleep(self.lease_seconds / 4)
            # Side by side: many entries over a slow connection must not outlast their leases.
            kept = [self._keep_one(entry, task=task) for entry, task in list(self.running.values())]
            await asyncio.gather(*kept)
            with contextlib.suppress(RedisError, OSError):
                for place, entry in list(self._owed.items()):
                    if place not in self._here:
                        await self.hand_back(entry, after_seconds=0.0)
                    del self._owed[place]

    async def hand_over(self, readers: Iterable[tuple[Stream, Reader]]) -> int:
        """Hand back all that this consumer holds, uncounted; how many entries it was."""
        handed = 0
        for stream, reader in readers:
            while rows := await self.redis.xpending_range(
                self.keys.stream(stream),
                reader.group,
                min="-",
                max="+",
                count=1000,
                consumername=self.consumer,
            ):
                for row in rows:
                    place = (stream, reader.group, as_text(row["message_id"]))
                    await self._run(place, idle_seconds=self.lease_seconds, to=NOBODY)
                handed += len(rows)
        return handed

    async def _keep_one(self, entry: Entry, *, task: "asyncio.Task[None]") -> None:
        place = self._place(entry)
        try:
            word, _ = await self._set(entry, idle_seconds=0)
        except (RedisError, OSError) as error:
            log.warning("lease of %s on %s was not renewed: %s", place[2], entry.stream.name, error)
            return
        # An entry that its own handler has acknowledged is gone too, and then all is well.
        if word != "ours" and not entry.acknowledged and place in self.running:
            on = entry.stream.name
            log.warning("entry %s on %s is %s; its handler stops here", place[2], on, word)
            self._lost.add(place)
            task.cancel()

    async def _set(self, entry: Entry, *, idle_seconds: float, to: str = "") -> tuple[str, int]:
        asked_at = lease_clock()
        answer = await self._run(self._place(entry), idle_seconds=idle_seconds, to=to)
        if answer[0] == "ours":
            entry.held_until = asked_at + self.lease_seconds - idle_seconds
        return answer

    async def _run(self, place: Place, *, idle_seconds: float, to: str) -> tuple[str, int]:
        stream, group, entry_id = place
        answer = await self._renew.run(
            [self.keys.stream(stream), self.keys.errors(stream, group)],
            [group, self.consumer, entry_id, str(round(idle_seconds * 1000)), to, entry_id + ALONE],
        )
        if not isinstance(answer, list):
            raise TypeError(f"renew answered {answer!r}")
        return as_text(answer[0]), int(answer[1])

    def _place(self, entry: Entry) -> Place:
        return (entry.stream, entry.group, entry.entry_id)
