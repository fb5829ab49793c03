"""What happens next: the decisions about an investigation, each a pure function of its record.

A reply ends the investigation, sends calls out, or makes the next turn due; the last result of a
turn's calls makes the next turn due. Who owns which entry: design, section 2.
"""

from dataclasses import dataclass, field
from datetime import datetime

from bus import record as records
from bus.events import (
    AlarmJoined,
    AlarmRecovered,
    Diagnosis,
    Event,
    InvestigationProgressed,
    Outcome,
    ToolCallFinished,
)
from bus.record import Commit, Record, Update
from services.reasoner import budget, calls
from services.reasoner.budget import COST_OF_TURN, LIMITS, TurnCost
from services.reasoner.calls import Asked
from services.reasoner.diagnosis import unverified
from services.reasoner.second_look import NOTE, Look, lowered
from services.reasoner.transcript import Reply, Usage
from services.reasoner.turn import SAY, Request

CONTEXT_WINDOW = "context window"
NOTHING_SHOWS_IT = "a cause was named, and nothing that was read shows it"


@dataclass(frozen=True, kw_only=True)
class Answer:
    """A model's reply to a turn's request, with all that deciding about it needs."""

    request: Request
    reply: Reply
    cost_usd: float | None
    at: datetime
    """When it came in, by Redis time."""
    max_tool_calls: int
    findings: calls.Findings = field(default_factory=dict)
    """What was found about the diagnoses that it submits."""
    look: Look | None = None
    """What a second look said of the diagnosis that it ends with."""
    gap: str = ""
    """What our side could not offer, told in the diagnosis."""
    spend_day: str = ""
    reservation: str = ""


def is_due(record: Record, turn: int) -> bool:
    """Whether an entry `TurnDue(turn)` has an effect."""
    return record.state == "turn_due" and record.turn == turn


def after_reply(record: Record, answer: Answer) -> Commit | None:
    """The loop: what a reply leads to. Nothing when the turn is no longer due."""
    if not is_due(record, answer.request.turn):
        return None
    record, reply = with_reply(record, answer), answer.reply
    asked = calls.read(record, request=answer.request, reply=reply, found=answer.findings)
    if reply.stop_reason == "refusal":
        commit = _end_in_words(
            record, answer, reason="the model refused to go on", outcome="inconclusive"
        )
    elif asked.accepted:
        commit = _end_with(record, answer, diagnosis=asked.accepted)
    elif answer.request.concludes:
        commit = _after_conclude_turn(record, asked, answer=answer)
    elif why := _must_conclude(record, answer):
        commit = _next_turn(record, asked.refused("not run, no time left"), concluding=why)
    elif asked.calls and reply.stop_reason == "max_tokens":
        commit = _next_turn(record, asked.refused("not run: your reply was cut off"), say="cut_off")
    elif asked.calls:
        commit = _send(record, asked, left=answer.max_tool_calls - budget.calls_sent(record))
    else:
        commit = _after_words(record, asked, answer=answer)
    return _whole(commit, answer)


def after_result(record: Record, finished: ToolCallFinished) -> Commit | None:
    """A call is closed; the last one of a turn makes the next turn due."""
    if record.state != "awaiting_tools" or finished.tool_call_id not in record.open_calls:
        return None
    closed = tuple(
        call.model_copy(
            update={
                "state": "ok" if finished.ok else "error",
                "sentence": "" if finished.ok else finished.error,
            }
        )
        if call.tool_call_id == finished.tool_call_id
        else call
        for call in record.calls
    )
    changed = record.changed(calls=closed)
    return Commit(record=changed) if changed.open_calls else records.due_next_turn(changed)


def after_join(record: Record, joined: AlarmJoined, *, source_id: str) -> Commit | None:
    """A later alarm of the same problem stands among the updates."""
    alarm = joined.alarm
    words = [alarm.name, joined.service, alarm.reason or alarm.description, joined.note]
    text = "another alarm of the same problem: " + "; ".join(word for word in words if word)
    return _updated(record, Update(kind="joined", text=text, source_id=source_id))


