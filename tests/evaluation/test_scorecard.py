"""Counting, intervals, order, and the baseline."""

import json
from pathlib import Path

import pytest

from cli.evaluation import printed
from cli.evaluation.baseline import SHIPPED, BaselineError, baseline_of, compare, lines, load, save
from cli.evaluation.outcome import Evaluation, Unread
from cli.evaluation.scorecard import card, of_kind, ranked, share
from cli.evaluation.scoring import Answer
from tests.evaluation.hand_made import EXPECTED, HEALTHY, diagnosed, scored

WRONG = diagnosed("Redis is down.")
UNKNOWN = diagnosed("", "unknown", confidence="low")
HERRING = EXPECTED.model_copy(update={"red_herring": True, "family": "online-boutique"})


@pytest.mark.parametrize(
    ("count", "total", "low", "high"),
    [(0, 0, 0.0, 1.0), (0, 10, 0.0, 0.278), (10, 10, 0.722, 1.0), (5, 10, 0.237, 0.763)],
)
def test_share_has_the_wilson_interval(count: int, total: int, low: float, high: float) -> None:
    found = share(count, total)
    assert found.low == pytest.approx(low, abs=1e-3)
    assert found.high == pytest.approx(high, abs=1e-3)


def test_card_counts_each_grade_once() -> None:
    doubtful = diagnosed("The node was slow.", confidence="low")
    found = card("m", [scored(one) for one in (diagnosed(), WRONG, doubtful, UNKNOWN, Answer())])
    assert found.grades == {"right": 1, "wrong": 2, "inconclusive": 1, "no answer": 1}
    assert (found.false_confidence.count, found.points) == (1, -2)
    assert (found.verified, found.quoted, found.calls) == (4, 8, 12)
    assert found.cost_usd == pytest.approx(1.0)


def test_one_unknown_price_makes_the_sum_unknown() -> None:
    free = diagnosed().model_copy(update={"cost_usd": None})
    found = card("m", [scored(diagnosed()), scored(free)])
    assert found.cost_usd is None
    assert printed.dollars(found.cost_usd) == "unknown"


def test_red_herrings_and_healthy_cases_are_counted_apart() -> None:
    calm = scored(diagnosed("One restart.", "healthy"), HEALTHY)
    everything = [calm, scored(diagnosed(), HERRING), scored(WRONG)]
    assert of_kind(everything, "healthy") == [calm]
    assert of_kind(everything, "red herrings") == [everything[1]]
    assert of_kind(everything, "recorded, Online Boutique") == [everything[1]]


def test_right_ranks_before_lazy_and_lazy_before_confidently_wrong() -> None:
    cards = [
        card("confidently wrong", [scored(WRONG)]),
        card("lazy", [scored(UNKNOWN)]),
        card("silent", [scored(Answer())]),
        card("right", [scored(diagnosed())]),
    ]
    order = [each.player for each in ranked(cards)]
    assert order == ["right", "lazy", "silent", "confidently wrong"]


def test_text_fits_eighty_columns_and_ends_with_the_order() -> None:
    everything = [scored(diagnosed(), HERRING, player="a"), scored(WRONG, HERRING, player="b")]
    text = list(printed.lines(everything))
    assert [line for line in text if len(line) > 80] == []
    assert text[-1] == "order: a (+1), b (-2)"


def test_difference_to_the_baseline_is_shown_case_by_case(tmp_path: Path) -> None:
    file = tmp_path / "baseline.json"
    save(file, [scored(diagnosed()), scored(diagnosed("One restart.", "healthy"), HEALTHY)])
    fresh = HERRING.model_copy(update={"case": "new"})
    (now,) = compare(load(file), [scored(WRONG), scored(diagnosed(), fresh)])
    assert (now.shared, now.new, now.points, now.worse) == (1, 1, -3.0, True)
    assert any("cart: was right, is wrong, high confidence (-3.00)" in one for one in lines([now]))


def test_better_and_unknown_players_are_not_worse() -> None:
    before = baseline_of([scored(UNKNOWN)])
    (better,) = compare(before, [scored(diagnosed())])
    assert (better.points, better.worse) == (1.0, False)
    (other,) = compare(before, [scored(WRONG, player="another model")])
    assert (other.known, other.worse) == (False, False)


def test_repeats_are_compared_by_their_mean() -> None:
    before = baseline_of([scored(diagnosed()), scored(UNKNOWN)])
    (now,) = compare(before, [scored(diagnosed())])
    assert now.points == pytest.approx(0.5)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("{", "is not JSON"),
        ("[]", "the file"),
        ('{"format": 2, "players": {}}', "format"),
        ('{"format": 1, "players": {"m": {"c": ["splendid"]}}}', "splendid"),
    ],
)
def test_broken_baseline_is_refused_with_a_sentence(text: str, words: str, tmp_path: Path) -> None:
    file = tmp_path / "baseline.json"
    file.write_text(text, encoding="utf-8")
    with pytest.raises(BaselineError, match=words):
        load(file)


def test_missing_baseline_is_refused_with_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(BaselineError, match="cannot be read"):
        load(tmp_path / "none.json")


def test_shipped_baseline_says_of_every_script_what_it_must_do() -> None:
    players = load(SHIPPED).players
    said = {
        name: {label for labels in cases.values() for label in labels}
        for name, cases in players.items()
    }
    assert said == {
        "right": {"right"},
        "lazy": {"inconclusive"},
        "confidently wrong": {"wrong, high confidence"},
    }


def test_exit_code_tells_worse_from_incomplete_from_interrupted() -> None:
    fine = Evaluation(seed=1, scripted=False, scored=(scored(diagnosed()),))
    assert fine.exit_code == 0
    unread = (Unread(case="x", sentence="x/expected.json: is missing"),)
    assert fine.model_copy(update={"unread": unread}).exit_code == 3
    assert fine.model_copy(update={"left_out": {"y (m)": "budget"}}).exit_code == 3
    worse = tuple(compare(baseline_of([scored(diagnosed())]), [scored(WRONG)]))
    assert fine.model_copy(update={"comparisons": worse, "unread": unread}).exit_code == 1
    assert fine.model_copy(update={"comparisons": worse, "interrupted": True}).exit_code == 130
    assert json.loads(json.dumps(fine.described()))["order"] == ["m"]


def test_scripted_models_in_another_order_are_an_error() -> None:
    tempers = {"right": WRONG, "lazy": UNKNOWN, "confidently wrong": diagnosed()}
    swapped = tuple(scored(answer, player=player) for player, answer in tempers.items())
    found = Evaluation(seed=1, scripted=True, scored=swapped)
    assert "must rank right, lazy, confidently wrong" in found.misranked
    assert found.exit_code == 1
