"""Every event that crosses a service border: frozen, versioned, named in the past tense.

Requests end in `Requested` or `Due`. Id, trace context and delivery belong to `bus.envelope`.
"""

from datetime import datetime
from typing import Annotated, ClassVar, Literal, NewType

from pydantic import BaseModel, ConfigDict, Field, JsonValue, StringConstraints

IncidentId = NewType("IncidentId", str)
InvestigationId = NewType("InvestigationId", str)
ToolCallId = NewType("ToolCallId", str)

SCHEMA_VERSION = "1.1"
ID_PATTERN = r"^[A-Za-z0-9._-]{1,64}$"

Outcome = Literal[
    "diagnosed", "inconclusive", "timed_out", "out_of_budget", "cancelled", "recovered", "failed"
]
Verdict = Literal["fault", "healthy", "unknown"]
Confidence = Literal["high", "medium", "low"]
Part = Literal["verdict", "root_cause", "component", "code_location", "evidence", "fix"]
Severity = Literal["critical", "error", "warning", "info"]
TriggerKind = Literal["cloudwatch", "logs", "slack", "alertmanager", "manual"]
RecoveryPolicy = Literal["stop", "finish small", "continue"]

Sentence = Annotated[str, StringConstraints(max_length=2000)]
ShortText = Annotated[str, StringConstraints(min_length=1, max_length=200)]
Id = Annotated[str, StringConstraints(pattern=ID_PATTERN)]


class Value(BaseModel):
    """A frozen value that refuses fields it does not know."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Event(Value):
    """What all events have: a name on the stream and a schema version."""

    version: ClassVar[str] = SCHEMA_VERSION

    @classmethod
    def name(cls) -> str:
        """The name under which the event stands in its entry."""
        return cls.__name__


class Alarm(Value):
    """An alarm as received; what the source did not say is empty."""

    name: ShortText
    description: Sentence = ""
    reason: Sentence = ""
    arn: str = ""
    account: str = ""
    region: str = ""
    metric: str = ""
    changed_at: datetime | None = None
    labels: dict[str, str] = Field(default_factory=dict)


class IncidentOpened(Event):
    """Something is wrong in production; only `service` and `summary` are required."""

    service: ShortText
    summary: Sentence
    incident_id: Id | None = None
    severity: Severity = "error"
    trigger: TriggerKind = "manual"
    alarm: Alarm | None = None
    fingerprint: str = ""
    note: Sentence = ""
    """Free text by a person: untrusted, selects nothing."""
    attachments: dict[Annotated[str, StringConstraints(pattern=r"^[a-z0-9-]{1,40}$")], str] = Field(
        default_factory=dict
    )
    """Texts that came with the trigger, by name; stored as results `trigger:<name>`."""


class TurnDue(Event):
    """Turn `turn` of the investigation is due; exactly one entry owns it."""

    investigation_id: InvestigationId
    turn: int = Field(ge=1)


class ToolCallRequested(Event):
    """The model asked for one use of one tool."""

    investigation_id: InvestigationId
    tool_call_id: ToolCallId
    turn: int
    tool: str
    arguments: dict[str, JsonValue]


class ToolCallFinished(Event):
    """A tool call has its result; the text itself lies in the investigation's results."""

    investigation_id: InvestigationId
    tool_call_id: ToolCallId
    ok: bool
    error: str = ""
    """The sentence the model gets where nothing was stored (only when `ok` is false)."""
    whole_bytes: int = 0
    shown_characters: int = 0
    redactions: int = 0


class AlarmJoined(Event):
    """A later alarm of the same problem joined a running investigation."""

    investigation_id: InvestigationId
    alarm: Alarm
    service: str = ""
    note: Sentence = ""


class AlarmRecovered(Event):
    """The alarm went back to OK while its investigation was running."""

    investigation_id: InvestigationId
    alarm_name: str
    recovered_at: datetime
    policy: RecoveryPolicy


