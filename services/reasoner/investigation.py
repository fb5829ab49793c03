"""What happens next: the decisions about an investigation, each a pure function of its record.

A reply ends the investigation, sends calls out, or makes the next turn due; the last result of a
turn's calls makes the next turn due. Who owns which entry: design, section 2.
"""

from dataclasses import dataclass, field
from datetime import datetime

from bus import record as records
from bus.events import (
    Diagnosis,
    Event,
    InvestigationProgressed,
    Outcome,
    ToolCallFinished,
)
from bus.record import Commit, Record
from services.reasoner import budget, calls, folding, loops
from services.reasoner.budget import COST_OF_TURN, LIMITS, TurnCost
from services.reasoner.calls import Asked
from services.reasoner.diagnosis import unverified
from services.reasoner.folding import Fold
from services.reasoner.second_look import NOTE, Look, lowered
from services.reasoner.transcript import Reply, Usage
from services.reasoner.turn import SAY, Request

CONTEXT_WINDOW = folding.FULL
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
    max_parallel_calls: int = 5
    prompt_bytes: int = 0
    """Length of the request, by which the next worst case is judged; 0 when nobody measured it."""
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
        left = answer.max_tool_calls - budget.calls_sent(record)
        commit = _send(record, asked, left=min(left, answer.max_parallel_calls))
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


def concluding(record: Record, turn: int, *, why: str) -> Commit | None:
    """The due turn becomes the conclude turn; it keeps its one entry."""
    if not is_due(record, turn) or record.concluding:
        return None
    return Commit(record=record.changed(concluding=why))


def circling(record: Record, turn: int, *, what: str) -> Commit | None:
    """The due turn tells the model that it goes in circles; told before, it concludes instead."""
    if not is_due(record, turn) or record.concluding:
        return None
    told = _progress(record, f"going in circles: {what}")
    if not loops.nudged_in(record)[0]:
        notes = record.notes | loops.nudge(turn, what)
        return Commit(record=record.changed(notes=notes), events=(told,))
    return Commit(record=record.changed(concluding=loops.CIRCLES), events=(told,))


def pinned(record: Record, turn: int, *, catalogue: str) -> Commit | None:
    """The catalogue that the investigation sees from first to last turn."""
    if not is_due(record, turn) or record.catalogue:
        return None
    return Commit(record=record.changed(catalogue=catalogue))


def folded(record: Record, turn: int, *, fold: Fold) -> Commit | None:
    """What was said so far is told anew from the due turn on, on every replica."""
    if not is_due(record, turn):
        return None
    notes = record.notes | {folding.FOLDED: fold.model_dump_json()}
    return Commit(record=record.changed(notes=notes))


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
    notes = budget.counted(notes, prompt_bytes=answer.prompt_bytes, usage=answer.reply.usage)
    notes[f"{COST_OF_TURN}{answer.request.turn}"] = cost.model_dump_json()
    notes |= answer.request.notes
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
    reason = _why_early(record)
    if "verdict" in diagnosis.unverified:
        reason = "; ".join(part for part in (NOTHING_SHOWS_IT, reason) if part)
    return records.end(record, outcome, at=answer.at, reason=reason, diagnosis=diagnosis)


def _end_in_words(
    record: Record, answer: Answer, *, reason: str, outcome: Outcome | None = None
) -> Commit:
    limited = record.concluding in LIMITS
    outcome = outcome or ("out_of_budget" if limited else "inconclusive")
    reason = "; ".join(words for words in (reason, _why_early(record)) if words)
    said = unverified(answer.reply.text, model=answer.reply.model) if answer.reply.text else None
    if said and answer.gap:
        said = said.model_copy(update={"gaps": (calls.our_gap(answer.gap),)})
    return records.end(record, outcome, at=answer.at, reason=reason, diagnosis=said)


def _why_early(record: Record) -> str:
    """The limit, or the circle, because of which it had to conclude; else nothing."""
    if record.concluding == loops.CIRCLES:
        return f"concluded early, {loops.CIRCLES}: {loops.nudged_in(record)[1]}"
    return f"limit reached: {record.concluding}" if record.concluding in LIMITS else ""


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


def _progress(record: Record, activity: str) -> Event:
    return InvestigationProgressed(
        investigation_id=record.investigation_id,
        turn=record.turn,
        activity=activity,
        cost_usd=record.spend.cost_usd,
    )
