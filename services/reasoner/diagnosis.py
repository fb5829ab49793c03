"""`submit_diagnosis`: reading what the model submits, and checking its evidence byte for byte."""

import difflib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, JsonValue, ValidationError

from bus.events import (
    CodeLocation,
    Confidence,
    Diagnosis,
    Evidence,
    Fix,
    Gap,
    RuledOut,
    ToolCallId,
    Value,
    Verdict,
)

SUBMIT = "submit_diagnosis"
LEAST_QUOTED = 16
MOST_QUOTED = 500
_NUMBER = re.compile(r"^\s*\d+\| ?")
_COMPARED = 20


class Source(Value):
    """A stored result that a quote may name."""

    whole: str
    tool: str = ""


class _Part(BaseModel):
    model_config = ConfigDict(extra="ignore", frozen=True)


def _text(value: object) -> object:
    return "" if value is None else value


def _list(value: object) -> object:
    return () if value is None else value


def _word(value: object) -> object:
    return value.strip().lower() if isinstance(value, str) else value


Text = Annotated[str, BeforeValidator(_text)]


class _Place(_Part):
    path: str
    line: int | None = None
    function: str | None = None


class _Quote(_Part):
    call_id: str
    quote: str


class _Cause(_Part):
    cause: str
    reason: Text = ""


class _Unseen(_Part):
    what: str
    permission: Text = ""


class _Repair(_Part):
    summary: str
    diff: Text = ""


class Submission(_Part):
    """The arguments of `submit_diagnosis`; a missing optional part is an empty one."""

    verdict: Annotated[Verdict, BeforeValidator(_word)]
    summary: Annotated[str, Field(min_length=1)]
    root_cause: Text = ""
    component: Text = ""
    code_location: _Place | None = None
    evidence: Annotated[tuple[_Quote, ...], BeforeValidator(_list)] = Field((), max_length=20)
    ruled_out: Annotated[tuple[_Cause, ...], BeforeValidator(_list)] = ()
    gaps: Annotated[tuple[_Unseen, ...], BeforeValidator(_list)] = ()
    fix: _Repair | None = None
    confidence: Annotated[Confidence, BeforeValidator(_word)] = "low"

    @property
    def named(self) -> tuple[str, ...]:
        """Ids of the results that its evidence names."""
        return tuple(dict.fromkeys(_call_id(quote.call_id) for quote in self.evidence))


@dataclass(frozen=True)
class Checked:
    """A diagnosis with its evidence checked, and what is wrong with it, for the model."""

    diagnosis: Diagnosis
    problems: tuple[str, ...]


def submission(arguments: Mapping[str, JsonValue] | None) -> Submission | str:
    """What was submitted, or a sentence about what is wrong with its form."""
    try:
        return Submission.model_validate(arguments)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"]) or "the arguments"
        return f"not accepted: {where}: {first['msg']}"


def checked(given: Submission, sources: Mapping[str, Source], *, model: str) -> Checked:
    """The diagnosis with each quote verified or not; high confidence only when all are."""
    looked_at = [_check(quote, sources.get(_call_id(quote.call_id))) for quote in given.evidence]
    evidence = tuple(found for found, _ in looked_at)
    confidence = given.confidence
    if confidence == "high" and not (evidence and all(item.verified for item in evidence)):
        confidence = "medium"
    place, fix = given.code_location, given.fix
    diagnosis = Diagnosis(
        verdict=given.verdict,
        summary=given.summary,
        root_cause=given.root_cause,
        component=given.component,
        code_location=CodeLocation(**place.model_dump()) if place else None,
        evidence=evidence,
        ruled_out=tuple(RuledOut(**item.model_dump()) for item in given.ruled_out),
        gaps=tuple(Gap(**item.model_dump()) for item in given.gaps),
        fix=Fix(**fix.model_dump()) if fix else None,
        confidence=confidence,
        model=model,
    )
    return Checked(diagnosis, tuple(problem for _, problem in looked_at if problem))


def unverified(text: str, *, model: str) -> Diagnosis:
    """What is kept of an investigation that ended in plain text: that text, and no claim."""
    return Diagnosis(verdict="unknown", summary=text, confidence="low", model=model)


def _call_id(name: str) -> str:
    return name.strip().removeprefix("result ").strip()


def _check(given: _Quote, source: Source | None) -> tuple[Evidence, str]:
    quote, call_id = given.quote.strip("\n"), _call_id(given.call_id)
    at = _first_line(quote, source.whole) if source else None
    problem = "" if at is not None else _why(quote, source)
    evidence = Evidence(
        tool_call_id=ToolCallId(call_id),
        quote=quote,
        verified=at is not None,
        first_line=at,
        tool=source.tool if source else "",
        problem=problem,
    )
    return evidence, f"{call_id}: {problem}" if problem else ""


def _first_line(quote: str, whole: str) -> int | None:
    """Where a quote stands, counted from 1; None when it does not, or says too little."""
    if not quote.strip() or len(quote) > MOST_QUOTED:
        return None
    lines, wanted = whole.split("\n"), quote.split("\n")
    for at in range(len(lines) - len(wanted) + 1):
        if lines[at] == wanted[0] and lines[at : at + len(wanted)] == wanted:
            return at + 1
    if len(wanted) > 1 or len(quote.strip()) < LEAST_QUOTED:
        return None
    return next((at for at, line in enumerate(lines, start=1) if quote in line), None)


def _why(quote: str, source: Source | None) -> str:
    if source is None:
        return "there is no such result; name the id in its marker, such as 2-1 or trigger:<name>"
    if not source.whole:
        return "that result has no lines of its own (an error, or a page: name the paged result)"
    if len(quote) > MOST_QUOTED:
        return f"the quote has {len(quote)} characters, more than {MOST_QUOTED}"
    if "\n" not in quote and quote in source.whole:
        return f"the quote is too short: whole lines, or at least {LEAST_QUOTED} characters of one"
    hint = "leave out the line number; " if _NUMBER.match(quote) else ""
    return f"not found byte for byte; {hint}{_nearest(quote, source.whole)}"


def _nearest(quote: str, whole: str) -> str:
    """The line of the whole that is most like the quote, numbered as it was shown."""
    sought = max((_NUMBER.sub("", line) for line in quote.split("\n")), key=len)
    words = set(re.findall(r"\w+", sought))
    lines = [(at, line) for at, line in enumerate(whole.split("\n"), start=1) if line.strip()]
    shared = {at: len(words & set(re.findall(r"\w+", line))) for at, line in lines}
    likely = sorted(lines, key=lambda row: -shared[row[0]])[:_COMPARED]
    if not likely:
        return "no line is like it"
    at, line = max(
        likely, key=lambda row: difflib.SequenceMatcher(None, sought, row[1][:MOST_QUOTED]).ratio()
    )
    return f"the nearest line is\n{at}| {line[:MOST_QUOTED]}"
