"""The record of an investigation, and the decisions about it that several services take.

A record is a value. A decision takes the record as it stands and returns a `Commit` (what changes,
which events go out) or nothing; it is pure, and may be asked again when the record moved on.
`bus.commits` writes commits; nothing else touches these keys.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from pydantic import Field

from bus.events import (
    SCHEMA_VERSION,
    Diagnosis,
    DiagnosisReached,
    Event,
    IncidentOpened,
    InvestigationId,
    Outcome,
    StopRequested,
    ToolCallId,
    TurnDue,
    Value,
)
from bus.tracing import Root
from bus.versions import HERE, OtherRelease, Version

State = Literal["turn_due", "awaiting_tools", "ended"]
CONCLUDE_SHARE = 5
"""The conclude point lies a fifth of the time before the deadline (design, section 2)."""


class Call(Value):
    """One tool call of the model.

    `sentence` is the answer of a call that was refused or closed unrun.
    """

    tool_call_id: ToolCallId
    tool_use_id: str
    tool: str
    state: Literal["open", "ok", "error"] = "open"
    sentence: str = ""


class Spend(Value):
    """What an investigation has cost. `cost_usd` is None when a model's price is unknown."""

    model_calls: int = 0
    input_tokens: int = 0
    cache_read_tokens: int = 0
    cache_write_tokens: int = 0
    output_tokens: int = 0
    cost_usd: float | None = 0.0


class Update(Value):
    """Something that happened while the investigation ran, as shown to the model."""

    kind: Literal["joined", "recovered"]
    text: str
    source_id: str = ""
    """Id of the event, so that a redelivery adds nothing."""


class Record(Value):
    """One investigation, whole; lists grow and nothing is rewritten but the state."""

    investigation_id: InvestigationId
    schema_version: str = "1.0"
    """Of whoever opened it; 1.0 wrote none."""
    version: int = 0
    state: State = "turn_due"
    turn: int = 1
    incident: IncidentOpened
    opened_at: datetime
    deadline_at: datetime
    trace: Root
    nonce: str
    catalogue: str = ""
    calls: tuple[Call, ...] = ()
    """Every call of every turn; `<turn>-<k>` is its id."""
    updates: tuple[Update, ...] = ()
    updates_shown: int = 0
    concluding: str = ""
    """Why the investigation concludes (deadline, turns, dollars …); empty while it does not."""
    reminded: bool = False
    """The one reminder after a turn without a call was given."""
    mended: bool = False
    """Evidence that failed was sent back once."""
    refused_once: bool = False
    """A call in the conclude turn was refused once."""
    spend: Spend = Spend()
    outcome: Outcome | None = None
    reason: str = ""
    ended_at: datetime | None = None
    diagnosis: Diagnosis | None = None
    model: str = ""
    """The model that answered last, as it named itself."""
    notes: dict[str, str] = Field(default_factory=dict)
    """Small facts that one service keeps: for its own next step, or what a turn cost."""

    @property
    def conclude_at(self) -> datetime:
        """From here on every turn is a conclude turn."""
        return self.deadline_at - (self.deadline_at - self.opened_at) / CONCLUDE_SHARE

    @property
    def open_calls(self) -> tuple[ToolCallId, ...]:
        """Ids of the calls that were sent and have no result yet."""
        return tuple(call.tool_call_id for call in self.calls if call.state == "open")

    def calls_of(self, turn: int) -> tuple[Call, ...]:
        """The calls that the model asked for in that turn, in its order."""
        return tuple(call for call in self.calls if call.tool_call_id.split("-")[0] == str(turn))

    def changed(self, **changes: object) -> "Record":
        """A copy with those fields replaced; the version is the store's business."""
        return self.model_copy(update=changes)


_WORDS = (str, datetime, State, InvestigationId)
_PLAIN = {name for name, each in Record.model_fields.items() if each.annotation in _WORDS}


@dataclass(frozen=True, kw_only=True)
class Commit:
    """What a decision wants written, all or nothing."""

    record: Record
    events: tuple[Event, ...] = ()
    transcript: tuple[dict[str, object], ...] = ()
    """Messages appended, as the Messages API takes them."""
    due_at: datetime | None = None
    """Next moment at which the sweep looks at the investigation; unchanged when None."""
    dead_letter_of: str = ""
    """Name of the stream whose `.dead` gets the DeadLetter among the events."""
    spend_day: str = ""
    """UTC day whose reservation `reservation` is replaced by `spent_usd`."""
    reservation: str = ""
    spent_usd: float = 0.0


