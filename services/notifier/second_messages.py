"""Messages that are one too many: taken back at once, else later, by whichever replica lives.

A post may come in after its writer, and everybody who looked for it, had given it up. That this
may be, or is, stands in Redis from the moment on in which it is known, and until Slack has been
searched and the message deleted. No card and no stop signal waits for it.
"""

import logging
from collections.abc import Iterable
from dataclasses import dataclass, replace

from bus import metrics
from bus.commits import Investigations
from bus.errors import Retryable, Unavailable
from bus.logs import about
from bus.record import Record
from bus.tracing import Tracing
from services.notifier.ports import Owed, Owing, Sink
from services.notifier.stop import Place

log = logging.getLogger(__name__)
GIVEN_UP_AFTER_SECONDS = 6 * 3600
"""Longer than outages of Slack usually last."""
LONGEST_WAIT_SECONDS = 300.0


@dataclass(frozen=True)
class SecondMessages:
    """Takes back what is owed."""

    investigations: Investigations
    slack: Sink
    owing: Owing
    tracing: Tracing

    async def take_back(self, record: Record) -> None:
        """No message is one too many, or the rest is owed on; after some hours it is given up."""
        inv = record.investigation_id
        about(inv, record.trace.traceparent)
        owed = await self.owing.owed(inv)
        try:
            # First, and for itself: a token that may not search can still delete what is known.
            await self._remove(owed.known)
            await self.owing.forget(inv, replace(owed, doubt=""))
            if owed.doubt:
                await self._remove(await self._found(record, owed))
        except Retryable as error:
            if owed.seconds < GIVEN_UP_AFTER_SECONDS:
                log.warning("a second message of %s may stand, tried again: %s", inv, error)
                await self.owing.later(inv, seconds=_wait(owed, error))
                return
            log.error("a second message of %s may stand for good, given up: %s", inv, error)
            metrics.SECOND_MESSAGES.add(1, {"ended": "given up"})
        else:
            if owed.doubt and owed.young_seconds:
                await self.owing.later(inv, seconds=owed.young_seconds)
                return
        await self.owing.forget(inv, owed)

    async def sweep(self) -> None:
        """The next incident whose time has come was tried."""
        investigation_id = await self.owing.claim()
        if investigation_id is None:
            return
        record = await self.investigations.read(investigation_id)
        if record is not None:
            with self.tracing.span("take back", parent=record.trace.traceparent):
                await self.take_back(record)
        else:  # its time is long over
            await self.owing.forget(investigation_id, await self.owing.owed(investigation_id))

    async def _found(self, record: Record, owed: Owed) -> list[Place]:
        if owed.stands is None:
            return []
        inv, since = record.investigation_id, record.opened_at
        found = await self.slack.others(inv, since, but=owed.stands)
        if owed.moved:
            nothing = Place(channel=owed.moved, ts="")
            found += await self.slack.others(inv, since, but=nothing)
        return [place for place in found if place.ts not in owed.left]

    async def _remove(self, places: Iterable[Place]) -> None:
        for place in places:
            if await self.slack.remove(place):
                metrics.SECOND_MESSAGES.add(1, {"ended": "taken back"})


def _wait(owed: Owed, error: Retryable) -> float:
    asked = error.retry_in_seconds if isinstance(error, Unavailable) else 0.0
    return max(asked, 1.0, min(owed.seconds / 2, LONGEST_WAIT_SECONDS))
