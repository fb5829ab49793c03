"""What is held opens as places come free, in every replica: one script decides, so all may try."""

import asyncio
import logging
from dataclasses import dataclass

from bus import metrics
from bus.errors import Unavailable
from bus.events import IncidentId
from services.ingest.ports import Backlog
from services.ingest.summary import summary_of

log = logging.getLogger(__name__)
EVERY_SECONDS = 1.0
TRIES = 5
"""While kinds go on joining, a summary is read so often before it opens without the last ones."""


@dataclass
class Draining:
    """The two loops over the backlog. Neither ends by itself, whatever Redis does."""

    backlog: Backlog
    every_seconds: float = EVERY_SECONDS
    _told: bool = False

    async def drain_forever(self) -> None:
        """What may open does so within a moment, until cancelled."""
        while True:
            await self._guarded()
            await asyncio.sleep(self.every_seconds)

    async def free_forever(self) -> None:
        """A stop signal frees its place at once, and what waits takes it, until cancelled."""
        while True:
            try:
                if await self.backlog.free_stopped():
                    await self.drain()
            except Unavailable as error:
                log.info("no places are freed: %s", error)
                await asyncio.sleep(error.retry_in_seconds)

    async def drain(self) -> None:
        """What may open now is open, and the summary that is due."""
        waiting = await self.backlog.drain()
        metrics.HELD.set(waiting.held)
        metrics.OPEN_PLACES.set(waiting.open_places)
        if waiting.due is not None:
            await self._open_summary(waiting.due)

    async def _open_summary(self, incident_id: IncidentId) -> None:
        for number in range(1, TRIES + 1):
            gathered = await self.backlog.gathered(incident_id)
            incident = summary_of(incident_id, gathered)
            if await self.backlog.open_summary(incident, gathered, is_last_try=number == TRIES):
                log.info("summary %s: %s", incident_id, incident.summary)
                return

    async def _guarded(self) -> None:
        try:
            await self.drain()
            self._told = False
        except Unavailable as error:
            if not self._told:
                log.warning("what is held waits: %s", error)
            self._told = True
