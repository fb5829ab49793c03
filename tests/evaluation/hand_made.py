"""Answers and expectations made by hand, for what grades and counts them."""

from bus.events import Confidence, Diagnosis, Evidence, Gap, ToolCallId, Verdict
from cli.evaluation.expectation import Expectation
from cli.evaluation.scorecard import Scored
from cli.evaluation.scoring import Answer, score

EXPECTED = Expectation(
    case="cart",
    origin="recorded",
    verdict="fault",
    all_words=("loafers", "RedisCartStore"),
    any_words=("exception", "throw"),
    must_not_claim=("Redis is down", "out of memory"),
)
HEALTHY = Expectation(
    case="calm",
    origin="recorded",
    verdict="healthy",
    all_words=("restart",),
    must_not_claim=("crash loop in progress",),
)
NOT_TO_BE_KNOWN = Expectation(
    case="denied",
    origin="scenario",
    verdict="unknown",
    all_words=("shippingservice",),
    gap_words=("pods/log",),
)
RIGHT = "RedisCartStore throws for loafers."


def diagnosed(
    root_cause: str = RIGHT,
    verdict: Verdict = "fault",
    *,
    confidence: Confidence = "high",
    summary: str = "Shoppers get 500.",
    gaps: tuple[str, ...] = (),
) -> Answer:
    """An answer with one true quote and one that is not."""
    evidence = tuple(
        Evidence(tool_call_id=ToolCallId("1-1"), quote="System.Exception", verified=verified)
        for verified in (True, False)
    )
    diagnosis = Diagnosis(
        verdict=verdict,
        summary=summary,
        root_cause=root_cause,
        confidence=confidence,
        evidence=evidence,
        gaps=tuple(Gap(what=gap) for gap in gaps),
    )
    outcome = "inconclusive" if verdict == "unknown" else "diagnosed"
    return Answer(
        outcome=outcome, diagnosis=diagnosis, turns=2, calls=3, cost_usd=0.25, seconds=4.0
    )


def scored(answer: Answer, expected: Expectation = EXPECTED, *, player: str = "m") -> Scored:
    """The answer with its grade."""
    return Scored(
        incident="eval-1",
        player=player,
        expected=expected,
        answer=answer,
        score=score(expected, answer),
    )
