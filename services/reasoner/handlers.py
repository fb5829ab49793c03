"""What the reasoner does about each event; the decisions are `investigation`'s."""

from dataclasses import dataclass

from bus.commits import Decide, Investigations
from bus.envelope import Entry
from bus.errors import Rejected, Unavailable
from bus.events import (
    AlarmJoined,
    AlarmRecovered,
    FeedbackGiven,
    IncidentOpened,
    InvestigationId,
    ToolCallFinished,
    TurnDue,
)
from services.reasoner import investigation, updates
from services.reasoner.running import Turns


@dataclass(kw_only=True)
class Reasoner:
    """One method for each event. Afterwards the entry is acknowledged, or an error says why not."""

    investigations: Investigations
    turns: Turns
    deadline_seconds: float
    """An update whose investigation is not there by then never finds it."""

    async def on_incident_opened(self, incident: IncidentOpened, entry: Entry) -> None:
        """The record stands, and turn 1 is due, whichever group was first."""
        await self.investigations.open(incident, entry, acknowledge=True)

    async def on_turn_due(self, due: TurnDue, entry: Entry) -> None:
        """The turn is run; see `Turns.run`."""
        await self.turns.run(due, entry)

    async def on_tool_call_finished(self, finished: ToolCallFinished, entry: Entry) -> None:
        """The call is closed; after the last one the next turn is due."""
        record = await self.investigations.apply(
            finished.investigation_id,
            lambda stands: investigation.after_result(stands, finished),
            entry=entry,
        )
        if record is None:
            raise Rejected("there is no record of this investigation")

    async def on_alarm_joined(self, joined: AlarmJoined, entry: Entry) -> None:
        """The alarm stands among the updates of the investigation, unless that has ended."""
        await self._update(
            joined.investigation_id,
            entry,
            decide=lambda stands: updates.after_join(stands, joined, source_id=entry.event_id),
        )

    async def on_alarm_recovered(self, recovered: AlarmRecovered, entry: Entry) -> None:
        """The recovery stands among the updates and its policy is followed."""
        now = await self.investigations.now()
        await self._update(
            recovered.investigation_id,
            entry,
            decide=lambda stands: updates.after_recovery(
                stands, recovered, source_id=entry.event_id, at=now
            ),
        )

    async def on_feedback_given(self, _feedback: FeedbackGiven, entry: Entry) -> None:
        """Acknowledged: feedback is the notifier's."""
        await self.investigations.acknowledge(entry)

    async def _update(
        self, investigation_id: InvestigationId, entry: Entry, *, decide: Decide
    ) -> None:
        """Raises Unavailable without a record (its incident may come later), at last Rejected."""
        if await self.investigations.apply(investigation_id, decide, entry=entry) is not None:
            return
        age = (await self.investigations.now() - entry.written_at).total_seconds()
        if age > self.deadline_seconds:
            raise Rejected(f"investigation {investigation_id} never came: waited {age:.0f} s")
        raise Unavailable("its incident is not there yet", retry_in_seconds=2.0)