def new_record(
    incident: IncidentOpened, *, opened_at: datetime, lasts: timedelta, root: Root
) -> Record:
    """A record at its first due turn.

    The incident must have its id; the store adds nonce and catalogue.
    """
    if incident.incident_id is None:
        raise ValueError("an incident is opened with its id")
    return Record(
        investigation_id=InvestigationId(incident.incident_id),
        schema_version=SCHEMA_VERSION,
        incident=incident.model_copy(update={"attachments": {}}),
        opened_at=opened_at,
        deadline_at=opened_at + lasts,
        trace=root,
        nonce="",
    )


def due_next_turn(record: Record, **changes: object) -> Commit:
    """A commit that makes the next turn due."""
    turn = record.turn + 1
    return Commit(
        record=record.changed(state="turn_due", turn=turn, **changes),
        events=(TurnDue(investigation_id=record.investigation_id, turn=turn),),
    )


def close_open_calls(record: Record, sentence: str) -> tuple[Call, ...]:
    """The record's calls with every open one answered by that sentence, as an error."""
    return tuple(
        call.model_copy(update={"state": "error", "sentence": sentence})
        if call.state == "open"
        else call
        for call in record.calls
    )


def end(
    record: Record,
    outcome: Outcome,
    *,
    at: datetime,
    reason: str = "",
    diagnosis: Diagnosis | None = None,
) -> Commit:
    """End with that outcome, from inside a turn: the diagnosis goes out, nothing more is done."""
    ended = record.changed(
        state="ended",
        outcome=outcome,
        reason=reason,
        ended_at=at,
        diagnosis=diagnosis,
        calls=close_open_calls(record, "not available: the investigation ended"),
    )
    reached = DiagnosisReached(
        investigation_id=record.investigation_id, outcome=outcome, reason=reason
    )
    return Commit(record=ended, events=(reached,))


def end_from_outside(
    record: Record, outcome: Outcome, *, at: datetime, reason: str
) -> Commit | None:
    """End an investigation that somebody may still be working on; nothing when it has ended."""
    if record.state == "ended":
        return None
    commit = end(record, outcome, at=at, reason=reason)
    stop = StopRequested(investigation_id=record.investigation_id, outcome=outcome, reason=reason)
    return Commit(record=commit.record, events=(*commit.events, stop))


def conclude(record: Record, why: str) -> Commit | None:
    """Let the investigation conclude; nothing when it has ended or has nothing left to close.

    In `turn_due` the turn keeps its one entry and becomes the conclude turn. In `awaiting_tools`
    the open calls are closed and the next turn is due.
    """
    if record.state == "ended" or (record.concluding and record.state == "turn_due"):
        return None
    reason = record.concluding or why
    if record.state == "turn_due":
        return Commit(record=record.changed(concluding=reason))
    calls = close_open_calls(record, "not available before the deadline")
    return due_next_turn(record.changed(calls=calls, concluding=reason))


def fields_of(record: Record, *, but: Record | None = None) -> dict[str, str]:
    """Its hash fields, `but` for what is the same there: words as they are, the rest as JSON."""
    old = {} if but is None else but.__dict__
    names = {name for name, value in record.__dict__.items() if old.get(name, old) != value}
    values = record.model_dump(mode="json", include=names - {"version"})
    if "calls" in names:
        values["open_calls"] = list(record.open_calls)
    return {
        name: value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
        for name, value in values.items()
    }


def record_from(fields: Mapping[str, str]) -> Record:
    """The record in those hash fields.

    What a later minor version adds is left out, at any depth; a commit writes only what it changes,
    so that a field which is not known here stays as it is. Raises OtherRelease for a record of
    another major version, ValueError for one that is broken.
    """
    written = fields.get("schema_version", Record.model_fields["schema_version"].default)
    if Version.of(written).major != HERE.major:
        raise OtherRelease(f"its record is in schema {written}; {SCHEMA_VERSION} is read here")
    known = {name: text for name, text in fields.items() if name in Record.model_fields}
    return Record.model_validate(
        {name: text if name in _PLAIN else _value(text) for name, text in known.items()},
        extra="ignore",
    )


def _value(text: str) -> object:
    try:
        return json.loads(text)
    except json.JSONDecodeError:
        return text
