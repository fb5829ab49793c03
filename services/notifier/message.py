"""One message per incident: placed once, edited by one writer at a time, closed once.

Every write of an incident happens in its turn (`ports.Places`): nobody else writes meanwhile, and
whoever comes after a writer that died looks for the message before it posts one.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Coroutine
from dataclasses import dataclass, field, replace
from typing import TypeVar

from bus.cleaning import clean
from bus.errors import Unavailable
from bus.events import InvestigationId, Value
from bus.record import Record
from services.notifier.blocks import Card
from services.notifier.ports import (
    CardRefused,
    ChannelClosed,
    Finished,
    MessageGone,
    MessageLocked,
    Places,
    Purpose,
    Settled,
    Sink,
    Turn,
    Unanswered,
)
from services.notifier.report import again, beside
from services.notifier.routing import Routes, moved
from services.notifier.second_messages import SecondMessages
from services.notifier.stop import Place, signal

log = logging.getLogger(__name__)
T = TypeVar("T")
V = TypeVar("V", bound=Value)
WAITS = 12
"""How often a writer asks for its turn before the entry is handed back."""
LONGEST_WAIT_SECONDS = 0.5


@dataclass(frozen=True)
class Messages:
    """Writes the messages of incidents."""

    slack: Sink
    places: Places
    second_messages: SecondMessages
    routes: Routes
    covered: "asyncio.Queue[InvestigationId]" = field(default_factory=asyncio.Queue)
    """Incidents whose final card was written while an edit was under way that may lie over it."""

    async def place(self, record: Record, card: Card) -> None:
        """The incident's message stands; nothing is written where it stood already."""
        turn = await self._turn(record, "place")
        if turn.word == "yours":
            await self.edit(record, card, turn=turn)

    async def edit(self, record: Record, card: Card, *, turn: Turn) -> None:
        """The message shows the card; the turn, which the caller took, is over.

        A message that turns out to be a second one is taken back, at once or later.
        """
        place = await self._write(record, card, turn=turn)
        settled = await told(self._settle(record, turn, place=place))
        if settled == "duplicate":
            await self.second_messages.take_back(record)

    async def leave(self, record: Record, turn: Turn) -> None:
        """The turn is over and nothing was written in it."""
        await self.places.failed(record.investigation_id, turn, known=True)

    async def take_final(self, record: Record) -> Turn:
        """The turn to write the final card, which may stand already."""
        return await self._turn(record, "final")

    async def finish(self, record: Record, card: Card, *, turn: Turn) -> Finished:
        """The final card stands and the stop signal is out; a repeat writes the card only."""
        place = await self._write(record, card, turn=turn)
        stands = signal(record, place)
        finish = self.places.finish(record.investigation_id, turn, signal=stands)
        finished = await told(finish)
        if finished.owed:
            await self.second_messages.take_back(record)
        return finished

    async def _turn(self, record: Record, purpose: Purpose) -> Turn:
        for _ in range(WAITS):
            channel = self.routes.channel_of(record)
            turn = await self.places.take(record.investigation_id, purpose, channel=channel)
            if turn.word != "busy":
                return turn
            await asyncio.sleep(min(turn.wait_seconds, LONGEST_WAIT_SECONDS))
        raise Unavailable("somebody else writes this incident's message", retry_in_seconds=2)

    async def _write(self, record: Record, card: Card, *, turn: Turn) -> Place:
        inv = record.investigation_id
        try:
            return await self._write_now(record, card, turn=turn)
        except (Unanswered, asyncio.CancelledError):
            await told(self._settle(record, turn, place=None))
            raise
        except (Unavailable, CardRefused):
            await self.places.failed(inv, turn, known=True)
            raise

    async def _write_now(self, record: Record, card: Card, *, turn: Turn) -> Place:
        place = turn.place
        if place is None and turn.state == "posting":
            place, turn = await self._looked_for(record, turn)
        return await self._send(record, card, turn=turn, place=place)

    async def _looked_for(self, record: Record, turn: Turn) -> tuple[Place | None, Turn]:
        self._check(turn)
        inv = record.investigation_id
        try:
            place = await self.slack.find(
                inv,
                record.opened_at,
                but=turn.left,
                channel=turn.channel,
                urgency=turn.urgency,
            )
        except ChannelClosed as error:
            # Whether one stands there cannot be seen now: that is owed, see SecondMessages.
            return None, await self._move(record, turn, why=error)
        if place is not None:
            await self.places.found(inv, turn, place=place)
        return place, turn

    async def _send(self, record: Record, card: Card, *, turn: Turn, place: Place | None) -> Place:
        inv = record.investigation_id
        if place is None:
            return await self._post(record, card, turn=turn)
        try:
            await self._edited(place, card, turn=turn, inv=inv)
        except (MessageGone, MessageLocked, ChannelClosed) as error:
            closed = error if isinstance(error, ChannelClosed) else None
            if closed and place.channel == self.routes.default:
                raise
            stands = not isinstance(error, MessageGone)
            # A final card is not posted twice, and a running one is no reason for a second message.
            if turn.state == "final" or (stands and record.state != "ended"):
                log.info("the message of %s stays as it is: Slack says %s", inv, error)
                return place
        else:
            return place
        self._check(turn)
        removed = not closed and stands and await self.slack.remove(place, urgency=turn.urgency)
        stands = stands and not removed
        # Before it goes out: whoever comes after a death here looks for it before posting another.
        await self.places.replaced(inv, turn, place=place, beside=stands)
        beside = turn.beside or stands
        turn = replace(turn, beside=beside, again=not beside, channel=place.channel)
        if closed:
            turn = await self._move(record, turn, why=closed)
        return await self._post(record, card, turn=turn)

    async def _post(self, record: Record, card: Card, *, turn: Turn) -> Place:
        inv = record.investigation_id
        try:
            return await self._posted(inv, card, turn=turn)
        except ChannelClosed as error:
            turn = await self._move(record, turn, why=error)
        return await self._posted(inv, card, turn=turn)

    async def _posted(self, inv: InvestigationId, card: Card, *, turn: Turn) -> Place:
        def post(shown: Card) -> Awaitable[Place]:
            return self.slack.post(shown, inv, channel=turn.channel, urgency=turn.urgency)

        return await self._accepted(card, post, turn=turn)

    async def _edited(self, place: Place, card: Card, *, turn: Turn, inv: InvestigationId) -> None:
        def edit(shown: Card) -> Awaitable[None]:
            return self.slack.edit(place, shown, incident_id=inv, urgency=turn.urgency)

        await self._accepted(card, edit, turn=turn)

    async def _accepted(
        self, card: Card, write: Callable[[Card], Awaitable[T]], *, turn: Turn
    ) -> T:
        """What Slack answers to the card, or to a plainer one where it refuses its blocks."""
        while True:
            self._check(turn)
            try:
                return await write(_marked(card, turn))
            except CardRefused as error:
                if card.plainer is None:
                    raise
                log.error("a plainer card is written: %s", error)
                card = card.plainer

    async def _move(self, record: Record, turn: Turn, *, why: ChannelClosed) -> Turn:
        """The message belongs in the default channel now; where it did already, that is raised."""
        inv, default = record.investigation_id, self.routes.default
        if turn.channel in ("", default):
            raise why
        log.error("the message of %s goes to the default channel: %s", inv, why)
        # Before it goes out: whoever comes after a death looks for it there.
        await self.places.moved(inv, turn, channel=default)
        return replace(turn, channel=default, moved=turn.channel)

    async def _settle(self, record: Record, turn: Turn, *, place: Place | None) -> Settled:
        """The turn is over; without a place nobody knows what was written in it."""
        inv = record.investigation_id
        if place is None:
            settled = await self.places.failed(inv, turn, known=False)
        else:
            settled = await self.places.wrote(inv, turn, place=place)
        if settled == "covered":
            self.covered.put_nowait(inv)
        return settled

    def _check(self, turn: Turn) -> None:
        left = turn.ends_at - asyncio.get_running_loop().time()
        if left < self.slack.timeout_seconds:
            raise Unavailable("the turn to write is nearly over", retry_in_seconds=1)


