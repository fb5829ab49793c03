"""The scorecard: how many of what, with how sure one can be, for each model and kind of case."""

import math
import statistics
from collections.abc import Callable, Iterable, Sequence

from bus.events import Value
from cli.evaluation.expectation import Expectation
from cli.evaluation.scoring import GRADES, Answer, Grade, Score

Z = 1.96
"""95 %."""


class Step(Value):
    """One thing the model did: what it said, or a call with what came back."""

    title: str
    text: str = ""


class Scored(Value):
    """One incident as it was played, answered and graded."""

    incident: str
    player: str
    """The model, or the scripted one's temper."""
    expected: Expectation
    answer: Answer
    score: Score
    steps: tuple[Step, ...] = ()


class Share(Value):
    """So many of so many, and between which shares the truth lies (Wilson, 95 %)."""

    count: int
    total: int
    low: float
    high: float

    def __str__(self) -> str:
        """For people."""
        if not self.total:
            return "none"
        percent = round(100 * self.count / self.total)
        return f"{self.count} of {self.total}, {percent} % ({self.low:.0%} to {self.high:.0%})"


class Card(Value):
    """All incidents of one player, or of one kind among them."""

    player: str
    incidents: int
    grades: dict[Grade, int]
    points: int
    right: Share
    false_confidence: Share
    verified: int
    quoted: int
    places_named: int
    places: int
    calls: int
    cost_usd: float | None
    seconds_median: float
    seconds_most: float

    @property
    def grades_text(self) -> str:
        """The grades in one line."""
        right, wrong, inconclusive, none = (self.grades[grade] for grade in GRADES)
        false = f" ({self.false_confidence.count} sure)" if wrong else ""
        return f"{right} right, {wrong} wrong{false}, {inconclusive} unknown, {none} none"


def share(count: int, total: int) -> Share:
    """The share with its Wilson interval; of nothing, everything is possible."""
    if not total:
        return Share(count=0, total=0, low=0.0, high=1.0)
    part, square = count / total, Z * Z / total
    middle = (part + square / 2) / (1 + square)
    half = Z * math.sqrt(part * (1 - part) / total + square / (4 * total)) / (1 + square)
    low, high = max(0.0, middle - half), min(1.0, middle + half)
    return Share(
        count=count,
        total=total,
        low=0.0 if count == 0 else low,
        high=1.0 if count == total else high,
    )


def card(player: str, scored: Sequence[Scored]) -> Card:
    """The sum of what one player did."""
    grades = {grade: sum(each.score.grade == grade for each in scored) for grade in GRADES}
    costs = [each.answer.cost_usd for each in scored]
    known = [cost for cost in costs if cost is not None]
    seconds = [each.answer.seconds for each in scored] or [0.0]
    places = [each.score.place_named for each in scored if each.score.place_named is not None]
    return Card(
        player=player,
        incidents=len(scored),
        grades=grades,
        points=sum(each.score.points for each in scored),
        right=share(grades["right"], len(scored)),
        false_confidence=share(sum(each.score.false_confidence for each in scored), len(scored)),
        verified=sum(each.answer.verified for each in scored),
        quoted=sum(each.answer.quoted for each in scored),
        places_named=sum(places),
        places=len(places),
        calls=sum(each.answer.calls for each in scored),
        cost_usd=sum(known) if len(known) == len(costs) else None,
        seconds_median=statistics.median(seconds),
        seconds_most=max(seconds),
    )


KINDS: dict[str, Callable[[Expectation], bool]] = {
    "red herrings": lambda expected: expected.red_herring,
    "healthy": lambda expected: expected.verdict == "healthy",
    "scenarios": lambda expected: expected.origin == "scenario",
    "recorded, Online Boutique": lambda expected: (
        expected.origin == "recorded" and expected.family == "online-boutique"
    ),
    "recorded, other": lambda expected: (
        expected.origin == "recorded" and expected.family != "online-boutique"
    ),
}
"""Kinds of cases that are counted apart; a case may be of several."""


def players_of(scored: Iterable[Scored]) -> list[str]:
    """Who played, in the order of the first incident each."""
    return list(dict.fromkeys(each.player for each in scored))


def of_kind(scored: Iterable[Scored], kind: str) -> list[Scored]:
    """The incidents of that kind."""
    return [each for each in scored if KINDS[kind](each.expected)]


def ranked(cards: Iterable[Card]) -> list[Card]:
    """The best first: by points for each incident, then fewer without an answer, then cheaper."""
    return sorted(
        cards,
        key=lambda each: (
            -each.points / max(each.incidents, 1),
            each.grades["no answer"],
            each.cost_usd or 0.0,
        ),
    )
