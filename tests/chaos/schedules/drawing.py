"""Drawing schedules with hypothesis, from one number, and counting them."""

from dataclasses import dataclass

from hypothesis import HealthCheck, Phase, Verbosity, seed, settings
from hypothesis.stateful import run_state_machine_as_test

from tests.chaos.schedules.cast import Parts, Stage
from tests.chaos.schedules.machine import STEPS, Schedules
from tests.chaos.schedules.survey import Violation

CHOSEN = settings(
    stateful_step_count=STEPS,
    phases=[Phase.generate],
    database=None,
    deadline=None,
    report_multiple_bugs=False,
    print_blob=False,
    suppress_health_check=list(HealthCheck),
    verbosity=Verbosity.quiet,
)


@dataclass
class Count:
    """How many schedules were begun."""

    schedules: int = 0


def run_schedules(stage: Stage, count: int, *, number: int, parts: Parts | None = None) -> Count:
    """Run so many schedules from that seed. Raises Violation at the first that shows a fault."""
    counted = Count()

    class Chosen(Schedules):
        def __init__(self) -> None:
            counted.schedules += 1
            super().__init__(stage, parts or Parts())

    try:
        run_state_machine_as_test(
            seed(number)(Chosen), settings=settings(CHOSEN, max_examples=count)
        )
    except Violation as found:
        # hypothesis plays the schedule once more, to see the same again
        raise Violation(str(found), schedules=counted.schedules - 1) from None
    return counted