def _marked(card: Card, turn: Turn) -> Card:
    """The card with what is odd about the place where it stands."""
    card = beside(card) if turn.beside else again(card) if turn.again else card
    return moved(card, turn.moved) if turn.moved else card


async def told(telling: Coroutine[object, None, T]) -> T:
    """What became of it; Redis is told also when the caller is cancelled meanwhile.

    Whoever lost its entry while it slept is cancelled, and nobody else knows what it has written.
    """
    task = asyncio.create_task(telling)
    try:
        return await asyncio.shield(task)
    except asyncio.CancelledError:
        await asyncio.wait([task])
        if not task.cancelled() and (error := task.exception()):
            log.warning("Redis was not told what was written: %s", error)
        raise


def cleaned(record: Record) -> Record:
    """The record with every text redacted and stripped of what cannot be seen."""
    ids = {"investigation_id": record.investigation_id, "trace": record.trace}
    return _cleaned_value(record).model_copy(update=ids)


def cleaned_text(text: str) -> str:
    """A text that is no part of a record, cleaned in the same way."""
    return clean(text.encode("utf-8", "replace").decode())


def _cleaned_value(value: V) -> V:
    parts = {name: _cleaned(getattr(value, name)) for name in type(value).model_fields}
    return value.model_copy(update=parts)


def _cleaned(part: object) -> object:
    if isinstance(part, str):
        return cleaned_text(part)
    if isinstance(part, Value):
        return _cleaned_value(part)
    if isinstance(part, dict):
        return {name: _cleaned(item) for name, item in part.items()}
    return tuple(_cleaned(item) for item in part) if isinstance(part, tuple) else part
