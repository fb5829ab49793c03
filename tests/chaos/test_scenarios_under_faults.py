"""Every scenario under every single fault of the model: an outcome, one message, no runaway.

One running stack plays the scenarios one after another; the faults of a scenario strike all at
once, each of them one incident. A fault that passes changes no outcome; one that stays ends the
investigation within its bounds, and under none is anything claimed that the scenario forbids.
"""

from collections.abc import Iterator

import pytest

from simulator.known_faults import KNOWN_FAULTS
from simulator.scenario import Scenario, load_scenario, scenario_names
from tests.chaos.met import KINDS, SETTINGS, Met, Seen, note, problems_with, seen_of
from tests.chaos.struck import FOR_GOOD, NEVER, Struck, ends, struck_stack
from tests.lane import Figures, Lane

pytestmark = [pytest.mark.xdist_group("chaos"), pytest.mark.timeout(900)]
AT_ONCE = 12
SAMPLE = 4


def drawn(lane: Lane) -> tuple[Met, ...]:
    """Every fault in every scenario, both ways; in the sample one fault in each of a few scenarios.

    The sample waits for no deadline: a fault that would stay until then passes there.
    """
    names, faults = scenario_names(), sorted(KNOWN_FAULTS["model"])
    if lane.full:
        return tuple(
            Met(name, "model", fault, kind) for name in names for fault in faults for kind in KINDS
        )
    chance = lane.random("scenarios under faults")
    found = []
    for name in chance.sample(names, SAMPLE):
        fault, kind = chance.choice(faults), chance.choice(KINDS)
        waits = NEVER.get(fault) == "timed_out"
        found.append(Met(name, "model", fault, "once" if waits else kind))
    return tuple(found)


@pytest.fixture(scope="module")
def seen(lane: Lane, figures: Figures) -> Iterator[Seen]:
    """Each incident meets its fault in the world of its scenario."""
    met = drawn(lane)
    strikes: dict[str, int] = {}
    stack = struck_stack(settings=SETTINGS, scenario=scenario_names()[0], model_seconds=0.02)
    with stack as struck:
        for name in dict.fromkeys(each.scenario for each in met):
            struck.show(name)
            scenario = load_scenario(name)
            for each in met:
                if each.scenario == name:
                    _strike(struck, each, scenario=scenario)
            struck.wait_for_ends()
            strikes |= struck.over()
        by_incident = {each: strikes[case] for each, case in struck.cases.items()}
        found = seen_of(struck, met, by_incident)
        note(found, figures, what="the model")
        yield found


def _strike(struck: Struck, each: Met, *, scenario: Scenario) -> None:
    struck.wait_for_ends(but=AT_ONCE)
    seconds = 60 if each.fault == "hang" else 1
    fault = {"stand_in": "model", "fault": each.fault, "seconds": seconds}
    struck.plan(fault | {"where": struck.next_case(), "times": each.times})
    struck.open(each.incident, service=scenario.service, symptom=scenario.symptom)


def test_every_end_and_every_card_came_in_time(seen: Seen) -> None:
    assert seen.struck.unmet == []


@pytest.mark.parametrize("name", scenario_names())
def test_scenario_ends_once_with_one_message_and_within_bounds_under_each_fault_of_the_model(
    seen: Seen, name: str
) -> None:
    scenario = load_scenario(name)
    if not seen.of(name):
        pytest.skip("not drawn for this sample")
    problems = {
        each.incident: problems_with(
            each, seen, scenario=scenario, wanted=_outcomes(each, scenario)
        )
        for each in seen.of(name)
    }
    assert {incident: said for incident, said in problems.items() if said} == {}


def _outcomes(each: Met, scenario: Scenario) -> list[str]:
    """The scenario's own, unless the model never does better than the fault."""
    expected = scenario.expected.outcome
    passes = each.kind == "once" and each.fault not in FOR_GOOD
    return [expected] if passes else ends(each.fault, expected)
