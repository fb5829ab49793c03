"""The end of an investigation: the final card, the stop signal, the root span, the history."""

import asyncio
from dataclasses import dataclass

from bus import metrics
from bus.port import Bus
from bus.record import Record
from services.notifier.adapters.root_span import emit_root, sent
from services.notifier.blocks import Card
from services.notifier.calls_made import calls_made
from services.notifier.links import Links
from services.notifier.message import Messages, cleaned, cleaned_text
from services.notifier.patience import patiently
from services.notifier.plain_cards import plain_card
from services.notifier.ports import Finished, History
from services.notifier.report import final_card
from services.notifier.stop import conclusion, last_words, root_attributes


@dataclass(frozen=True)
class Closing:
    """Closes investigations that have ended; everything in it may be repeated."""

    bus: Bus
    messages: Messages
    history: History
    links: Links
    repeat_seconds: float

    async def close(self, record: Record) -> None:
        """The final card stands for good, the stop signal is out, the root span is written.

        Where a progress edit may still arrive, the card is written a second time after the edit.
        """
        shown = cleaned(record)
        finished = await self._write(shown, plain=False)
        await self._remember(shown, finished)
        if finished.late_edit:
            await asyncio.sleep(self.repeat_seconds)
            await self._write(shown, plain=False)

    async def repair(self) -> None:
        """The next final card that a late edit may lie over stands again.

        Written by whoever made the edit: at once, and again when the edit cannot be late any more.
        """
        investigation_id = await self.messages.covered.get()
        repaired = False
        try:
            record = await self.bus.investigations.read(investigation_id)
            if record is not None and record.state == "ended":
                with self.bus.tracing.span("write again", parent=record.trace.traceparent):
                    for wait in (0.0, self.repeat_seconds):
                        await asyncio.sleep(wait)
                        await self._write(cleaned(record), plain=False)
            repaired = True
        finally:
            # Whatever went wrong, Slack or Redis: its caller tries again, and so does this.
            if not repaired:
                self.messages.covered.put_nowait(investigation_id)

    async def close_plainly(self, record: Record) -> None:
        """The same with a card of plain text, where the full one could not be written."""
        shown = cleaned(record)
        with self.bus.tracing.span("close plainly", parent=record.trace.traceparent):
            await self._remember(shown, await self._write(shown, plain=True))

    async def _write(self, record: Record, *, plain: bool) -> Finished:
        return await patiently(lambda: self._write_now(record, plain=plain))

    async def _write_now(self, record: Record, *, plain: bool) -> Finished:
        turn = await self.messages.take_final(record)
        if plain and turn.state == "final":
            await self.messages.leave(record, turn)
            return Finished(first=False, late_edit=False)
        card = (
            plain_card(record, links=self.links)
            if plain
            else await self.card(record, turn.activity)
        )
        return await self.messages.finish(record, card, turn=turn)

    async def card(self, record: Record, activity: str) -> Card:
        """The final card; `activity` is the last known of the work."""
        transcript = await self.bus.investigations.transcript(record.investigation_id)
        return final_card(
            record,
            links=self.links,
            activity=cleaned_text(activity),
            last_words=cleaned_text(last_words(transcript)),
            made=calls_made(record, transcript),
        )

    async def _remember(self, record: Record, finished: Finished) -> None:
        if finished.first:
            now = await self.bus.investigations.now()
            outcome = {"outcome": record.outcome or "failed"}
            metrics.OUTCOMES.add(1, outcome)
            metrics.DIAGNOSIS_SECONDS.record((now - record.opened_at).total_seconds(), outcome)
        await self.messages.places.paid(record.investigation_id)
        # A repeat makes up for a death in between, and is harmless: same span ids, same names.
        emit_root(
            self.bus.tracing,
            record.trace,
            started_at=record.opened_at,
            attributes=root_attributes(record),
            failed=record.reason if record.outcome == "failed" else "",
        )
        await sent(self.bus.tracing)
        if record.incident.fingerprint:
            name = f"concluded:{record.investigation_id}"
            facts = conclusion(record)
            await self.history.remember(record.incident.fingerprint, name, facts=facts)