class FeedbackGiven(Event):
    """A person judged a diagnosis."""

    investigation_id: InvestigationId
    fingerprint: str
    useful: bool
    person: str
    reason: Sentence = ""


class InvestigationProgressed(Event):
    """What an investigation is doing now, for the live message; never needed for correctness."""

    investigation_id: InvestigationId
    turn: int
    activity: Sentence
    cost_usd: float | None = None


class CodeLocation(Value):
    """A place in the repository."""

    path: str
    line: int | None = None
    function: str | None = None


class Evidence(Value):
    """A quote of a tool result. `verified` means that it stands there byte for byte."""

    tool_call_id: ToolCallId
    quote: str
    verified: bool
    first_line: int | None = None
    """Line number of the quote's first line in the stored whole, counted from 1."""
    tool: str = ""
    problem: str = ""
    """Why it is not verified, as the model is told."""


class RuledOut(Value):
    """A cause that was considered and why it is not the one."""

    cause: str
    reason: str


class Gap(Value):
    """What could not be seen, and the permission that would allow it."""

    what: str
    permission: str = ""


class Fix(Value):
    """The proposed fix: a sentence and, where code changes, a unified diff."""

    summary: str
    diff: str = ""


class Diagnosis(Value):
    """What the model concluded, after the evidence was checked."""

    verdict: Verdict
    summary: str
    root_cause: str = ""
    component: str = ""
    code_location: CodeLocation | None = None
    evidence: tuple[Evidence, ...] = ()
    ruled_out: tuple[RuledOut, ...] = ()
    gaps: tuple[Gap, ...] = ()
    fix: Fix | None = None
    confidence: Confidence = "low"
    model: str = ""
    """The model that answered, as it named itself."""
    unverified: tuple[Part, ...] = ()
    """Parts that could not be checked, or failed: shown with that word, never as evidence."""


class DiagnosisReached(Event):
    """An investigation has its outcome, whichever it is.

    Diagnosis and spend stand in the record.
    """

    investigation_id: InvestigationId
    outcome: Outcome
    reason: Sentence = ""


class StopRequested(Event):
    """An investigation was ended from outside its turn: whatever still runs for it is cancelled."""

    investigation_id: InvestigationId
    outcome: Outcome
    reason: Sentence = ""


class InvestigationStopped(Event):
    """The stop signal: the final card stands in Slack. Exactly one per investigation."""

    investigation_id: InvestigationId
    outcome: Outcome
    channel: str
    ts: str


class NoticeRequested(Event):
    """One sentence that a person should read, outside any incident's message."""

    text: Sentence
    key: str = ""
    """Notices with the same key are the same notice."""


class ToolCallAudited(Event):
    """What was done about one tool call, and by which rule; values of arguments are not kept."""

    investigation_id: InvestigationId
    tool_call_id: ToolCallId
    tool: str
    decision: Literal["allow", "deny"]
    reason: str
    rules: tuple[str, ...] = ()
    """Ids of the policy's rules that decided; empty where none did."""
    policy_sha256: str = ""
    policy_mode: Literal["enforce", "log_only"] = "enforce"
    """In `log_only` a denial by the rules is made all the same: `deny` beside `executed`."""
    argument_types: dict[str, str] = Field(default_factory=dict)
    arguments_sha256: str
    outcome: Literal["executed", "repeated", "refused", "failed", "unknown"]
    result_sha256: str = ""
    result_bytes: int = 0
    redactions: int = 0
    replica: str
    number: int
    previous_sha256: str
    """Hash of the replica's entry before (its numbers count from 1), empty for the first."""
    mac: str = ""
    """HMAC-SHA-256 of all the rest under `NIGHTSHIFT_AUDIT_KEY`; empty where that is not set."""


class DeadLetter(Event):
    """An entry that was set aside, with its fields as they were and the reason."""

    stream: str
    group: str
    entry_id: str
    reason: Sentence
    delivery_count: int
    fields: dict[str, str]
    set_aside_at: datetime


EVENTS: dict[str, type[Event]] = {event.name(): event for event in Event.__subclasses__()}
