"""The live message: what an investigation does now, shown at most every few seconds, newest only.

Nothing here is needed for correctness: what cannot be shown now is dropped.
"""

import asyncio
import logging
from dataclasses import dataclass

from bus.commits import Investigations
from bus.errors import Retryable
from bus.events import InvestigationId
from bus.record import Record
from services.notifier.cutting import cut
from services.notifier.message import Messages, cleaned, cleaned_text
from services.notifier.pace import PROGRESS_PATIENCE_SECONDS
from services.notifier.ports import Crowded, Turn
from services.notifier.report import live_card

log = logging.getLogger(__name__)
WAITS = 10
LONGEST_WAIT_SECONDS = 3.0


@dataclass(frozen=True)
class Live:
    """Edits the messages of running investigations."""

    investigations: Investigations
    messages: Messages

    async def show(self, investigation_id: InvestigationId, activity: str, *, order: str) -> None:
        """The message shows the activity, unless there is a newer one or the work is over."""
        said = cut(cleaned_text(activity), 1000)
        for _ in range(WAITS):
            turn = await self.messages.places.take(
                investigation_id, "progress", activity=said, order=order
            )
            wait = turn.wait_seconds if turn.word == "busy" else None
            if turn.word == "yours":
                wait = await self._edit(investigation_id, said, turn=turn)
            if wait is None or wait > PROGRESS_PATIENCE_SECONDS:
                return
            await asyncio.sleep(min(max(0.05, wait), LONGEST_WAIT_SECONDS))
            if await self._running(investigation_id) is None:
                return

    async def _edit(
        self, investigation_id: InvestigationId, said: str, *, turn: Turn
    ) -> float | None:
        """None: that was it. Seconds: others go first; this may be shown after so long."""
        # Read after the turn was taken: from here on the final card waits for this edit.
        record = await self._running(investigation_id)
        if record is None:
            await self.messages.places.failed(investigation_id, turn, known=True)
            return None
        shown = cleaned(record)
        try:
            now = await self.investigations.now()
            await self.messages.edit(shown, live_card(shown, said, now=now), turn=turn)
        except Crowded as error:
            return error.retry_in_seconds
        except Retryable as error:
            log.info("progress of %s is not shown: %s", investigation_id, error)
        return None

    async def _running(self, investigation_id: InvestigationId) -> Record | None:
        record = await self.investigations.read(investigation_id)
        return None if record is None or record.state == "ended" else record
