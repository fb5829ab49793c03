"""All that is kept of one investigation: what `show` prints, and the fields of its JSON."""

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Literal

from pydantic import Field, JsonValue, ValidationError

from bus.events import Diagnosis, Evidence, Outcome, Value
from bus.record import Call, Record, Spend
from bus.results import Result
from bus.streams import AUDIT
from cli.inside.held import Held, held_by
from cli.inside.moments import Moment, moments
from cli.inside.rows import in_words
from cli.inside.store import Found, Store
from cli.inside.triggers import Triggers, triggers_of
from cli.judgements import Judgement
from services.reasoner.budget import COST_OF_TURN, TurnCost
from services.reasoner.diagnosis import SUBMIT
from services.reasoner.folding import PROMPT, PROMPT_VERSION
from services.reasoner.loops import nudged_in

Message = dict[str, JsonValue]


class CallSeen(Value):
    """One call of the model with its decision and its two results."""

    tool_call_id: str
    tool: str
    arguments: JsonValue = None
    state: Literal["open", "ok", "error"]
    sentence: str = ""
    """Our answer in place of a result: a refusal, or why it was not run."""
    decision: str = ""
    """The policy's: allow or deny; empty where the call never got that far."""
    rule: str = ""
    outcome: str = ""
    decided_at: datetime | None = None
    redactions: int = 0
    shown: str = ""
    """The condensed result: what the model was given."""
    whole_lines: int = 0
    whole_bytes: int = 0
    whole: str | None = None
    """The whole result; null unless asked for with --whole."""

    @property
    def answered(self) -> str:
        """Our answer, for a line of ours: why a diagnosis was sent back quotes foreign text."""
        return "sent back, see EVIDENCE" if self.tool == SUBMIT else self.sentence


class TurnSeen(Value):
    """One turn: what was new to the model, what it answered, and what that cost."""

    turn: int
    saw: list[Message] = Field(default_factory=list)
    """Blocks of the message to the model, verbatim; before it stands all of the turns before."""
    said: list[Message] = Field(default_factory=list)
    """Blocks of its reply, verbatim."""
    cost: TurnCost | None = None
    """Null where none was noted: no reply was kept, or by a release that noted none."""
    calls: list[CallSeen] = Field(default_factory=list)


class Story(Value):
    """One investigation."""

    incident: str
    service: str
    summary: str
    severity: str
    trigger: str
    note: str = ""
    alarm: str = ""
    state: str
    turn: int
    outcome: Outcome | None
    reason: str
    concluding: str
    """Why it had to conclude: the deadline, a limit, the alarm's recovery; empty: it had not to."""
    nudged: str = ""
    """The turn that told the model it goes in circles, and how; empty: none did."""
    opened_at: datetime
    deadline_at: datetime
    ended_at: datetime | None
    elapsed_seconds: float
    trace_id: str
    model: str
    catalogue: str
    prompt: str = ""
    """Version of the last request's texts, and hashes of its tools and system; empty before it."""
    slack: dict[str, str]
    spend: Spend
    never_settled_usd: dict[str, float]
    """Dollars reserved for calls whose process died, by turn; they count in the day's budget."""
    diagnosis: Diagnosis | None
    updates: list[str]
    triggers: Triggers = Triggers()
    """What ingest decided about its alarms."""
    held: Held = Held()
    """The kinds of problems that it stands for, where it is a summary."""
    feedback: list[Judgement] = Field(default_factory=list)
    turns: list[TurnSeen]
    timeline: list[Moment]

    @property
    def doing(self) -> str:
        """The state in words."""
        return in_words(self.state, self.outcome, concluding=self.concluding)

    @property
    def evidence(self) -> tuple[Evidence, ...]:
        """The quotes of the diagnosis, verified or not."""
        return self.diagnosis.evidence if self.diagnosis else ()

    def call(self, tool_call_id: str) -> CallSeen | None:
        """The call of that id."""
        calls = (call for turn in self.turns for call in turn.calls)
        return next((call for call in calls if call.tool_call_id == tool_call_id), None)


