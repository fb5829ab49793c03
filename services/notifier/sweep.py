"""The sweep of the deadlines, on every replica: the commit is the claim (design, section 2)."""

import asyncio
import logging
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial

from bus.commits import Investigations
from bus.errors import NightshiftError
from bus.events import InvestigationId
from bus.logs import about
from bus.versions import OtherRelease
from services.notifier.closing import Closing
from services.notifier.due import decide_when_due
from services.notifier.ports import Deadlines

log = logging.getLogger(__name__)

LEFT_OVER_SECONDS = 5
UNREADABLE_SECONDS = 60
OTHER_RELEASE_SECONDS = 1.7
"""Its own replicas sweep it in between: no multiple of anybody's interval."""


@dataclass(frozen=True)
class Sweep:
    """Makes conclude turns due, ends what is past its deadline, finds what was left without a card.

    Cards are written elsewhere (`close_left_over`), so that a slow Slack delays no deadline.
    """

    investigations: Investigations
    deadlines: Deadlines
    closing: Closing
    left_over: "asyncio.Queue[InvestigationId]" = field(default_factory=asyncio.Queue)

    async def sweep(self) -> None:
        """Every investigation that was due had its decision committed, here or elsewhere."""
        now = await self.investigations.now()
        for investigation_id in await self.deadlines.due(now):
            about(investigation_id)
            try:
                await self._sweep_one(investigation_id, now)
            except OtherRelease:
                later = now + timedelta(seconds=OTHER_RELEASE_SECONDS)
                await self.deadlines.postpone(investigation_id, later)
            except (NightshiftError, ValueError) as error:
                log.error("%s is due and cannot be read: %s", investigation_id, error)
                later = now + timedelta(seconds=UNREADABLE_SECONDS)
                await self.deadlines.postpone(investigation_id, later)

    async def close_left_over(self) -> None:
        """The next investigation without a card has a plain one, and leaves the deadlines."""
        investigation_id = await self.left_over.get()
        about(investigation_id)
        record = await self.investigations.read(investigation_id)
        if record is None or record.state != "ended":
            return
        try:
            await self.closing.close_plainly(record)
        except NightshiftError as error:
            log.warning("the card of %s still waits: %s", investigation_id, error)
            return
        await self.deadlines.forget(investigation_id)

    async def close_lost(self) -> None:
        """Whose `DiagnosisReached` is gone from its stream gets a plain card, from its record."""
        places = self.closing.messages.places
        for investigation_id in await places.late():
            record = await self.investigations.read(investigation_id)
            if record is None:
                await places.paid(investigation_id)
            elif record.state == "ended":
                log.warning("%s ended, and no entry on diagnoses says so", investigation_id)
                self.left_over.put_nowait(investigation_id)

    async def _sweep_one(self, investigation_id: InvestigationId, now: datetime) -> None:
        record = await self.investigations.read(investigation_id)
        if record is None:
            await self.deadlines.forget(investigation_id)
        elif record.state != "ended":
            decide = partial(decide_when_due, now=now)
            await self.investigations.apply(investigation_id, decide)
        else:
            # Still in the set although it ended: its entry on `diagnoses` was set aside.
            later = now + timedelta(seconds=LEFT_OVER_SECONDS)
            if await self.deadlines.postpone(investigation_id, later):
                self.left_over.put_nowait(investigation_id)
