"""`submit_diagnosis`: reading what the model submits, and checking all of it that can be checked.

What fails is sent back once, all of it together. What fails then is kept, marked in `unverified`,
never shown as evidence, and caps the confidence:

- a quote that is not exact, or a diff that does not apply: at most `medium`;
- a component or a code location that was not seen: `low`;
- no exact quote that shows something: `low`, and a verdict of `fault` or `healthy` becomes
  `unknown`, because nothing shows it. The investigation ends as inconclusive, and the cause is a
  suspicion.

An exact quote that shows nothing, such as a bracket, a time or the level of a log, is left out. A
part that is in no readable form (`forms`) is left out and marked like one that failed; where there
is no such mark, it is a gap.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Annotated, get_args

from pydantic import BaseModel, ConfigDict, Field, JsonValue, ValidationError

from bus.events import (
    CodeLocation,
    Confidence,
    Diagnosis,
    Evidence,
    Fix,
    Gap,
    Part,
    RuledOut,
    ToolCallId,
    Verdict,
)
from services.reasoner import components, forms, patches, places, quotes
from services.reasoner.sources import Known, Source, call_id, origin

SUBMIT = "submit_diagnosis"
_WITH_LINE = re.compile(r"^(.+?):(\d{1,7})$")
_NONE = re.compile(r"(?:none|unknown|unclear|n/?a|null|nil|not applicable|[-?\u2014]+)\.?\Z")
_MARKS: tuple[Part, ...] = ("evidence", "root_cause", "component", "code_location", "fix")
_LOW: frozenset[Part] = frozenset({"verdict", "component", "code_location"})


class _Part(BaseModel):
    model_config = ConfigDict(extra="ignore", frozen=True)


class _Place(_Part):
    path: str
    line: int | None = None
    function: str | None = None


class _Quote(_Part):
    call_id: str
    quote: str


class _Cause(_Part):
    cause: str
    reason: str = ""


class _Unseen(_Part):
    what: str
    permission: str = ""


class _Repair(_Part):
    summary: str
    diff: str = ""


class Submission(_Part):
    """The arguments of `submit_diagnosis`; a missing optional part is an empty one."""

    verdict: Verdict
    summary: Annotated[str, Field(min_length=1)]
    root_cause: str = ""
    component: str = ""
    code_location: _Place | None = None
    evidence: tuple[_Quote, ...] = ()
    ruled_out: tuple[_Cause, ...] = ()
    gaps: tuple[_Unseen, ...] = ()
    fix: _Repair | None = None
    confidence: Confidence = "low"
    unread: Mapping[str, str] = Field(default_factory=dict)
    """Parts that are in no readable form, and what they must be."""

    @property
    def named(self) -> tuple[str, ...]:
        """Ids of the results that its evidence names."""
        return tuple(dict.fromkeys(call_id(quote.call_id) for quote in self.evidence))

    @property
    def where(self) -> str:
        """The component; a word for none is none, except where a fault must lie somewhere."""
        none = _NONE.match(self.component.strip().casefold())
        return "" if none and self.verdict != "fault" else self.component.strip()

    @property
    def paths(self) -> tuple[str, ...]:
        """The files that it speaks of, as it names them."""
        place = self.place
        changed = patches.changed_paths(self.fix.diff) if self.fix else ()
        return (*((place.path,) if place else ()), *changed)

    @property
    def place(self) -> places.Place | None:
        """The code location, its line also where it stands behind the path; none for such words."""
        given = self.code_location
        path = given.path.strip() if given else ""
        if given is None or not path or _NONE.match(path.casefold()):
            return None
        found = None if given.line else _WITH_LINE.match(path)
        path, line = (found[1], int(found[2])) if found else (path, given.line)
        return places.Place(path, line, given.function or None)


@dataclass(frozen=True)
class Checked:
    """A diagnosis with its evidence checked, and what is wrong with it, for the model."""

    diagnosis: Diagnosis
    problems: tuple[str, ...]


def submission(arguments: Mapping[str, JsonValue] | None) -> Submission | str:
    """What was submitted, or a sentence about all that is wrong with its form.

    That is what cannot be done without: a verdict and a summary.
    """
    if arguments is None:
        return "not accepted: the arguments must be a JSON object"
    form = forms.read(arguments)
    try:
        return Submission.model_validate(form.given | {"unread": dict(form.unread)})
    except ValidationError as error:
        wrong = {str(problem["loc"][0]) for problem in error.errors()}
    must = {
        "verdict": f"must be one of {', '.join(get_args(Verdict))}",
        "summary": "must be a text",
    }
    told = {part: must.get(part, "cannot be read") for part in sorted(wrong)} | form.unread
    return f"not accepted: {'; '.join(f'{part}: {why}' for part, why in told.items())}"


def checked(
    given: Submission, sources: Mapping[str, Source], *, model: str, known: Known | None = None
) -> Checked:
    """The diagnosis with its marks; see the module. The problems are for the model."""
    looked_at = [_check(quote, sources) for quote in given.evidence]
    evidence = tuple(found for found, _ in looked_at if _may_show(found))
    problems = [problem for _, problem in looked_at if problem]
    failed = dict(_failed(given, sources, known=known or Known()))
    told = {str(part): why for part, why in [*failed.items(), *given.unread.items()]}
    marked = {*told, "evidence"} if problems else {*told}
    unverified: list[Part] = [part for part in _MARKS if part in marked]
    problems += [f"{part.replace('_', ' ')}: {why}" for part, why in told.items()]
    verdict = given.verdict
    if verdict != "unknown" and not any(quote.verified for quote in evidence):
        problems.append(f"verdict: no quote shows {verdict!r}; quote what does")
        unverified, verdict = ["verdict", *unverified], "unknown"
    place, fix = given.place, given.fix
    diagnosis = Diagnosis(
        verdict=verdict,
        summary=given.summary,
        root_cause=given.root_cause,
        component=given.where,
        code_location=CodeLocation(path=place.path, line=place.line, function=place.function)
        if place
        else None,
        evidence=evidence,
        ruled_out=tuple(RuledOut(**item.model_dump()) for item in given.ruled_out),
        gaps=tuple(_gaps(given)),
        fix=Fix(**fix.model_dump()) if fix else None,
        confidence=capped(given.confidence, unverified),
        model=model,
        unverified=tuple(unverified),
    )
    return Checked(diagnosis, tuple(problems))


def capped(confidence: Confidence, unverified: Iterable[Part]) -> Confidence:
    """The confidence that is left when those parts failed."""
    failed = set(unverified)
    if failed & _LOW:
        return "low"
    return "medium" if failed and confidence == "high" else confidence


def unverified(text: str, *, model: str) -> Diagnosis:
    """What is kept of an investigation that ended in plain text: that text, and no claim."""
    return Diagnosis(verdict="unknown", summary=text, confidence="low", model=model)


def _gaps(given: Submission) -> Iterator[Gap]:
    """What the model could not see, and what of its diagnosis nobody could read."""
    yield from (Gap(**item.model_dump()) for item in given.gaps)
    for part in given.unread:
        if part not in _MARKS and part != "confidence":
            yield Gap(what=f"a part of the diagnosis was not readable: {part.replace('_', ' ')}")


def _failed(
    given: Submission, sources: Mapping[str, Source], *, known: Known
) -> Iterator[tuple[Part, str]]:
    """What fails besides quotes, and why."""
    if why := components.component_problem(given.where, sources, known=known):
        yield "component", why
    if given.place and (why := places.place_problem(given.place, sources, known=known)):
        yield "code_location", why
    diff = given.fix.diff if given.fix else ""
    if diff.strip() and (why := patches.problem_of(diff, places.files_read(sources))):
        yield "fix", f"the diff does not apply: {why}"


def _may_show(quote: Evidence) -> bool:
    """False of a verified quote that shows nothing; one that failed is told and counted."""
    return not quote.verified or quotes.shows_something(quote.quote)


def _check(given: _Quote, sources: Mapping[str, Source]) -> tuple[Evidence, str]:
    quote, named = given.quote.strip("\r\n"), origin(given.call_id, sources)
    source = sources.get(named)
    stands = quotes.standing(quote, source) if source else None
    problem = "" if stands else quotes.why_not(quote, source)
    evidence = Evidence(
        tool_call_id=ToolCallId(named),
        quote=stands[1] if stands else quote,
        verified=stands is not None,
        first_line=stands[0] if stands else None,
        tool=source.tool if source else "",
        problem=problem,
    )
    return evidence, f"{named}: {problem}" if problem else ""
