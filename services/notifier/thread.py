"""The details of an incident, in the thread of its message: each once, whoever dies meanwhile.

They are owed from the final card on, which the stop signal goes out with; no card and no signal
waits for them. A detail is written in a turn of the incident's one lease; after a turn whose end
nobody saw it is looked for first, and looked for again when it cannot arrive any more.
"""

import asyncio
import logging
from dataclasses import dataclass

from bus.commits import Investigations
from bus.errors import NightshiftError, Retryable, Unavailable
from bus.events import InvestigationId
from bus.logs import about
from bus.record import Record
from bus.results import Results
from bus.tracing import Tracing
from services.notifier.closing import Closing
from services.notifier.details import Kept, Known, details, wanted
from services.notifier.message import cleaned, told
from services.notifier.ports import CardRefused, Crowded, MessageGone, NotAllowed, Unanswered
from services.notifier.stop import Place
from services.notifier.thread_parts import (
    Detail,
    document,
    file_name,
    message,
    shortened,
    without_blocks,
)
from services.notifier.thread_ports import (
    Clockwork,
    DetailTurn,
    NoFiles,
    Reply,
    Standing,
    ThreadPlaces,
    ThreadSlack,
)

log = logging.getLogger(__name__)
GIVEN_UP_AFTER_SECONDS = 6 * 3600
LONGEST_WAIT_SECONDS = 30.0
WAITS = 12
"""How often a writer asks for its turn before it goes on with another incident."""
BUSY_SECONDS = 0.5
NO_FILES = "the Slack token lacks the scope files:write, or files are forbidden"


@dataclass(frozen=True)
class Sources:
    """Where the details come from."""

    investigations: Investigations
    results: Results
    clockwork: Clockwork
    closing: Closing

    @property
    def tracing(self) -> Tracing:
        """Where its work is told."""
        return self.closing.bus.tracing

    async def details(self, record: Record, *, activity: str) -> list[Detail]:
        """What the thread has to say, each text cleaned."""
        inv, shown = record.investigation_id, cleaned(record)
        results: dict[str, Kept] = {}
        for name in wanted(record):
            if (one := await self.results.read(inv, name)) is not None:
                results[name] = Kept(one.whole, one.shown, one.tool, one.ok)
        known = Known(
            record=shown,
            card=await self.closing.card(shown, activity),
            transcript=await self.investigations.transcript(inv),
            results=results,
            moments=await self.clockwork.moments(record),
        )
        return await asyncio.to_thread(details, known)


