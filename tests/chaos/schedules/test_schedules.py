"""Any order of steps, deaths, doubles and delays leads every investigation to exactly one end.

The services' own coroutines run over a real Redis. Between any two commands hypothesis decides who
goes on, who dies, which connection breaks, and what comes twice. A failure prints the steps; the
seed at the end of the run draws the same schedules again. What these schedules would not see, they
do not prove; so the same ones run against services with one guard taken out each, and must fail.
"""

import logging
import time
from collections.abc import Iterator

import pytest

from tests.chaos.schedules.cast import Stage
from tests.chaos.schedules.drawing import run_schedules
from tests.chaos.schedules.faults import FAULTS
from tests.chaos.schedules.survey import Violation
from tests.lane import Figures, Lane

PARTS = 4
"""The full lane's schedules run in so many parts, side by side where there are workers."""
PATIENCE = 1_000
"""Most schedules within which a fault has to show."""


@pytest.fixture(scope="module")
def stage(redis_url: str) -> Iterator[Stage]:
    """The things of many schedules; what the services log of broken connections is no news here."""
    loud = {name: logging.getLogger(name) for name in ("bus", "services")}
    levels = {name: logger.level for name, logger in loud.items()}
    for logger in loud.values():
        logger.setLevel(logging.CRITICAL)
    made = Stage.over(redis_url)
    yield made
    made.strike()
    for name, logger in loud.items():
        logger.setLevel(levels[name])


@pytest.mark.timeout(900)
@pytest.mark.parametrize("part", range(PARTS))
def test_every_schedule_leads_to_one_end_and_leaves_nothing_undone(
    stage: Stage, lane: Lane, figures: Figures, part: int
) -> None:
    count = lane.pick(200, 10_000) // PARTS
    numbers = lane.random(f"schedules, part {part}")
    began, done = time.monotonic(), 0
    while done < count:
        # hypothesis plays more schedules than it is asked for
        asked = max(10, (count - done) * 2 // 3)
        done += run_schedules(stage, asked, number=numbers.randrange(2**32)).schedules
    rate = done / (time.monotonic() - began)
    where = f"part {part + 1} of {PARTS}"
    figures.add("R20", f"violations in {done} schedules ({where})", 0, "0")
    figures.add("R20", f"schedules per second ({where})", rate)


@pytest.mark.timeout(300)
@pytest.mark.parametrize("fault", FAULTS)
def test_a_guard_that_is_taken_out_is_missed(
    stage: Stage, lane: Lane, figures: Figures, fault: str
) -> None:
    after = []
    for at in range(lane.pick(1, 3)):
        number = lane.random(f"{fault}, {at}").randrange(2**32)
        with pytest.raises(Violation) as caught:
            run_schedules(stage, PATIENCE, number=number, parts=FAULTS[fault])
        after.append(caught.value.schedules)
    shown = ", ".join(map(str, after))
    figures.add("R20", f"schedules until it is seen: {fault}", shown, f"at most {PATIENCE}")
