"""Who is handled beside whom in a process, so that what kills it takes no innocent entry along.

All that a dying process handled comes back together, and nobody can tell which of it was to blame.
So each owner lost halves how many such suspects are handled here at once; the strictest of those
that run counts for all. And a last chance is alone: it begins once nothing else is handled here,
unsuspected entries included, and until it is over nothing else begins. Only what lost its owner
while it was alone is set aside, and that was its own doing.
Nobody waits for ever: there is one last chance at a time, it waits only for handlers that run
already, after it all others get in before the next one, what is refused costs no delivery and goes
to whoever has room, and for a moment suspects that may be one of more leave it a place.
"""

import asyncio
import math
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from bus.dead_letter import MAX_DELIVERIES
from bus.envelope import Entry

SUSPECT_DEATHS = 2
"""So many owners may die by chance; from then on the entry itself may be what kills them."""


@dataclass
class Room:
    """What is being handled in this process on all its streams: how many suspects each allows."""

    seconds: float
    """After so long, what was refused may come again."""
    _handled: list[float] = field(default_factory=list)
    _refused: list[float] = field(default_factory=list)
    _left: asyncio.Event = field(default_factory=asyncio.Event)
    _next_alone_at: float = 0.0

    @contextmanager
    def enter(self, entry: Entry) -> Iterator[bool]:
        """Whether the entry may be handled now, or once `alone`; inside the block it counts."""
        suspect = entry.delivery_count > SUSPECT_DEATHS
        limit = 2.0 ** (MAX_DELIVERIES - entry.delivery_count) if suspect else math.inf
        suspects = [one for one in self._handled if one < math.inf]
        left = [refused - 1 for refused in self._refused if 1 < refused < limit]
        crowded = len(suspects) >= min([limit, *suspects, *left])
        crowded = crowded and 1 < limit < math.inf
        loop = asyncio.get_running_loop()
        others_first = limit <= 1 and loop.time() < self._next_alone_at
        if min(suspects, default=2) <= 1 or crowded or others_first:
            self._refused.append(limit)
            loop.call_later(1 + self.seconds, self._refused.remove, limit)
            yield False
            return
        self._handled.append(limit)
        try:
            yield True
        finally:
            self._handled.remove(limit)
            self._left.set()
            if limit <= 1:
                self._next_alone_at = loop.time() + 1 + self.seconds

    async def alone(self) -> None:
        """Nothing else is handled here any more; once a last chance is in, nothing begins."""
        while len(self._handled) > 1:
            self._left.clear()
            await self._left.wait()
