"""At the start: alarms that have been in ALARM since before anybody listened open an incident."""

import asyncio
import logging
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass

from pydantic import ValidationError

from bus import metrics
from bus.cleaning import clean
from bus.errors import Rejected, Unavailable
from services.ingest.alarm import read
from services.ingest.handlers import Triggers
from services.ingest.incident import incident_of
from services.ingest.naming import service_of
from services.ingest.ports import CaughtUp, NotPermitted, StandingAlarms
from services.ingest.trigger import Raised

log = logging.getLogger(__name__)
MOST_ALARMS = 1000
WAIT_FOR_QUEUE_SECONDS = 30.0
TRIES = 5
REFUSED = (
    "alarms that are in ALARM already are not caught up, because CloudWatch may not be asked:"
    " grant cloudwatch:DescribeAlarms on *, or set NIGHTSHIFT_CATCH_UP=false (%s)"
)


@dataclass
class CatchUp:
    """Once for each start of the replicas. What it does twice has its effect once."""

    alarms: StandingAlarms
    memory: CaughtUp
    triggers: Triggers
    queue_was_empty: asyncio.Event
    most_alarms: int = MOST_ALARMS

    async def run(self) -> None:
        """Every alarm that stands is known as an incident, or why not is logged. Never raises."""
        await self._wait_for_queue()
        for attempt in range(TRIES):
            try:
                if await self.memory.is_due():
                    await self._take_all()
                    await self.memory.note()
                return
            except NotPermitted as error:
                log.warning(REFUSED, error)
                metrics.INCIDENTS.add(1, {"outcome": "not caught up"})
                return
            except Unavailable as error:
                log.info("catching up waits: %s", error)
                await asyncio.sleep(error.retry_in_seconds * 2**attempt)
        log.warning("alarms that are in ALARM already could not be caught up")
        metrics.INCIDENTS.add(1, {"outcome": "not caught up"})

    async def _wait_for_queue(self) -> None:
        """What the queue holds comes first: it tells the same changes, and more of them."""
        try:
            async with asyncio.timeout(WAIT_FOR_QUEUE_SECONDS):
                await self.queue_was_empty.wait()
        except TimeoutError:
            log.info("catching up while the queue is not empty")

    async def _take_all(self) -> None:
        count = 0
        async for document in self._standing():
            count += 1
            if count > self.most_alarms:
                log.warning("more than %d alarms stand; the rest is left", self.most_alarms)
                metrics.INCIDENTS.add(1, {"outcome": "not caught up"})
                break
            await self._take(document)
        log.info("%d alarms were in ALARM at the start", min(count, self.most_alarms))

    async def _standing(self) -> AsyncIterator[Mapping[str, object]]:
        async for page in self.alarms.pages():
            for document in page:
                yield document

    async def _take(self, document: Mapping[str, object]) -> None:
        try:
            found = await self.triggers.readings.read(lambda _: read(document, clean=clean))
        except (Rejected, ValidationError) as error:
            log.warning("an alarm that stands cannot be read: %s", error)
            return
        if isinstance(found, Raised) and not await self._is_known(found):
            await self.triggers.take(found)

    async def _is_known(self, found: Raised) -> bool:
        service = service_of(found.alarm, self.triggers.services)
        try:
            incident = incident_of(found, service, identity=self.triggers.identity)
        except (Rejected, ValidationError):
            return False  # it is refused like any other
        return await self.memory.knows(incident)
