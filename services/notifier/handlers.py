"""One method per event: what the notifier does about it."""

import logging
from dataclasses import dataclass

from bus import metrics
from bus.commits import Investigations
from bus.envelope import Entry
from bus.errors import Rejected, Unavailable
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
from services.notifier.closing import Closing
from services.notifier.feedback import counted, judgement
from services.notifier.live import Live
from services.notifier.message import Messages, cleaned
from services.notifier.notices import NoticeBoard
from services.notifier.patience import patiently
from services.notifier.ports import Feedback
from services.notifier.report import live_card
from services.notifier.stop import ended

log = logging.getLogger(__name__)
NO_RECORD_SECONDS = 2.0
LATE_SECONDS = 60.0
"""After the deadline an investigation has its final card by then, whatever Slack allows."""


@dataclass(frozen=True)
class Handlers:
    """What the handlers need: state, Slack, and what is remembered."""

    investigations: Investigations
    messages: Messages
    live: Live
    closing: Closing
    feedback: Feedback
    notices: NoticeBoard
    deadline_seconds: float

    async def on_incident_opened(self, event: IncidentOpened, entry: Entry) -> None:
        """The investigation stands in Redis and its message in Slack."""
        record = await self.investigations.open(event, entry, acknowledge=False)
        await patiently(lambda: self._place(record.investigation_id))
        late_after = self.deadline_seconds + LATE_SECONDS
        await self.messages.places.owe(record.investigation_id, seconds=late_after)

    async def on_progressed(self, event: InvestigationProgressed, entry: Entry) -> None:
        """The message shows the activity, unless a newer one does or the work is over."""
        record = await self.investigations.read(event.investigation_id)
        if record is not None and record.state != "ended":
            await self.live.show(event.investigation_id, event.activity, order=entry.entry_id)

    async def on_alarm_joined(self, event: AlarmJoined, entry: Entry) -> None:
        """The message of a running investigation names the alarm."""
        joined = f"alarm {event.alarm.name} joined: {event.alarm.reason or event.alarm.description}"
        await self._updated(event.investigation_id, joined, entry=entry)

    async def on_alarm_recovered(self, event: AlarmRecovered, entry: Entry) -> None:
        """The message of a running investigation says so."""
        recovered = f"alarm {event.alarm_name} recovered; the policy is: {event.policy}"
        await self._updated(event.investigation_id, recovered, entry=entry)

    async def on_feedback_given(self, event: FeedbackGiven, entry: Entry) -> None:
        """The judgement stands with its investigation and its problem; a later one replaces it.

        The same again counts nothing. One about an investigation whose record is gone is kept, too.
        """
        record = await self.investigations.read(event.investigation_id)
        if record is None:
            log.warning("feedback on %s, of which there is no record", event.investigation_id)
        facts = judgement(event, record, at=entry.written_at)
        said = await self.feedback.keep(facts, order=entry.entry_id)
        if counts := counted(said, useful=facts["useful"]):
            metrics.FEEDBACK.add(1, counts)

    async def on_diagnosis_reached(self, event: DiagnosisReached, entry: Entry) -> None:
        """The final card stands, then the stop signal; the root span is written.

        A redelivery that finds the card final writes it again, and no second stop signal.
        """
        inv = event.investigation_id
        await self.closing.close(ended(await self.investigations.read(inv), inv))

    async def on_notice_requested(self, event: NoticeRequested, entry: Entry) -> None:
        """The sentence stands in the channel; the same key within an hour stands there once."""
        await self.notices.tell(event.text, event.key or entry.event_id or entry.entry_id)

    async def _place(self, inv: InvestigationId) -> None:
        record = await self.investigations.read(inv)
        if record is not None and record.state != "ended":
            shown = cleaned(record)
            await self.messages.place(shown, live_card(shown))

    async def _updated(self, inv: InvestigationId, activity: str, *, entry: Entry) -> None:
        record = await self.investigations.read(inv)
        if record is None:
            now = await self.investigations.now()
            if (now - entry.written_at).total_seconds() > self.deadline_seconds:
                raise Rejected(f"there is no investigation {inv} to update")
            raise Unavailable("no record yet", retry_in_seconds=NO_RECORD_SECONDS)
        if record.state != "ended":
            await self.live.show(inv, activity, order=entry.entry_id)
