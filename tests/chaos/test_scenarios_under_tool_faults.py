"""Every scenario under every single fault of a tool: an outcome, one message, no runaway.

Kubernetes, GitHub and AWS are not told whose incident they are asked for, so one incident at a time
meets its fault: in the first request that can be struck, or in all of them. The investigation ends
as its scenario expects, as long as something is left that it can quote.
"""

from collections.abc import Iterator
from typing import Any

import pytest

from simulator.known_faults import KNOWN_FAULTS
from simulator.scenario import Scenario, load_scenario, scenario_names
from tests.chaos.met import KINDS, SETTINGS, Met, Seen, note, problems_with, seen_of
from tests.chaos.struck import Struck, struck_stack
from tests.lane import Figures, Lane

pytestmark = [pytest.mark.xdist_group("chaos"), pytest.mark.timeout(1800)]
SERVERS = {"kubernetes": "kubernetes__", "github": "github__", "aws": "cloudwatch__"}
"""What the names of a stand-in's tools begin with."""
STRIKES_ONLY = {
    "expired": "kubernetes__list_",
    "slow_log": "kubernetes__get_logs",
    "huge_log": "kubernetes__get_logs",
    "large_file": "github__get_file_contents",
    "too_large": "github__get_file_contents",
}
"""The same for a fault that not every tool of its stand-in can meet."""
AWS_SERVICES = {"cloudwatch__search_logs": "logs."}
"""Which service a tool asks, where it is not `monitoring.`."""
OF_ALARMS = "duplicate"
"""Only a queue hands anything over twice; `test_tool_faults.py` has alarms for that."""
QUICKLY: dict[str, dict[str, Any]] = {"slow": {"seconds": 0.3}, "huge_log": {"amount": 50}}
SAMPLE = 4


def met_in(name: str) -> list[Met]:
    """Every fault that can strike what the scenario's script asks, both ways."""
    asked = [call.tool for turn in load_scenario(name).script.turns for call in turn.calls]
    return [
        Met(name, stand_in, fault, kind)
        for stand_in, server in SERVERS.items()
        for fault in sorted(KNOWN_FAULTS[stand_in])
        if fault != OF_ALARMS
        if any(tool.startswith(STRIKES_ONLY.get(fault, server)) for tool in asked)
        for kind in KINDS
    ]


def drawn(lane: Lane) -> tuple[Met, ...]:
    """All of them; in the sample one of each of a few scenarios."""
    chance = lane.random("scenarios under faults of tools")
    found: list[Met] = []
    names = scenario_names()
    for name in names if lane.full else chance.sample(names, SAMPLE):
        every = met_in(name)
        found += every if lane.full else [chance.choice(every)]
    return tuple(found)


@pytest.fixture(scope="module")
def seen(lane: Lane, figures: Figures) -> Iterator[Seen]:
    """Each incident meets its fault in the world of its scenario, and no other incident does."""
    met = drawn(lane)
    strikes: dict[str, int] = {}
    settings = SETTINGS | {"NIGHTSHIFT_ANSWER_SECONDS": "1"}
    first = scenario_names()[0]
    with struck_stack(settings=settings, scenario=first, model_seconds=0.02) as struck:
        for name in dict.fromkeys(each.scenario for each in met):
            struck.show(name)
            scenario = load_scenario(name)
            for each in met:
                if each.scenario == name:
                    strikes[each.incident] = _strike(struck, each, scenario=scenario)
        found = seen_of(struck, met, strikes)
        note(found, figures, what="Kubernetes, GitHub and AWS")
        yield found


def _strike(struck: Struck, each: Met, *, scenario: Scenario) -> int:
    """The incident has ended; how many of its requests were struck."""
    fault: dict[str, Any] = {"stand_in": each.stand_in, "fault": each.fault, "times": each.times}
    fault |= QUICKLY.get(each.fault, {})
    struck.plan(*(fault | {"where": where} for where in _where(each, scenario)))
    struck.open(each.incident, service=scenario.service, symptom=scenario.symptom)
    struck.wait_for_ends()
    strikes = sum(int(planned["struck"]) for planned in struck.planned())
    struck.clear()
    return strikes


def _where(each: Met, scenario: Scenario) -> list[str]:
    """Which requests: those of tools, for the alarm's queue is AWS's too."""
    if each.stand_in != "aws":
        return [""]
    calls = [call.tool for turn in scenario.script.turns for call in turn.calls]
    asked = [tool for tool in calls if tool.startswith(SERVERS["aws"])]
    services = list(dict.fromkeys(AWS_SERVICES.get(tool, "monitoring.") for tool in asked))
    return services if each.kind == "always" else services[:1]


def test_every_end_and_every_card_came_in_time(seen: Seen) -> None:
    assert seen.struck.unmet == []


@pytest.mark.parametrize("name", scenario_names())
def test_scenario_ends_once_with_one_message_and_within_bounds_under_each_fault_of_a_tool(
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


def _outcomes(each: Met, scenario: Scenario) -> set[str]:
    """The scenario's own; `inconclusive` too where all that is quoted lies behind the fault.

    Also where logs of ten megabytes spend the time or the dollars before anything else is read.
    """
    server = SERVERS[each.stand_in]
    quoted = [evidence.tool for evidence in scenario.script.diagnosis.evidence]
    behind = all(tool.startswith(server) for tool in quoted)
    dear = each.fault == "huge_log"
    return {scenario.expected.outcome} | ({"inconclusive"} if behind or dear else set())
