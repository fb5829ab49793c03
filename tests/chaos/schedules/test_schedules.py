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

from bus.dead_letter import MAX_DELIVERIES
from bus.events import IncidentOpened
from tests.chaos.schedules.cast import Parts, Stage
from tests.chaos.schedules.drawing import run_schedules
from tests.chaos.schedules.faults import FAULTS
from tests.chaos.schedules.play import DUE, OPENED
from tests.chaos.schedules.survey import Violation
from tests.chaos.schedules.world import World
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


def test_a_last_chance_comes_to_its_end_though_its_process_does_something_else(
    stage: Stage,
) -> None:
    world = World(stage, Parts())
    here, there, _ = world.of("reasoner")
    for inv in ("inc-1", "inc-2"):
        world.survey.investigations.append(inv)
        world.publish(IncidentOpened(service="cartservice", summary="HTTP 500", incident_id=inv))
        world.run(world.finish(world.run(world.deliver(OPENED, here))))
    beside = world.run(world.deliver(DUE, there))
    world.run(world.to_the_brink(beside))
    task = world.run(world.deliver(DUE, here))
    for deliveries in range(2, MAX_DELIVERIES + 1):
        world.kill(next(process for process in world.processes if process.name == task.owner))
        (held,) = [pending for pending in world.pending() if pending.place == task.holds]
        last = deliveries == MAX_DELIVERIES
        task = world.run(world.take_over(held, there if last else world.processes[-1]))
        world.run(world.step(task))
    world.run(world.finish(task))
    assert task.done
    assert beside.done
    world.run(world.end("all die"))
    world.clear()
