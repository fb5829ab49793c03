"""Models that do not stop by themselves are stopped, every time, for no more than was allowed.

Full lane: `pytest tests/reasoner/test_limits_hold.py --full`. Its figures are in docs/limits.md.
"""

from collections import Counter, defaultdict
from collections.abc import Sequence
from pathlib import Path
from random import Random
from typing import Any

import pytest

from bus.connection import as_text
from simulator.model.unruly import KINDS, Kind
from tests.lane import Figures, Lane
from tests.reasoner.conftest import MakeLoop
from tests.reasoner.unruly_runs import unruly_loop

TURNS: dict[Kind, int] = {"looping": 6, "alternating": 7, "failing": 6, "repeating": 5}
"""Of models that go in circles: three or four turns, one with the nudge, the conclude turn and,
where it brings another call, its repeat."""
TIGHT = ("turns", "tool calls", "dollars", "tokens")


def tight(which: str, draw: Random) -> dict[str, Any]:
    """Limits of which one is reached long before the others."""
    limits: dict[str, dict[str, Any]] = {
        "turns": {"max_turns": draw.randint(5, 9)},
        "tool calls": {"max_tool_calls": draw.randint(5, 20), "max_turns": 30},
        "dollars": {
            "max_cost_usd": draw.uniform(0.6, 0.8),
            "max_turns": 30,
            "max_tool_calls": 200,
            "thinks": 24_000,
        },
        "tokens": {
            "max_tokens": draw.randint(100_000, 200_000),
            "max_turns": 30,
            "max_tool_calls": 200,
            "answer_lines": 300,
        },
    }
    return limits[which] | {"max_parallel_calls": draw.randint(2, 8)}


@pytest.mark.timeout(1200)
async def test_models_that_do_not_stop_are_stopped_for_no_more_than_was_allowed(
    make_loop: MakeLoop, *, tmp_path: Path, lane: Lane, figures: Figures
) -> None:
    draw = lane.random("unruly")
    sample: list[tuple[str, Sequence[Kind]]] = [("turns", KINDS), ("dollars", ("ignoring",))]
    full: list[tuple[str, Sequence[Kind]]] = [(which, KINDS * 5) for which in TIGHT * 5]
    groups = lane.pick(sample, full)
    flood = {"max_reply_tokens": 12_000, "flood": lane.pick(30, 1_000)}
    held: Counter[Kind] = Counter()
    dearest: dict[Kind, float] = defaultdict(float)
    whys: dict[Kind, set[str]] = defaultdict(set)
    for which, kinds in groups:
        settings = flood | tight(which, draw)
        cast = await unruly_loop(make_loop, folder=tmp_path, draw=draw, settings=settings)
        ran = await cast.investigate(*kinds)
        await cast.loop.stop()
        assert ran.over() == []
        for case, kind in ran.kinds.items():
            held[kind] += 1
            dearest[kind] = max(dearest[kind], ran.bills[case].usd)
            whys[kind].add(ran.records[case].concluding)
    for kind in KINDS:
        what = f"{kind}: stopped by {', '.join(sorted(whys[kind])) or 'itself'}"
        figures.add("T13", what, held[kind], lane.pick("", 100))
        figures.add("T13", f"{kind}: dearest incident, USD", f"{dearest[kind]:.3f}")
        assert held[kind] == lane.pick(held[kind], 100)
        assert whys[kind] <= reasons(kind), kind


def reasons(kind: Kind) -> set[str]:
    """Why a model of that kind may have to conclude; one that says nothing is just ended."""
    if kind in ("silent", "talking"):
        return {""}
    return {"turns", "tool calls", "dollars", "tokens"} | (
        {"going in circles"} if kind in TURNS else set()
    )


@pytest.mark.timeout(60)
async def test_a_model_that_goes_in_circles_is_told_once_and_then_concludes(
    make_loop: MakeLoop, *, tmp_path: Path, lane: Lane
) -> None:
    draw = lane.random("circles")
    cast = await unruly_loop(make_loop, folder=tmp_path, draw=draw, settings={})
    ran = await cast.investigate(*TURNS)
    assert ran.over() == []
    for case, kind in ran.kinds.items():
        record = ran.records[case]
        assert (record.outcome, record.concluding) == ("inconclusive", "going in circles")
        assert "concluded early, going in circles: " in record.reason
        assert (kind, len(ran.bills[case].turns)) == (kind, TURNS[kind])


@pytest.mark.timeout(1200)
async def test_two_replicas_that_race_for_the_day_spend_no_more_than_the_day_has(
    make_loop: MakeLoop, *, tmp_path: Path, lane: Lane, figures: Figures
) -> None:
    racing, day_usd = lane.pick((12, 0.6), (20, 1.0))
    settings = {
        "max_day_cost_usd": day_usd,
        "replicas": 2,
        "thinks": 24_000,
        "seconds_per_reply": 0.02,
    }
    draw = lane.random("day budget")
    cast = await unruly_loop(make_loop, folder=tmp_path, draw=draw, settings=settings)
    redis, prefix = cast.loop.bus.redis, cast.loop.bus.keys.prefix
    rounds, most = lane.pick(1, 100), 0.0
    kind: Kind = "ignoring"
    for _ in range(rounds):
        ran = await cast.investigate(*[kind] * racing)
        assert ran.over() == []
        assert ran.usd <= day_usd
        most = max(most, ran.usd)
        (key,) = [key async for key in redis.scan_iter(f"{prefix}spend:*")]
        noted = {as_text(name): float(usd) for name, usd in (await redis.hgetall(key)).items()}
        assert noted == {"spent": pytest.approx(ran.usd)}
        assert {record.outcome for record in ran.records.values()} == {"out_of_budget"}
        await redis.delete(key)
    raced = f"day budget, {racing} incidents on two replicas: held"
    figures.add("T13", raced, f"{rounds} of {rounds}", rounds)
    figures.add("T13", "day budget: dearest day, USD", f"{most:.3f}", f"{day_usd:.3f}")
