"""The size of a run, its seed, and the figures that it prints.

`pytest --full --seed 7` is the full lane; without `--full` a test runs its sample. The seed of a
run is printed at its end, and the same seed draws the same faults.
"""

import random
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import TypeVar

T = TypeVar("T")


@dataclass(frozen=True)
class Lane:
    """Which size runs, and from which seed everything random in it is drawn."""

    full: bool
    seed: int

    def pick(self, sample: T, full: T) -> T:
        """The value for this size."""
        return full if self.full else sample

    def random(self, name: str) -> random.Random:
        """Random numbers of one test: a function of the run's seed and that name."""
        return random.Random(f"{self.seed}:{name}")


@dataclass(frozen=True)
class Figure:
    """One measured figure: which promise, what was counted, the value, and what was asked for."""

    promise: str
    what: str
    value: str
    wanted: str = ""


@dataclass
class Figures:
    """The figures of one process, printed as a table at the end of the run."""

    rows: list[Figure] = field(default_factory=list)

    def add(self, promise: str, what: str, value: object, wanted: object = "") -> None:
        """Note a figure; it is printed whether or not the test goes on to pass."""
        shown = f"{value:.2f}" if isinstance(value, float) else str(value)
        self.rows.append(Figure(promise, what, shown, str(wanted)))


def table(rows: Iterable[Figure]) -> list[str]:
    """The figures as lines of a Markdown table, ordered by promise."""
    ordered = sorted(rows, key=lambda row: (_number(row.promise), row.promise, row.what))
    lines = [f"| {row.promise} | {row.what} | {row.value} | {row.wanted} |" for row in ordered]
    return ["| promise | figure | measured | wanted |", "|---|---|---|---|", *lines]


def _number(promise: str) -> int:
    digits = "".join(letter for letter in promise.split(",")[0] if letter.isdigit())
    return int(digits) if digits else 999
