"""Against a stored baseline: what became better, what worse, case by case."""

import json
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path
from statistics import fmean

from pydantic import Field, ValidationError

from bus.events import Value
from cli.evaluation.scorecard import Scored, players_of
from cli.evaluation.scoring import FALSE_CONFIDENCE, POINTS

SHIPPED = Path(__file__).parent / "baseline.json"
FORMAT = 1
NOISE = 1e-9
_POINTS: dict[str, int] = {
    "wrong, high confidence": FALSE_CONFIDENCE,
    **{str(grade): points for grade, points in POINTS.items()},
}


class BaselineError(Exception):
    """A baseline file that cannot be used; the text says why."""


class Baseline(Value):
    """Labels of every run of every case, by player."""

    format: int = Field(ge=FORMAT, le=FORMAT)
    players: dict[str, dict[str, tuple[str, ...]]]


class Change(Value):
    """One case that ended otherwise than in the baseline."""

    case: str
    before: tuple[str, ...]
    now: tuple[str, ...]
    points: float
    """How many more points, on average over its runs."""


class Comparison(Value):
    """One player against the baseline, over the cases that both have."""

    player: str
    known: bool
    shared: int = 0
    new: int = 0
    points: float = 0.0
    changes: tuple[Change, ...] = ()

    @property
    def worse(self) -> bool:
        """Fewer points over the shared cases."""
        return self.points < -NOISE


def baseline_of(scored: Sequence[Scored]) -> Baseline:
    """What may be stored."""
    players: dict[str, dict[str, tuple[str, ...]]] = defaultdict(dict)
    for each in sorted(scored, key=lambda one: (one.player, one.expected.case)):
        labels = players[each.player].get(each.expected.case, ())
        players[each.player][each.expected.case] = tuple(sorted((*labels, each.score.label)))
    return Baseline(format=FORMAT, players=dict(players))


def load(file: Path) -> Baseline:
    """The stored baseline. Raises BaselineError with one sentence."""
    try:
        found = Baseline.model_validate(json.loads(file.read_text(encoding="utf-8")))
    except OSError as error:
        raise BaselineError(f"{file}: cannot be read ({error.strerror})") from None
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"]) or "the file"
        raise BaselineError(f"{file}: {where}: {first['msg']}") from None
    except ValueError as error:
        raise BaselineError(f"{file}: is not JSON: {error}") from None
    labels = (labels for cases in found.players.values() for labels in cases.values())
    odd = {label for each in labels for label in each} - set(_POINTS)
    if odd:
        raise BaselineError(f"{file}: these grades are not known: {', '.join(sorted(odd))}")
    return found


def save(file: Path, scored: Sequence[Scored]) -> None:
    """The file holds what was scored, in an order that makes differences readable."""
    text = json.dumps(baseline_of(scored).model_dump(mode="json"), indent=1, sort_keys=True)
    file.write_text(text + "\n", encoding="utf-8")


def compare(before: Baseline, scored: Sequence[Scored]) -> list[Comparison]:
    """Every player of now against the baseline."""
    now = baseline_of(scored).players
    return [_compare(player, before, now=now[player]) for player in players_of(scored)]


def lines(comparisons: Sequence[Comparison]) -> list[str]:
    """For people."""
    told = []
    for each in comparisons:
        if not each.known:
            told.append(f"baseline: {each.player} is not in it")
            continue
        new = f", {each.new} cases are not in it" if each.new else ""
        sign = "as before" if abs(each.points) <= NOISE else f"{each.points:+.2f} points"
        told.append(f"baseline: {each.player}: {sign} over {each.shared} cases{new}")
        for change in each.changes:
            was, is_now = " / ".join(change.before), " / ".join(change.now)
            told.append(f"  {change.case}: was {was}, is {is_now} ({change.points:+.2f})")
    return told


def _compare(player: str, before: Baseline, *, now: dict[str, tuple[str, ...]]) -> Comparison:
    if player not in before.players:
        return Comparison(player=player, known=False, new=len(now))
    stored = before.players[player]
    shared = [case for case in now if stored.get(case)]
    changes = [
        Change(
            case=case,
            before=stored[case],
            now=now[case],
            points=_mean(now[case]) - _mean(stored[case]),
        )
        for case in shared
        if set(now[case]) != set(stored[case])
    ]
    return Comparison(
        player=player,
        known=True,
        shared=len(shared),
        new=len(now) - len(shared),
        points=sum(_mean(now[case]) - _mean(stored[case]) for case in shared),
        changes=tuple(changes),
    )


def _mean(labels: tuple[str, ...]) -> float:
    return fmean(_POINTS[label] for label in labels)
