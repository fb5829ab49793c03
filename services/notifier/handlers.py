"""One method per event. Slack is written through `Messages`; decisions stand in `report` and `stop`."""

import asyncio
import logging
from collections.abc import Mapping
from dataclasses import dataclass

from bus import metrics
from bus.cleaning import clean
from bus.envelope import Entry
from bus.errors import Rejected, Retryable, Unavailable
from bus.events import (
    AlarmJoined,
    AlarmRecovered,
    DiagnosisReached,
    FeedbackGiven,
    IncidentOpened,
    InvestigationId,
    InvestigationProgressed,
    NoticeRequested,
)
from bus.port import Bus
from bus.record import Record
from services.notifier.blocks import Card, escaped
from services.notifier.message import Messages, cleaned
from services.notifier.ports import History, Notices
from services.notifier.report import final_card, live_card, plain_card
from services.notifier.stop import conclusion, ended, last_words, root_attributes

log = logging.getLogger(__name__)

NO_RECORD_SECONDS = 2.0
PROGRESS_WAITS = 20


@dataclass
class Handlers:
    """What the notifier does about each event."""

    bus: Bus
    messages: Messages
    history: History
    notices: Notices
    trace_url: str = ""
    final_repeat_seconds: float = 15.0

    async def on_incident_opened(self, event: IncidentOpened, entry: Entry) -> None:
        """The investigation stands in Redis and its message in Slack."""
        record = await self.bus.investigations.open(event, entry, acknowledge=False)
        if record.state != "ended":
            shown = cleaned(record)
            await self.messages.place(shown, live_card(shown))

    async def on_progressed(self, event: InvestigationProgressed, entry: Entry) -> None:
        """The message shows the activity, unless a newer one does or the work is over."""
        record = await self.bus.investigations.read(event.investigation_id)
        if record is not None:
            await self._show(record, event.activity, entry)

    async def on_alarm_joined(self, event: AlarmJoined, entry: Entry) -> None:
        """The message of the running investigation names the alarm."""
        record = await self._updated(event.investigation_id, entry)
        await self._show(record, f"alarm {event.alarm.name} joined: {event.alarm.reason}", entry)

    async def on_alarm_recovered(self, event: AlarmRecovered, entry: Entry) -> None:
        """The message of the running investigation says so."""
        record = await self._updated(event.investigation_id, entry)
        await self._show(record, f"alarm {event.alarm_name} recovered; policy: {event.policy}", entry)

    async def on_feedback_given(self, event: FeedbackGiven, entry: Entry) -> None:
        """The judgement stands in the history of its problem; a person's later one replaces it."""
        record = await self.bus.investigations.read(event.investigation_id)
        fingerprint = event.fingerprint or (record.incident.fingerprint if record else "")
        if not fingerprint:
            return
        facts = {
            "kind": "feedback",
            "investigation_id": event.investigation_id,
            "at": entry.written_at.isoformat(),
            "useful": "yes" if event.useful else "no",
            "person": clean(event.person)[:100],
            "reason": clean(event.reason)[:1000],
        }
        name = f"feedback:{event.investigation_id}:{facts['person']}"
        await self.history.remember(fingerprint, name, facts)
        metrics.FEEDBACK.add(1, {"useful": facts["useful"]})

    async def on_diagnosis_reached(self, event: DiagnosisReached, entry: Entry) -> None:
        """The final card stands, then the stop signal; the root span is written.

        Where a progress edit may still arrive the card is written once more, and only then is the
        entry acknowledged. A redelivery that finds the card final writes it again and nothing else.
        """
        inv = event.investigation_id
        record = ended(await self.bus.investigations.read(inv), inv)
        if await self.close(record, with_blocks=True):
            await asyncio.sleep(self.final_repeat_seconds)
            await self.close(record, with_blocks=True)

    async def close(self, record: Record, *, with_blocks: bool) -> bool:
        """The final card stands, and the stop signal is out; whether a late edit may cover it."""
        shown = cleaned(record)
        turn = await self.messages.ask_final(shown)
        card = await self._final(shown, turn.activity) if with_blocks else plain_card(shown)
        finished = await self.messages.finish(shown, card, turn)
        if not finished.first:
            return finished.late_edit and turn.state != "final"
        self.bus.tracing.emit_root(
            record.trace,
            started_at=record.opened_at,
            attributes=root_attributes(shown),
            failed=shown.reason if record.outcome == "failed" else "",
        )
        await self._remember(shown)
        return finished.late_edit

    async def on_notice_requested(self, event: NoticeRequested, entry: Entry) -> None:
        """The sentence stands in the channel; the same key within an hour stands there once."""
        key = event.key or entry.event_id or entry.entry_id
        if not await self.notices.claim(key):
            return
        try:
            await self.messages.slack.post(Card(escaped(clean(event.text), 3000)))
        except Retryable:
            await self.notices.failed(key)
            raise
        await self.notices.posted(key)

    async def _final(self, record: Record, activity: str) -> Card:
        words = ""
        if record.diagnosis is None:
            words = clean(last_words(await self.bus.investigations.transcript(record.investigation_id)))
        trace_url = self.trace_url.replace("{trace_id}", record.trace.trace_id)
        return final_card(record, trace_url=trace_url, activity=clean(activity), last_words=words)

    async def _remember(self, record: Record) -> None:
        outcome = {"outcome": record.outcome or "failed"}
        metrics.OUTCOMES.add(1, outcome)
        now = await self.bus.investigations.now()
        metrics.DIAGNOSIS_SECONDS.record((now - record.opened_at).total_seconds(), outcome)
        if record.incident.fingerprint:
            facts: Mapping[str, str] = conclusion(record)
            name = f"concluded:{record.investigation_id}"
            await self.history.remember(record.incident.fingerprint, name, dict(facts))

    async def _updated(self, investigation_id: InvestigationId, entry: Entry) -> Record:
        record = await self.bus.investigations.read(investigation_id)
        if record is not None:
            return record
        now = await self.bus.investigations.now()
        if (now - entry.written_at).total_seconds() > self.bus.settings.deadline_seconds:
            raise Rejected(f"there is no investigation {investigation_id} to update")
        raise Unavailable("no record yet", retry_in_seconds=NO_RECORD_SECONDS)

    async def _show(self, record: Record, activity: str, entry: Entry) -> None:
        """Edit the message when it may be edited; what cannot be shown now is dropped."""
        inv = record.investigation_id
        for _ in range(PROGRESS_WAITS):
            if record.state == "ended":
                return
            turn = await self.messages.places.take(
                inv, "progress", activity=activity, order=entry.entry_id
            )
            if turn.word == "done":
                return
