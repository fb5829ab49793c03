"""Every scenario under every single fault of the model: an outcome, one message, no runaway.

One running stack plays the scenarios one after another; the faults of a scenario strike all at
once, each of them one incident. A fault that passes changes no outcome; one that stays ends the
investigation within its bounds, and under none is anything claimed that the scenario forbids.
"""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Literal

import pytest

from services.reasoner.budget import calls_sent
from simulator.known_faults import KNOWN_FAULTS
from simulator.scenario import Scenario, load_scenario, scenario_names
from simulator.slack import render_message
from tests.chaos.struck import (
    FOR_GOOD,
    LAST_WORDS,
    MAX_COST_USD,
    MAX_REQUESTS,
    NEVER,
    Struck,
    final,
    struck_stack,
    wrong,
)
from tests.lane import Figures, Lane

pytestmark = [pytest.mark.xdist_group("chaos"), pytest.mark.timeout(900)]
MAX_TURNS = 7
MAX_TOOL_CALLS = 16
SETTINGS = {
    "NIGHTSHIFT_MAX_TURNS": str(MAX_TURNS),
    "NIGHTSHIFT_MAX_TOOL_CALLS": str(MAX_TOOL_CALLS),
    "NIGHTSHIFT_MAX_DAY_COST_USD": "10000",
}
"""Room for the longest script, one turn more for what a fault costs, and no more."""
MOST_COST_USD = 1.5 * MAX_COST_USD
"""Five long results at once make the last words dearer than what was held back for them."""
AT_ONCE = 12
Kind = Literal["once", "always"]
KINDS: tuple[Kind, ...] = ("once", "always")


@dataclass(frozen=True)
class Met:
    """An incident of a scenario and the one fault that it meets: in its first call, or in all."""

    scenario: str
    fault: str
    kind: Kind

    @property
    def incident(self) -> str:
        """Its id."""
        return f"{self.scenario}-{self.fault}-{self.kind}"

    @property
    def passes(self) -> bool:
        """Whether the model does better the next time."""
        return self.kind == "once" and self.fault not in FOR_GOOD


@dataclass(frozen=True)
class Seen:
    """All that is known once every incident has ended."""

    struck: Struck
    met: tuple[Met, ...]
    asked: Counter[str]
    strikes: dict[str, int]
    cards: dict[str, list[dict[str, Any]]]


def drawn(lane: Lane) -> tuple[Met, ...]:
    """Every fault in every scenario, both ways; in the sample each fault in one scenario.

    The sample waits for no deadline: a fault that would stay until then passes there.
    """
    names, faults = scenario_names(), sorted(KNOWN_FAULTS["model"])
    if lane.full:
        return tuple(Met(name, fault, kind) for name in names for fault in faults for kind in KINDS)
    chance = lane.random("scenarios under faults")
    chance.shuffle(faults)
    return tuple(
        Met(
            names[number % len(names)],
            fault,
            "once" if NEVER.get(fault) == "timed_out" else chance.choice(KINDS),
        )
        for number, fault in enumerate(faults)
    )


@pytest.fixture(scope="module")
def seen(lane: Lane, figures: Figures) -> Iterator[Seen]:
    """Each incident meets its fault in the world of its scenario."""
    met = drawn(lane)
    strikes: dict[str, int] = {}
    stack = struck_stack(settings=SETTINGS, scenario=scenario_names()[0], model_seconds=0.02)
    with stack as struck:
        for name in scenario_names():
            struck.show(name)
            for each in met:
                if each.scenario == name:
                    _strike(struck, each, scenario=load_scenario(name))
            struck.wait_for_ends()
            strikes |= struck.over()
        struck.wait("every card", struck.all_told, seconds=40)
        cards, asked = struck.cards(), struck.asked()
        size = f"{len(scenario_names())} scenarios under single faults of the model"
        size = f"{size}, {len(met)} incidents"
        figures.add("R2", f"{size}: without their one final message", wrong(cards), 0)
        figures.add("R2", f"{size}: most requests to the model of one", max(asked.values()))
        dearest = max((struck.ended(each.incident).spend.cost_usd or 0.0) for each in met)
        figures.add("R2", f"{size}: most dollars of one", dearest, f"{MAX_COST_USD} + last words")
        yield Seen(struck, met, asked, strikes, cards)


def _strike(struck: Struck, each: Met, *, scenario: Scenario) -> None:
    struck.wait_for_ends(but=AT_ONCE)
    seconds = 60 if each.fault == "hang" else 1
    fault = {"stand_in": "model", "fault": each.fault, "seconds": seconds}
    struck.plan(fault | {"where": struck.next_case(), "times": int(each.kind == "once")})
    struck.open(each.incident, service=scenario.service, symptom=scenario.symptom)


def test_every_end_and_every_card_came_in_time(seen: Seen) -> None:
    assert seen.struck.unmet == []


@pytest.mark.parametrize("name", scenario_names())
def test_scenario_ends_once_with_one_message_and_within_bounds_under_each_fault_of_the_model(
    seen: Seen, name: str
) -> None:
    found = [each for each in seen.met if each.scenario == name]
    problems = {each.incident: problems_with(each, seen) for each in found}
    assert {incident: said for incident, said in problems.items() if said} == {}


def problems_with(each: Met, seen: Seen) -> list[str]:
    """What did not come of one incident as it should."""
    scenario, record = load_scenario(each.scenario), seen.struck.desk.record(each.incident)
    if record is None or record.state != "ended":
        return ["it never ended"]
    cards = seen.cards[each.incident]
    text = "\n".join(map(render_message, cards)).lower()
    expected = scenario.expected.outcome
    wanted = expected if each.passes else NEVER.get(each.fault, expected)
    asked, spend = seen.asked[each.incident], record.spend
    holds = {
        "the fault struck": seen.strikes[seen.struck.cases[each.incident]] >= 1,
        f"{record.outcome} is {wanted}": record.outcome == wanted,
        f"one message of {len(cards)}": [final(message) for message in cards] == [True],
        f"{asked} requests": asked <= MAX_REQUESTS,
        f"{spend.model_calls} turns": spend.model_calls <= MAX_TURNS + LAST_WORDS,
        f"{calls_sent(record)} tool calls": calls_sent(record) <= MAX_TOOL_CALLS,
        f"{spend.cost_usd} dollars": (spend.cost_usd or 0.0) <= MOST_COST_USD,
    }
    claimed = [
        f"claims {each}" for each in scenario.expected.must_not_claim if each.lower() in text
    ]
    return [what for what, held in holds.items() if not held] + claimed
