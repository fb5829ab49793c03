"""Each grade once, and the edges between them."""

import pytest

from bus.events import Verdict
from cli.evaluation.expectation import Expectation
from cli.evaluation.scoring import Answer, score
from tests.evaluation.hand_made import EXPECTED, HEALTHY, NOT_TO_BE_KNOWN, diagnosed


def test_expected_cause_without_a_wrong_claim_is_right() -> None:
    found = score(EXPECTED, diagnosed())
    assert (found.grade, found.points, found.reasons) == ("right", 1, ())
    assert not found.false_confidence


def test_another_cause_at_high_confidence_is_false_confidence() -> None:
    found = score(EXPECTED, diagnosed("Redis is down."))
    assert (found.label, found.points) == ("wrong, high confidence", -2)
    assert any("claims 'Redis is down'" in reason for reason in found.reasons)


def test_another_cause_with_doubt_is_only_wrong() -> None:
    found = score(EXPECTED, diagnosed("The node was slow.", confidence="medium"))
    assert (found.label, found.points) == ("wrong", -1)


def test_right_words_with_a_claim_that_must_not_be_made_are_wrong() -> None:
    text = "RedisCartStore throws for loafers, and the pod is out of memory."
    assert score(EXPECTED, diagnosed(text)).grade == "wrong"


def test_denied_claim_does_no_harm() -> None:
    text = "RedisCartStore throws for loafers; there is no sign that Redis is down."
    assert score(EXPECTED, diagnosed(text)).grade == "right"


@pytest.mark.parametrize(
    ("text", "missing"),
    [
        ("RedisCartStore throws.", "'loafers'"),
        ("Loafers, in RedisCartStore.", "none of 'exception', 'throw'"),
        ("XRedisCartStores are overthrown by loafers", "'RedisCartStore'"),
    ],
)
def test_every_keyword_and_one_of_the_alternatives_must_be_there(text: str, missing: str) -> None:
    found = score(EXPECTED, diagnosed(text))
    assert found.grade == "wrong"
    assert any(missing in reason for reason in found.reasons)


def test_keyword_in_a_quote_alone_is_not_enough() -> None:
    expected = EXPECTED.model_copy(update={"all_words": ("System.Exception",), "any_words": ()})
    assert score(expected, diagnosed("Something.")).grade == "wrong"


def test_honest_inconclusive_is_neither_right_nor_wrong() -> None:
    found = score(EXPECTED, diagnosed("", "unknown", confidence="low"))
    assert (found.grade, found.points) == ("inconclusive", 0)


def test_unknown_at_high_confidence_is_no_false_confidence() -> None:
    found = score(EXPECTED, diagnosed("Redis is down?", "unknown", confidence="high"))
    assert (found.grade, found.false_confidence) == ("inconclusive", False)


def test_healthy_that_is_healthy_is_right() -> None:
    assert score(HEALTHY, diagnosed("One old restart.", "healthy")).grade == "right"


@pytest.mark.parametrize(
    ("expected", "verdict"), [(HEALTHY, "fault"), (EXPECTED, "healthy"), (NOT_TO_BE_KNOWN, "fault")]
)
def test_other_verdict_is_wrong_whatever_the_words(expected: Expectation, verdict: Verdict) -> None:
    text = "RedisCartStore throws for loafers after a restart of shippingservice."
    found = score(expected, diagnosed(text, verdict, gaps=("pods/log",)))
    assert found.label == "wrong, high confidence"
    assert found.reasons[0].startswith("the verdict is")


def test_unknown_is_right_where_nothing_can_be_known_and_the_gap_is_named() -> None:
    text = "shippingservice fails, the cause cannot be seen"
    named = diagnosed(text, "unknown", gaps=("logs: pods/log is forbidden",))
    assert score(NOT_TO_BE_KNOWN, named).grade == "right"
    assert score(NOT_TO_BE_KNOWN, diagnosed(text, "unknown")).grade == "inconclusive"


@pytest.mark.parametrize(
    "outcome", ["timed_out", "out_of_budget", "failed", "cancelled", "recovered"]
)
def test_outcome_without_a_diagnosis_is_no_answer(outcome: str) -> None:
    found = score(EXPECTED, Answer(outcome=outcome, reason="because"))
    assert (found.grade, found.points) == ("no answer", 0)
    assert found.reasons == (f"{outcome}: because",)


def test_no_outcome_at_all_is_no_answer() -> None:
    assert score(EXPECTED, Answer()).grade == "no answer"


def test_inconclusive_without_a_diagnosis_is_no_answer() -> None:
    assert score(EXPECTED, Answer(outcome="inconclusive")).grade == "no answer"


def test_evidence_is_counted_as_it_was_checked() -> None:
    answer = diagnosed()
    assert (answer.verified, answer.quoted) == (1, 2)