@dataclass(frozen=True)
class Threads:
    """Writes what is owed to the threads."""

    sources: Sources
    slack: ThreadSlack
    places: ThreadPlaces

    async def sweep(self) -> None:
        """Every thread whose time has come was tried."""
        while (investigation_id := await self.places.claim()) is not None:
            await self.tell(investigation_id)

    async def tell(self, investigation_id: InvestigationId) -> None:
        """All details stand once, or the rest is owed on; after some hours it is given up."""
        about(investigation_id)
        standing = await self.places.standing(investigation_id)
        try:
            record = await self.sources.investigations.read(investigation_id)
            if record is not None and standing.place is not None:
                with self.sources.tracing.span("write thread", parent=record.trace.traceparent):
                    standing = await self._all(record, standing, place=standing.place)
        except MessageGone as error:
            log.warning("%s has no thread any more, given up: %s", investigation_id, error)
            standing = await self.places.standing(investigation_id)
        except (NightshiftError, ValueError) as error:
            if standing.seconds < GIVEN_UP_AFTER_SECONDS:
                log.info("details of %s still wait: %s", investigation_id, error)
                await self.places.later(investigation_id, seconds=_wait(standing, error))
                return
            log.error("the thread of %s lacks details, given up: %s", investigation_id, error)
            standing = await self.places.standing(investigation_id)
        else:
            if standing.doubt and standing.young_seconds:
                await self.places.later(investigation_id, seconds=standing.young_seconds)
                return
        await self.places.forget(investigation_id, doubt=standing.doubt)

    async def _all(self, record: Record, standing: Standing, *, place: Place) -> Standing:
        inv = record.investigation_id
        for detail in await self.sources.details(record, activity=standing.activity):
            if detail.key not in standing.stands:
                await self._one(inv, detail, place=place)
        standing = await self.places.standing(inv)
        if standing.doubt and not standing.young_seconds:
            await self._take_back(standing, place=place)
        return standing

    async def _one(self, inv: InvestigationId, detail: Detail, *, place: Place) -> None:
        for _ in range(WAITS):
            turn = await self.places.begin(inv, detail.key)
            if turn.word == "yours":
                await self._write(inv, detail, turn=turn, place=place)
            if turn.word != "busy":
                return
            await asyncio.sleep(min(turn.wait_seconds, BUSY_SECONDS))
        raise Unavailable("somebody else writes this incident's message", retry_in_seconds=2)

    async def _write(
        self, inv: InvestigationId, detail: Detail, *, turn: DetailTurn, place: Place
    ) -> None:
        try:
            at = await self._found(turn, place) if turn.unsure else ""
            at = at or await self._sent(inv, detail, turn=turn, place=place)
        except (Unanswered, asyncio.CancelledError):
            await told(self.places.end(inv, turn, word="unknown"))
            raise
        except Retryable:
            await self.places.end(inv, turn, word="not written")
            raise
        await told(self.places.end(inv, turn, word="stands", at=at))

    async def _found(self, turn: DetailTurn, place: Place) -> str:
        """Where the detail stands already; a token that may not read the channel finds nothing."""
        self._check(turn)
        try:
            replies = await self.slack.replies(place)
        except NotAllowed:
            return ""
        except Unanswered as error:  # nothing was written
            raise Unavailable(str(error)) from None
        found = (_identity(reply, turn.key, files=turn.files) for reply in replies)
        return next(filter(None, found), "")

    async def _sent(
        self, inv: InvestigationId, detail: Detail, *, turn: DetailTurn, place: Place
    ) -> str:
        card = message(detail)
        if card is None:
            try:
                return await self._shared(inv, detail, turn=turn, place=place)
            except NoFiles:
                card = shortened(detail, NO_FILES)
        self._check(turn)
        try:
            return await self.slack.reply(
                place, card, key=turn.key, incident_id=inv, urgency="details"
            )
        except CardRefused:
            self._check(turn)
            return await self.slack.reply(
                place, without_blocks(detail), key=turn.key, incident_id=inv, urgency="details"
            )

    async def _shared(
        self, inv: InvestigationId, detail: Detail, *, turn: DetailTurn, place: Place
    ) -> str:
        self._check(turn)
        name, text = file_name(detail, inv), document(detail)
        file_id = await self.slack.send_file(name, text, urgency="details")
        # Before anybody can see it: whoever comes after a death here looks for it first.
        await self.places.sharing(inv, turn, file_id=file_id)
        self._check(turn)
        await self.slack.share(place, file_id, title=detail.title, urgency="details")
        return file_id

    async def _take_back(self, standing: Standing, *, place: Place) -> None:
        """Of each detail one stands: the one that is known to."""
        replies = await self.slack.replies(place)
        for key, known in standing.stands.items():
            files = standing.files.get(key, frozenset())
            found = {at: one.ts for one in replies if (at := _identity(one, key, files=files))}
            kept = known if known in found else next(iter(found), "")
            for at, ts in found.items():
                if at != kept and not await self.slack.remove(Place(channel=place.channel, ts=ts)):
                    log.warning("a detail stands twice, and stays so: %s", ts)

    def _check(self, turn: DetailTurn) -> None:
        left = turn.ends_at - asyncio.get_running_loop().time()
        if left < self.slack.timeout_seconds:
            raise Unavailable("the turn to write is nearly over", retry_in_seconds=1)


def _identity(reply: Reply, key: str, *, files: frozenset[str]) -> str:
    """By what that reply is known, if it is that detail: its `ts`, or the id of its file."""
    if reply.key:
        return reply.ts if reply.key == key else ""
    return next((file for file in reply.files if file in files), "")


def _wait(standing: Standing, error: Exception) -> float:
    if isinstance(error, Crowded):  # later, its place in the line would be somebody else's
        return error.retry_in_seconds
    asked = error.retry_in_seconds if isinstance(error, Unavailable) else 0.0
    return max(asked, 1.0, min(standing.seconds / 4, LONGEST_WAIT_SECONDS))
