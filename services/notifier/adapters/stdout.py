"""Standard output in Slack's place, for development: no token, no channel, the same port.

What was printed cannot be looked up, so which messages stand is kept in Redis: a message stands
there first and is printed then. Whoever follows a writer that died finds it, and prints it with its
next edit. So a message is never there twice, and its card may be printed again.
"""

import asyncio
from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, TextIO

from redis.asyncio import Redis
from redis.commands.core import AsyncScript

from bus.connection import as_text
from bus.streams import KEPT_SECONDS, Keys
from services.notifier.adapters.redis_owing import script_text
from services.notifier.blocks import Card
from services.notifier.pace import Urgency
from services.notifier.plain_text import lines_of
from services.notifier.ports import NOTICE, MessageGone, Unanswered
from services.notifier.stop import Place

REMEMBERED = 500
HEADING, QUOTED = "---", "  | "
"""How a line begins under which a message stands, and each line of a notice's text, which may hold
anything: none of them can be taken for the other."""


@dataclass
class StandardOutput:
    """Prints messages, as `ports.Sink` says, without a channel to the default one."""

    redis: Redis
    keys: Keys
    channel: str
    out: TextIO
    timeout_seconds: float
    _stand: AsyncScript = field(init=False)
    _printed: dict[Place, list[str]] = field(default_factory=dict)
    """What this process has printed last of each message."""
    _one_at_a_time: asyncio.Lock = field(default_factory=asyncio.Lock)

    def __post_init__(self) -> None:
        self._stand = self.redis.register_script(script_text("stand"))

    async def post(
        self,
        card: Card,
        incident_id: str = "",
        *,
        channel: str = "",
        urgency: Urgency = "placeholder",
    ) -> Place:
        """The message stands, and is printed."""
        at = channel or self.channel
        answer: Any = await self._stand(keys=[self._key(at)], args=[incident_id, KEPT_SECONDS])
        place = Place(channel=at, ts=as_text(answer))
        await self._print(place, card, title=incident_id)
        return place

    async def edit(
        self, place: Place, card: Card, *, incident_id: str, urgency: Urgency = "progress"
    ) -> None:
        """The message is printed again; under the same title only the lines that are new."""
        if not await self.redis.hexists(self._key(place.channel), place.ts):
            raise MessageGone("message_not_found")
        await self._print(place, card, title=incident_id)

    async def remove(self, place: Place, *, urgency: Urgency = "details") -> bool:
        """It stands no more; what was printed stays, and is taken back in words."""
        if await self.redis.hdel(self._key(place.channel), place.ts):
            await self.say([f"{HEADING} message {place.ts} is taken back {HEADING}"])
        return True

    async def find(
        self,
        incident_id: str,
        since: datetime,
        *,
        but: Collection[str] = (),
        channel: str = "",
        urgency: Urgency = "placeholder",
    ) -> Place | None:
        """The newest message of that id there."""
        found = await self._standing(incident_id, since, channel=channel or self.channel)
        return next((place for place in found if place.ts not in but), None)

    async def others(self, incident_id: str, since: datetime, *, but: Place) -> list[Place]:
        """Every other message of that id there, the newest first."""
        found = await self._standing(incident_id, since, channel=but.channel)
        return [place for place in found if place.ts != but.ts]

    async def introduce(self) -> None:
        """Nothing: there is nobody to ask."""

    async def problem(self) -> str:
        """Nothing known; who cannot write says so at once."""
        return ""

    async def _standing(self, incident_id: str, since: datetime, *, channel: str) -> list[Place]:
        raw = await self.redis.hgetall(self._key(channel))
        stands = {as_text(ts): as_text(name) for ts, name in raw.items()}
        found = [ts for ts, name in stands.items() if name == incident_id]
        newest_first = sorted(found, key=float, reverse=True)
        return [
            Place(channel=channel, ts=ts) for ts in newest_first if float(ts) >= since.timestamp()
        ]

    async def _print(self, place: Place, card: Card, *, title: str) -> None:
        lines, before = lines_of(card), self._printed.get(place, [])
        shown = [line for line in lines if line not in before] if lines[:1] == before[:1] else lines
        if shown:
            notice = title.startswith(NOTICE)
            name, mark = ("notice", QUOTED) if notice else (title, "")
            said = (f"{mark or _no_heading(line)}{line}" for line in shown)
            await self.say([f"{HEADING} {name} in {place.channel} {HEADING}", *said, ""])
        # Only now: what nobody took is printed at the next try.
        self._printed[place] = lines
        if len(self._printed) > REMEMBERED:
            del self._printed[next(iter(self._printed))]

    async def say(self, lines: list[str]) -> None:
        """The lines are printed. Raises Unanswered where nobody takes them."""
        text = "\n".join(lines) + "\n"
        encoding = self.out.encoding or "utf-8"
        safe = text.encode(encoding, "backslashreplace").decode(encoding)
        try:
            async with asyncio.timeout(self.timeout_seconds), self._one_at_a_time:
                await asyncio.to_thread(self._write_now, safe)
        except (OSError, ValueError) as error:  # a ValueError: it was closed
            reason = str(error) or "nobody reads it"
            raise Unanswered(f"standard output takes no text: {reason}") from None

    def _write_now(self, text: str) -> None:
        self.out.write(text)
        self.out.flush()

    def _key(self, channel: str) -> str:
        return f"{self.keys.prefix}printed:{channel}"


def _no_heading(line: str) -> str:
    """What goes before a line of a card that looks like the heading of a message."""
    return "  " if line.startswith(HEADING) else ""