def after_recovery(
    record: Record, recovered: AlarmRecovered, *, source_id: str, at: datetime
) -> Commit | None:
    """The recovery stands among the updates, and its policy is followed."""
    name = recovered.alarm_name
    if recovered.policy == "stop":
        return records.end_from_outside(
            record, "recovered", at=at, reason=f"{name} went back to OK"
        )
    when = recovered.recovered_at.isoformat(timespec="seconds")
    text = f"alarm {name} went back to OK at {when}"
    commit = _updated(record, Update(kind="recovered", text=text, source_id=source_id))
    if commit is None or recovered.policy == "continue":
        return commit
    return Commit(record=commit.record.changed(concluding=record.concluding or "recovered"))


def concluding(record: Record, turn: int, *, why: str) -> Commit | None:
    """The due turn becomes the conclude turn; it keeps its one entry."""
    if not is_due(record, turn) or record.concluding:
        return None
    return Commit(record=record.changed(concluding=why))


def pinned(record: Record, turn: int, *, catalogue: str) -> Commit | None:
    """The catalogue that the investigation sees from first to last turn."""
    if not is_due(record, turn) or record.catalogue:
        return None
    return Commit(record=record.changed(catalogue=catalogue))


def given_up(
    record: Record, turn: int, *, outcome: Outcome, reason: str, at: datetime
) -> Commit | None:
    """End a due turn that cannot be asked: a refusal for good, or no money left."""
    if not is_due(record, turn):
        return None
    return records.end(record, outcome, at=at, reason=reason)


def _after_conclude_turn(record: Record, asked: Asked, *, answer: Answer) -> Commit:
    """A call there is refused once; then the investigation ends with what was said."""
    wants_more = bool(asked.calls) or answer.reply.stop_reason == "pause_turn"
    if wants_more and not record.refused_once:
        return _next_turn(record, asked.refused("refused: conclude now"), refused_once=True)
    return _end_in_words(record, answer, reason="the conclude turn brought no diagnosis")


def _after_words(record: Record, asked: Asked, *, answer: Answer) -> Commit:
    """A turn without a call gets one reminder; then its text is all there is."""
    stopped = answer.reply.stop_reason
    if stopped == "pause_turn":
        return _next_turn(record, asked, say="go_on")
    if record.reminded:
        return _end_in_words(record, answer, reason="the model stopped without a diagnosis")
    say = "cut_off" if stopped == "max_tokens" else "reminder"
    return _next_turn(record, asked, say=say, reminded=True)


def _must_conclude(record: Record, answer: Answer) -> str:
    """Why the next turn has to be the conclude turn, or nothing."""
    if answer.reply.stop_reason == "model_context_window_exceeded":
        return record.concluding or CONTEXT_WINDOW
    if record.concluding or answer.at >= record.conclude_at:
        return record.concluding or "deadline"
    return ""


def ends_with(record: Record, answer: Answer) -> Diagnosis | None:
    """The diagnosis with a claim that the reply ends the investigation with, if it does."""
    if answer.reply.stop_reason == "refusal" or not is_due(record, answer.request.turn):
        return None
    found = answer.findings
    ends = calls.read(record, request=answer.request, reply=answer.reply, found=found).accepted
    return ends if ends is not None and ends.verdict != "unknown" else None


