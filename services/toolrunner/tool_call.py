"""One tool call: judged, made, cleaned, shown. The order is the design's, from top to bottom.

offered -> strict arguments -> policy -> (start recorded) -> called under time and size caps ->
cleaned and redacted -> stored whole, shown condensed -> audited. Whatever fails, fails closed.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Literal

from pydantic import JsonValue

from bus.cleaning import clean, clean_counted
from bus.errors import ToolFailed
from bus.events import ToolCallFinished, ToolCallRequested
from services.toolrunner.catalogue import Catalogue, canonical
from services.toolrunner.condense import MOST_STORED, condensed
from services.toolrunner.policy import Decision, Gate
from services.toolrunner.ports import ResultUnknown, SchemaCheck

MAX_ARGUMENT_CHARACTERS = 16_384
MAX_ERROR = 2_000


@dataclass(frozen=True)
class Judged:
    """A call with its canonical arguments and the decision about it."""

    tool: str
    arguments: Mapping[str, JsonValue]
    canonical: str
    decision: Decision
    offered: bool
    problem: str = ""
    """What is wrong with the arguments; it may hold their values, so only the model gets it."""
    read_only: bool = False
    """It may be made again where its result was lost."""


@dataclass(frozen=True)
class Answer:
    """What the model gets, and what became of the call. A failed call has an empty whole."""

    outcome: Literal["executed", "repeated", "refused", "failed", "unknown"]
    shown: str
    whole: str = ""
    redactions: int = 0

    @property
    def ok(self) -> bool:
        """Whether the tool answered."""
        return self.outcome in ("executed", "repeated")


def judge(call: ToolCallRequested, offer: Catalogue, *, gate: Gate, check: SchemaCheck) -> Judged:
    """The decision: only an offered tool, with exactly its arguments, if the policy allows it."""
    schema = offer.schemas.get(call.tool)
    arguments, text, problem = _canonical_arguments(call.arguments)
    if schema is None:
        decision = Decision("deny", f"there is no tool {clean(call.tool)[:80]!r}")
    elif problem := problem or check.problem(schema, arguments):
        decision = Decision("deny", "the arguments do not fit the tool's schema")
    else:
        decision = gate.decide(call.tool, arguments)
    read_only = call.tool in offer.read_only
    return Judged(call.tool, arguments, text, decision, schema is not None, problem, read_only)


def why_not(judged: Judged, offer: Catalogue, *, repeated: bool) -> Answer | None:
    """The answer to a call that is not made, in a sentence for the model; None: it is made.

    `repeated`: it was started before, and nobody knows how far that came, or why it ended.
    """
    if not judged.decision.allowed:
        return _refused(judged, offer)
    if repeated and not judged.read_only:
        said = "whether it was carried out is unknown; it is not called again"
        return failed(ResultUnknown(f"{judged.tool} was started before; {said}"))
    return None


def _refused(judged: Judged, offer: Catalogue) -> Answer:
    offered = ", ".join(sorted(offer.schemas))
    reason = judged.decision.reason
    if judged.offered and judged.problem:
        reason = f"{reason}: {clean(judged.problem)[:500]}"
    return Answer("refused", f"denied: {reason}; offered tools: {offered}")


def failed(error: ToolFailed) -> Answer:
    """A call that gave no answer; the sentence may hold words of the server, so it is cleaned."""
    outcome: Literal["failed", "unknown"] = "failed"
    if isinstance(error, ResultUnknown):
        outcome = "unknown"
    return Answer(outcome, clean(str(error))[:MAX_ERROR])


def answered(
    tool: str, text: str, *, shown_characters: int, repeated: bool, most_bytes: int = MOST_STORED
) -> Answer:
    """The cleaned, redacted whole of a tool's answer, and the view of it that the model gets.

    Of the whole so much is kept as `most_bytes` hold where it is stored; the view says what lacks.
    """
    cleaned = clean_counted(text)
    header = f"{tool}: "
    both = condensed(tool, cleaned.text, cap=shown_characters, keep=most_bytes)
    header += f"{both.lines} line{'' if both.lines == 1 else 's'}"
    if cleaned.redactions:
        header += f", {cleaned.redactions} secret{'' if cleaned.redactions == 1 else 's'} replaced"
    return Answer(
        outcome="repeated" if repeated else "executed",
        shown="\n".join([header, *both.shown]),
        whole=both.whole,
        redactions=cleaned.redactions,
    )


def smaller(answer: Answer, tool: str, *, shown_characters: int, most_bytes: int) -> Answer:
    """The same answer where less of it may be stored than was thought."""
    header = answer.shown.partition("\n")[0]
    both = condensed(tool, answer.whole, cap=shown_characters, keep=most_bytes)
    return replace(answer, shown="\n".join([header, *both.shown]), whole=both.whole)


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


def _canonical_arguments(
    arguments: Mapping[str, JsonValue],
) -> tuple[Mapping[str, JsonValue], str, str]:
    """Arguments as canonical JSON says them, that JSON, and why they have none."""
    try:
        text = canonical(_plain(dict(arguments)))
    except (ValueError, RecursionError) as error:
        return {}, "", f"not JSON: {error}"
    if len(text) > MAX_ARGUMENT_CHARACTERS:
        return {}, "", f"{len(text)} characters, more than {MAX_ARGUMENT_CHARACTERS}"
    return json.loads(text), text, ""


def _plain(value: JsonValue) -> JsonValue:
    """Whole numbers as integers, however they were written, so that equal calls are equal bytes."""
    if isinstance(value, float) and value.is_integer():
        return int(value)
    if isinstance(value, dict):
        return {name: _plain(inner) for name, inner in value.items()}
    if isinstance(value, list):
        return [_plain(inner) for inner in value]
    return value
