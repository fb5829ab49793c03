"""One tool call: judged, made, cleaned, shown. The order is the design's, from top to bottom.

judged (`judging`) -> (start recorded) -> called under time and size caps -> cleaned and redacted ->
stored whole, shown condensed -> audited. Whatever fails, fails closed.
"""

from dataclasses import dataclass, replace
from typing import Literal

from bus.cleaning import clean, clean_counted
from bus.errors import ToolFailed
from bus.events import ToolCallFinished, ToolCallRequested
from services.toolrunner.briefly import briefly
from services.toolrunner.catalogue import Catalogue
from services.toolrunner.condense import MOST_STORED, condensed
from services.toolrunner.gaps import closed, taken
from services.toolrunner.judging import Judged
from services.toolrunner.ports import ResultUnknown
from services.toolrunner.remarks import MOST_SHOWN, as_shown, told_apart

MAX_ERROR = 2_000


@dataclass(frozen=True)
class Answer:
    """What the model gets, and what became of the call. A failed call has an empty whole."""

    outcome: Literal["executed", "repeated", "refused", "failed", "unknown"]
    shown: str
    whole: str = ""
    redactions: int = 0
    remarks: tuple[str, ...] = ()
    """What our own servers say about it, as it is shown; not stored, so never quoted."""

    @property
    def ok(self) -> bool:
        """Whether the tool answered."""
        return self.outcome in ("executed", "repeated")


def why_not(judged: Judged, offer: Catalogue, *, repeated: bool) -> Answer | None:
    """The answer to a call that is not made, in a sentence for the model; None: it is made.

    `repeated`: it was started before, and nobody knows how far that came, or why it ended.
    """
    if judged.decision.refuses:
        return _refused(judged, offer)
    if repeated and not judged.read_only:
        said = "whether it was carried out is unknown; it is not called again"
        return failed(ResultUnknown(f"{judged.tool} was started before; {said}"))
    return None


def _refused(judged: Judged, offer: Catalogue) -> Answer:
    reason = judged.decision.words
    if judged.offered and judged.problem:
        reason = f"{reason}: {clean(briefly(judged.problem))[:500]}"
    if not judged.offered:
        reason = f"{reason}; offered tools: {', '.join(sorted(offer.schemas))}"
    return Answer("refused", f"denied: {reason}")


def failed(error: ToolFailed) -> Answer:
    """A call that gave no answer; the sentence may hold words of the server, so it is cleaned."""
    outcome: Literal["failed", "unknown"] = "failed"
    if isinstance(error, ResultUnknown):
        outcome = "unknown"
    return Answer(outcome, clean(briefly(str(error)))[:MAX_ERROR])


def answered(
    tool: str, text: str, *, shown_characters: int, repeated: bool, most_bytes: int = MOST_STORED
) -> Answer:
    """The cleaned, redacted whole of a tool's answer, and the view of it that the model gets.

    Of the whole so much is kept as `most_bytes` hold where it is stored; the view says what lacks.
    """
    marked, gone = taken(text)
    cleaned = clean_counted(marked)
    stored, gone = closed(cleaned.text, gone)
    stored, said = told_apart(stored)
    if said:  # The lines behind a remark have other places without it.
        gone = replace(gone, counts={}, start=0)
    remarks = as_shown(said, room=min(MOST_SHOWN, shown_characters // 4))
    cap = shown_characters - sum(len(line) + 1 for line in remarks)
    header = f"{tool}: "
    both = condensed(tool, stored, cap=cap, keep=most_bytes, gone=gone)
    header += f"{both.lines} line{'' if both.lines == 1 else 's'}"
    if cleaned.redactions:
        header += f", {cleaned.redactions} secret{'' if cleaned.redactions == 1 else 's'} replaced"
    return Answer(
        outcome="repeated" if repeated else "executed",
        shown="\n".join([header, *remarks, *both.shown]),
        whole=both.whole,
        redactions=cleaned.redactions,
        remarks=remarks,
    )


def smaller(answer: Answer, tool: str, *, shown_characters: int, most_bytes: int) -> Answer:
    """The same answer where less of it may be stored than was thought."""
    header = answer.shown.partition("\n")[0]
    cap = shown_characters - sum(len(line) + 1 for line in answer.remarks)
    both = condensed(tool, answer.whole, cap=cap, keep=most_bytes)
    shown = "\n".join([header, *answer.remarks, *both.shown])
    return replace(answer, shown=shown, whole=both.whole)


def finished(call: ToolCallRequested, answer: Answer) -> ToolCallFinished:
    """The event that tells of a stored answer."""
    return ToolCallFinished(
        investigation_id=call.investigation_id,
        tool_call_id=call.tool_call_id,
        ok=answer.ok,
        error="" if answer.ok else answer.shown,
        whole_bytes=len(answer.whole.encode()),
        shown_characters=len(answer.shown),
        redactions=answer.redactions,
    )
