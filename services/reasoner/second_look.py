"""The second look: another call judges whether the quoted lines show the root cause.

It sees the claims and the verified quotes, not the history, and it can only take away: `partly`
leaves at most medium confidence, `no` marks the root cause as unverified and leaves low. Whatever
else happens (no answer, no money, no time) leaves the diagnosis as it is, with a note.
"""

from dataclasses import dataclass
from typing import Literal, get_args

from bus.events import Diagnosis
from bus.record import Record
from services.reasoner.caching import hash_of
from services.reasoner.transcript import Block, Reply, Usage, marked, text_block, user_message
from services.reasoner.turn import Request, Texts

NOTE = "second look"
"""Note in the record: what the second look said, or why there was none."""
JUDGE = "judge_diagnosis"
Shown = Literal["yes", "partly", "no", ""]


@dataclass(frozen=True, kw_only=True)
class Look:
    """What a second look said and cost; `shown` is empty where it said nothing."""

    shown: Shown = ""
    note: str
    usage: Usage | None = None
    cost_usd: float | None = 0.0


def request(record: Record, diagnosis: Diagnosis, *, words: Texts, judge: Block) -> Request:
    """The one request of a second look."""
    claims = {
        "root cause": diagnosis.root_cause or diagnosis.summary,
        "component": diagnosis.component,
        "verdict": diagnosis.verdict,
    }
    told = "\n".join(f"{name}: {text}" for name, text in claims.items() if text)
    texts = [marked(told, "claims", nonce=record.nonce, kind="data")]
    for number, quote in enumerate((q for q in diagnosis.evidence if q.verified), start=1):
        lines = f"{quote.tool}\n{quote.quote}"
        texts.append(marked(lines, f"quote-{number}", nonce=record.nonce, kind="data"))
    return Request(
        investigation_id=record.investigation_id,
        turn=record.turn,
        concludes=False,
        system=words.second_look,
        tools=(judge,),
        history=(),
        message=user_message([text_block("\n\n".join(texts))]),
        updates_shown=0,
        version=words.version,
        texts=hash_of(words.model_dump()),
    )


def judged(reply: Reply, *, cost_usd: float | None) -> Look:
    """What a reply says; one that makes no use of the tool says nothing."""
    said = [use.arguments or {} for use in reply.tool_uses if use.name == JUDGE]
    for shown in get_args(Shown):
        if shown and said and said[0].get("shown") == shown:
            note = f"{shown}: {str(said[0].get('reason') or 'no reason given')[:500]}"
            return Look(shown=shown, note=note, usage=reply.usage, cost_usd=cost_usd)
    return Look(note="none: no judgement was given", usage=reply.usage, cost_usd=cost_usd)


def lowered(diagnosis: Diagnosis, look: Look | None) -> Diagnosis:
    """The diagnosis after a look, never with more confidence than before."""
    if look is None or look.shown in ("", "yes"):
        return diagnosis
    if look.shown == "partly":
        confidence = "medium" if diagnosis.confidence == "high" else diagnosis.confidence
        return diagnosis.model_copy(update={"confidence": confidence})
    marks = ("root_cause", *diagnosis.unverified)
    return diagnosis.model_copy(update={"confidence": "low", "unverified": marks})
