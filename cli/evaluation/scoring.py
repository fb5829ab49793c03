"""One answer against what was expected of it."""

from typing import Literal

from bus.events import Diagnosis, Value
from cli.evaluation.expectation import Expectation
from cli.evaluation.wording import claimed, mentions

Grade = Literal["right", "wrong", "inconclusive", "no answer"]
GRADES: tuple[Grade, ...] = ("right", "wrong", "inconclusive", "no answer")
POINTS: dict[Grade, int] = {"right": 1, "wrong": -1, "inconclusive": 0, "no answer": 0}
FALSE_CONFIDENCE = -2
"""Points of a wrong answer at high confidence: somebody acts on it at night."""


class Answer(Value):
    """How an investigation ended, as its record tells it; without an outcome it never did."""

    outcome: str = ""
    reason: str = ""
    diagnosis: Diagnosis | None = None
    turns: int = 0
    calls: int = 0
    cost_usd: float | None = 0.0
    """None where the model's price is unknown."""
    seconds: float = 0.0

    @property
    def verified(self) -> int:
        """How many of its quotes stand byte for byte in the results."""
        evidence = self.diagnosis.evidence if self.diagnosis else ()
        return sum(item.verified for item in evidence)

    @property
    def quoted(self) -> int:
        """How many quotes it gives."""
        return len(self.diagnosis.evidence) if self.diagnosis else 0


class Score(Value):
    """The grade, with what spoke against a better one."""

    grade: Grade
    false_confidence: bool = False
    """Wrong, and told with high confidence."""
    reasons: tuple[str, ...] = ()
    place_named: bool | None = None
    """Whether the code to be mended was named; None where no such place is known. No points."""

    @property
    def points(self) -> int:
        """What the grade is worth."""
        return FALSE_CONFIDENCE if self.false_confidence else POINTS[self.grade]

    @property
    def label(self) -> str:
        """The grade in words."""
        return "wrong, high confidence" if self.false_confidence else self.grade


def score(expected: Expectation, answer: Answer) -> Score:
    """The grade of an answer.

    Right: the expected verdict, with every word that must be there, and no claim that must not.
    Inconclusive: it says that it does not know. No answer: whatever ended without a diagnosis.
    """
    found = answer.diagnosis
    if not answer.outcome:
        return Score(grade="no answer", reasons=("it never ended",))
    if answer.outcome not in ("diagnosed", "inconclusive") or found is None:
        told = f"{answer.outcome}: {answer.reason}".rstrip(": ")
        return Score(grade="no answer", reasons=(told,))
    missing = _missing(expected, found)
    claims = _wrong_claims(expected, found)
    if found.verdict == "unknown":
        return _undecided(expected, found, missing=missing, claims=claims)
    reasons = [*missing, *claims]
    if found.verdict != expected.verdict:
        reasons.insert(0, f"the verdict is {found.verdict}, expected {expected.verdict}")
    return Score(
        grade="wrong" if reasons else "right",
        false_confidence=bool(reasons) and found.confidence == "high",
        reasons=tuple(reasons),
        place_named=_place_named(expected, found),
    )


def _undecided(
    expected: Expectation, found: Diagnosis, *, missing: list[str], claims: list[str]
) -> Score:
    """`unknown` is right only where nothing can be known, and the gap is named."""
    if expected.verdict != "unknown":
        return Score(grade="inconclusive", reasons=("it does not know", *claims))
    reasons = (*missing, *claims)
    return Score(grade="inconclusive" if reasons else "right", reasons=reasons)


def _told(found: Diagnosis) -> str:
    """The model's own words about the cause: no quotes, and nothing of what it ruled out."""
    place, fix = found.code_location, found.fix
    parts = [found.summary, found.root_cause, found.component]
    parts += [place.path, place.function or ""] if place else []
    parts += [fix.summary] if fix else []
    return "\n".join(parts)


def _missing(expected: Expectation, found: Diagnosis) -> list[str]:
    told = _told(found)
    reasons = [
        f"does not speak of {word!r}" for word in expected.all_words if not mentions(told, word)
    ]
    if expected.any_words and not any(mentions(told, word) for word in expected.any_words):
        reasons.append(f"speaks of none of {', '.join(map(repr, expected.any_words))}")
    gaps = "\n".join(f"{gap.what} {gap.permission}" for gap in found.gaps)
    unnamed = [word for word in expected.gap_words if not mentions(gaps, word)]
    return reasons + [f"names no gap with {word!r}" for word in unnamed]


def _wrong_claims(expected: Expectation, found: Diagnosis) -> list[str]:
    told = (found.summary, found.root_cause, found.component)
    hits = {
        claim: clause
        for claim in expected.must_not_claim
        for text in told
        if (clause := claimed(text, claim))
    }
    return [f"claims {claim!r}: “{clause}”" for claim, clause in hits.items()]


def _place_named(expected: Expectation, found: Diagnosis) -> bool | None:
    if not expected.place:
        return None
    return found.code_location is not None and found.code_location.path.endswith(expected.place)
