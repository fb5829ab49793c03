"""Named crash points: every operation of one incident that may change something, on three sides.

A point is found by a dry run: which service does what, for which tool call, and how often. Reads,
polls and lease renewals are no points; every script that writes, every acknowledgement, model
call, tool call, Slack call and SQS delete is.
"""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from tests.chaos.proxy.passage import PHASES, Passage, Phase

Way = Literal["SIGKILL", "SIGSTOP"]
WAYS: tuple[Way, ...] = ("SIGKILL", "SIGSTOP")
Kind = tuple[str, str, str]
_POINTS = (
    *("commit: ", "redis xack", "model call", "tool call", "sqs DeleteMessage"),
    *("slack c", "slack files.", "slack upload"),
)
_OF_A_CALL = ("commit: start_call", "commit: store_result", "tool call")


@dataclass(frozen=True, order=True)
class Point:
    """An operation of a service, and which of its occurrences in one incident."""

    service: str
    operation: str
    call: str
    occurrence: int
    by_alarm: bool = False
    """Only an incident that came as an alarm passes it."""

    @property
    def kind(self) -> Kind:
        """What all its occurrences have in common."""
        return (self.service, self.operation, self.call)

    def __str__(self) -> str:
        call = f" {self.call}" if self.call else ""
        return f"{self.service}, {self.operation}{call} #{self.occurrence}"


@dataclass(frozen=True, order=True)
class Case:
    """A point, the side of it on which the process is struck, and how."""

    point: Point
    phase: Phase
    way: Way

    def __str__(self) -> str:
        return f"{self.point}, {self.phase}, {self.way}"


def kind_of(passage: Passage) -> Kind | None:
    """Which kind of point that passage is, or None where it is none."""
    operation = passage.operation
    if operation.startswith("commit: ") and not passage.incident:
        return None
    if not operation.startswith(_POINTS) or passage.answer.startswith("NOSCRIPT"):
        return None
    call = passage.call if operation.startswith(_OF_A_CALL) else ""
    return (passage.service, operation, call)


def points_of(runs: Iterable[Iterable[Passage]], *, by_alarm: bool = False) -> list[Point]:
    """The points that every dry run passed; results race, so runs differ a little."""
    counts = [Counter(filter(None, map(kind_of, run))) for run in runs]
    common = counts[0]
    for other in counts[1:]:
        common &= other
    numbered = ((kind, number + 1) for kind, n in common.items() for number in range(n))
    return sorted(Point(*kind, number, by_alarm) for kind, number in numbered)


def cases_of(points: Iterable[Point]) -> list[Case]:
    """Every point on every side in every way."""
    return [Case(point, phase, way) for point in points for phase in PHASES for way in WAYS]