async def story_of(record: Record, seen: Store, *, whole: bool) -> Story:
    """The story of a record."""
    now = await seen.investigations.now()
    audited = await seen.entries_of(record, AUDIT)
    turns = await _turns(record, seen, audited=audited, whole=whole)
    costs = [(turn.turn, turn.cost) for turn in turns if turn.cost]
    incident, until = record.incident, record.ended_at or now
    return Story(
        incident=record.investigation_id,
        **incident.model_dump(include={"service", "summary", "severity", "trigger", "note"}),
        alarm=incident.alarm.name if incident.alarm else "",
        **record.model_dump(include={"state", "turn", "outcome", "reason", "concluding"}),
        **record.model_dump(include={"opened_at", "deadline_at", "ended_at"}),
        **record.model_dump(include={"model", "catalogue", "spend", "diagnosis"}),
        nudged=_nudged(record),
        elapsed_seconds=round(max(0.0, (until - record.opened_at).total_seconds()), 3),
        trace_id=record.trace.trace_id,
        prompt=" ".join(record.notes.get(name, "") for name in (PROMPT_VERSION, PROMPT)).strip(),
        slack=await seen.place(record.investigation_id),
        never_settled_usd=await seen.reserved(record),
        updates=[f"{update.kind}: {update.text}" for update in record.updates],
        triggers=await triggers_of(seen, record.investigation_id),
        held=await held_by(seen, record.investigation_id),
        feedback=await seen.said_of(record.investigation_id),
        turns=turns,
        timeline=await moments(record, seen, costs=costs, audited=audited),
    )


def _nudged(record: Record) -> str:
    turn, circle = nudged_in(record)
    return f"turn {turn}: {circle}" if turn else ""


async def _turns(
    record: Record, seen: Store, *, audited: list[Found], whole: bool
) -> list[TurnSeen]:
    """Every turn that has a reply; each commits its request and its reply, in order."""
    messages: list[Any] = list(await seen.investigations.transcript(record.investigation_id))
    found = []
    for at in range(0, len(messages), 2):
        number, reply = at // 2 + 1, messages[at + 1] if at + 1 < len(messages) else {}
        said = _blocks(reply)
        uses = {block.get("id"): block.get("input") for block in said}
        calls = [
            await _call(call, record, seen=seen, audited=audited, whole=whole)
            for call in record.calls_of(number)
        ]
        asked = {str(call.tool_call_id): uses.get(call.tool_use_id) for call in record.calls}
        found.append(
            TurnSeen(
                turn=number,
                saw=_blocks(messages[at]),
                said=said,
                cost=_cost(record, number),
                calls=[
                    call.model_copy(update={"arguments": asked[call.tool_call_id]})
                    for call in calls
                ],
            )
        )
    return found


async def _call(
    call: Call, record: Record, *, seen: Store, audited: list[Found], whole: bool
) -> CallSeen:
    try:
        result = await seen.results.read(record.investigation_id, call.tool_call_id)
    except ValueError as error:
        result = Result(whole="", shown=f"(the stored result cannot be read: {error})", ok=False)
    entry = next((e for e in audited if e.values.get("tool_call_id") == call.tool_call_id), None)
    values: Mapping[str, Any] = entry.values if entry else {}
    text = result.whole if result else ""
    return CallSeen(
        **call.model_dump(include={"tool_call_id", "tool", "state", "sentence"}),
        decision=str(values.get("decision", "")),
        rule=str(values.get("reason", "")),
        outcome=str(values.get("outcome", "")),
        decided_at=datetime.fromtimestamp(entry.at_ms / 1000, UTC) if entry else None,
        redactions=result.redactions if result else 0,
        shown=result.shown if result else "",
        whole_lines=text.count("\n") + 1 if text else 0,
        whole_bytes=len(text.encode()),
        whole=text if whole and result else None,
    )


def _blocks(message: Mapping[str, Any]) -> list[Message]:
    content = message.get("content", [])
    if isinstance(content, str):
        return [{"type": "text", "text": content}]
    return [block for block in content if isinstance(block, dict)]


def _cost(record: Record, turn: int) -> TurnCost | None:
    try:
        noted = json.loads(record.notes.get(f"{COST_OF_TURN}{turn}", "null"))
        return TurnCost.model_validate(noted, extra="ignore") if noted else None
    except (ValueError, ValidationError):
        return None