def with_reply(record: Record, answer: Answer) -> Record:
    """The record with what the reply cost, and a second look at it."""
    cost = TurnCost(
        at=answer.at,
        model=answer.reply.model,
        stop_reason=answer.reply.stop_reason,
        usage=answer.reply.usage,
        cost_usd=answer.cost_usd,
    )
    notes = {name: text for name, text in record.notes.items() if name != SAY}
    notes[f"{COST_OF_TURN}{answer.request.turn}"] = cost.model_dump_json()
    spend = budget.added(record.spend, answer.reply.usage, cost_usd=answer.cost_usd)
    if look := answer.look:
        notes[NOTE] = look.note
    if look and (look.usage or look.cost_usd):
        spend = budget.added(spend, look.usage or Usage(), cost_usd=look.cost_usd)
    return record.changed(
        spend=spend,
        model=answer.reply.model,
        updates_shown=max(record.updates_shown, answer.request.updates_shown),
        notes=notes,
    )


def _send(record: Record, asked: Asked, *, left: int) -> Commit:
    """Calls go out as far as the limits allow; when none does, the next turn is due at once."""
    sent = asked.within(left)
    if not sent.requests:
        return _next_turn(record, sent)
    mended = record.mended or asked.mends
    notes = record.notes | {budget.SENT: str(budget.calls_sent(record) + len(sent.requests))}
    awaiting = record.changed(
        state="awaiting_tools", calls=(*record.calls, *sent.calls), notes=notes, mended=mended
    )
    return Commit(record=awaiting, events=(*sent.requests, _progress(awaiting, sent.activity)))


def _next_turn(record: Record, asked: Asked, *, say: str = "", **changes: object) -> Commit:
    notes = record.notes | ({SAY: say} if say else {})
    mended = record.mended or asked.mends
    changed = record.changed(calls=(*record.calls, *asked.calls), notes=notes, mended=mended)
    commit = records.due_next_turn(changed, **changes)
    activity = "concluding" if commit.record.concluding else "thinking"
    return Commit(record=commit.record, events=(*commit.events, _progress(commit.record, activity)))


def _end_with(record: Record, answer: Answer, *, diagnosis: Diagnosis) -> Commit:
    if answer.gap:
        gaps = (*diagnosis.gaps, calls.our_gap(answer.gap))
        diagnosis = diagnosis.model_copy(update={"gaps": gaps})
    diagnosis = lowered(diagnosis, answer.look)
    outcome: Outcome = "inconclusive" if diagnosis.verdict == "unknown" else "diagnosed"
    reason = f"limit reached: {record.concluding}" if record.concluding in LIMITS else ""
    if "verdict" in diagnosis.unverified:
        reason = "; ".join(part for part in (NOTHING_SHOWS_IT, reason) if part)
    return records.end(record, outcome, at=answer.at, reason=reason, diagnosis=diagnosis)


def _end_in_words(
    record: Record, answer: Answer, *, reason: str, outcome: Outcome | None = None
) -> Commit:
    limited = record.concluding in LIMITS
    outcome = outcome or ("out_of_budget" if limited else "inconclusive")
    reason = f"{reason}; limit reached: {record.concluding}" if limited else reason
    said = unverified(answer.reply.text, model=answer.reply.model) if answer.reply.text else None
    if said and answer.gap:
        said = said.model_copy(update={"gaps": (calls.our_gap(answer.gap),)})
    return records.end(record, outcome, at=answer.at, reason=reason, diagnosis=said)


def _whole(commit: Commit, answer: Answer) -> Commit:
    """The commit with the turn's two messages and its money."""
    return Commit(
        record=commit.record,
        events=commit.events,
        transcript=(answer.request.message, answer.reply.message()),
        spend_day=answer.spend_day,
        reservation=answer.reservation,
        spent_usd=answer.cost_usd or 0.0,
    )


def _updated(record: Record, update: Update) -> Commit | None:
    if record.state == "ended" or any(u.source_id == update.source_id for u in record.updates):
        return None
    return Commit(record=record.changed(updates=(*record.updates, update)))


def _progress(record: Record, activity: str) -> Event:
    return InvestigationProgressed(
        investigation_id=record.investigation_id,
        turn=record.turn,
        activity=activity,
        cost_usd=record.spend.cost_usd,
    )
