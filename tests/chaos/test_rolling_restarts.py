"""Every service is restarted while incidents arrive: none is lost, and nothing is done twice.

Processes stand in for pods. They are replaced one service after the other, all services at once,
and reasoners and toolrunners are taken to none and back. What a replica has in hand it finishes,
where it can within its drain; else it hands it over, and that one turn or call is made again.
"""

import itertools
from collections import Counter
from collections.abc import Callable, Sequence

import pytest

from cli.stack import SERVICES
from tests.chaos.arrivals import Arrivals, arriving
from tests.chaos.campaign import campaign
from tests.chaos.evidence import Evidence, case_of
from tests.chaos.fleet import FleetPlan
from tests.chaos.load import SCENARIO, SETTINGS
from tests.chaos.measuring import longest_pause, repeated
from tests.chaos.replica import Replica
from tests.chaos.rollouts import GONE_SECONDS, Deployments
from tests.chaos.rules import Rules
from tests.lane import Figures, Lane

pytestmark = [pytest.mark.xdist_group("chaos"), pytest.mark.timeout(900)]
DEADLINES_SECONDS = (60.0, 180.0)
"""Of the sample and in full. Nobody is there for a while, and on a full machine a start takes
twenty seconds: an incident that reaches its conclude point meanwhile is not lost, but it says so.
"""
STILL_SECONDS = 30.0
"""Reasoners and toolrunners are at none for some seconds, and then a start takes its time."""
NONE_SECONDS = 2.0
SCALED = ("reasoner", "toolrunner")
Phase = Callable[[Deployments], None]


def one_after_another(of: Deployments) -> None:
    """Every service was restarted, each after the one before it."""
    for service in SERVICES:
        of.roll(service)


def all_at_once(of: Deployments) -> None:
    """Every service was restarted, all of them side by side."""
    of.roll(*SERVICES)


def to_none_and_back(of: Deployments) -> None:
    """Reasoners and toolrunners went from two to none, to two, to none, to one, and back."""
    for replicas in (0, 2, 0, 1, 2):
        for service in SCALED:
            of.scale(service, replicas)
        of.at.pass_time(0.0 if replicas else NONE_SECONDS)


def with_a_turn_in_hand(of: Deployments, leaving: Sequence[Replica]) -> None:
    """More incidents have come, and a reasoner that is to leave has a turn of one in hand."""
    at, reasoners = of.at, [each for each in leaving if each.service == "reasoner"]
    at.publish(3)
    at.wait("a turn in hand", lambda: any(map(of.held, reasoners)) or at.open <= 0)


def opened_twice(evidence: Evidence) -> list[str]:
    """Cases that opened more than one incident."""
    opened = Counter(
        case_of(entry) for entry in evidence.entries if entry.event == "IncidentOpened"
    )
    return [case for case, count in opened.items() if count > 1]


def restarted(of: Deployments, arrivals: Arrivals, phases: tuple[Phase, ...]) -> int:
    """All phases were gone through, again and again until everything had arrived; how many."""
    for number, phase in enumerate(itertools.cycle(phases)):
        if number >= len(phases) and arrivals.over:
            break
        phase(of)
    return number


PHASES: tuple[Phase, ...] = (one_after_another, all_at_once, to_none_and_back)


@pytest.mark.parametrize("finishes", [True, False], ids=["finishes", "hands over"])
def test_incidents_go_on_while_every_service_is_restarted(
    finishes: bool, lane: Lane, figures: Figures
) -> None:
    if not (finishes or lane.full):
        pytest.skip("in the full lane only; test_recovery.py has a sample of it")
    deadline_seconds = lane.pick(*DEADLINES_SECONDS)
    total, replicas = lane.pick((3, 1), (100, 2))
    settings = {**SETTINGS, "NIGHTSHIFT_LEASE_SECONDS": "30"}
    settings |= {} if finishes else {"NIGHTSHIFT_DRAIN_SECONDS": "0.5"}
    settings["NIGHTSHIFT_DEADLINE_SECONDS"] = str(deadline_seconds)
    plan = FleetPlan(
        scenario=SCENARIO,
        replicas=dict.fromkeys(SERVICES, 0),
        model_seconds=1.0 if finishes else 3.0,
        settings=settings,
        proxied=frozenset({"model", "mcp"}),  # tells whose call it was
        forked=not lane.full,
    )
    with campaign(plan) as at:
        of = Deployments(at, finishes, None if lane.full else with_a_turn_in_hand)
        of.begin(replicas)
        draw, gap = lane.random("rolling restarts"), lane.pick(0.4, 1.5)
        with arriving(at, draw, total=total, gap_seconds=gap, alarm_every=3) as arrivals:
            phases = restarted(of, arrivals, lane.pick((all_at_once,), PHASES))
            at.wait("everything having arrived", lambda: arrivals.over, 300)
            at.wait_for_ends(deadline_seconds + 15)
        how = "work in hand is finished" if finishes else "a drain of 0.5 s, a model of 3 s"
        what = f"{phases} rounds of restarts, {how}"
        rules = Rules(deadline_seconds=deadline_seconds, still_seconds=STILL_SECONDS)
        of.note(figures, what)
        evidence = at.judge(rules, figures, promise="restart", what=what)
    note(figures, evidence, what, finishes=finishes)
    assert opened_twice(evidence) == []
    assert {leave.code for leave in of.leaves} == {0}
    assert max(leave.seconds for leave in of.leaves) <= GONE_SECONDS
    assert [leave for leave in of.leaves if leave.kept] == []
    turns = sum(leave.held for leave in of.leaves if leave.service == "reasoner")
    assert turns > 0, "no reasoner had any work in hand"
    if not finishes:
        assert sum(repeated(evidence)) > 0, "every turn was finished within its drain"


def note(figures: Figures, evidence: Evidence, what: str, *, finishes: bool) -> None:
    """The figures of the incidents."""
    wanted = 0 if finishes else "one a replica"
    for name, count in zip(("model", "tool"), repeated(evidence), strict=True):
        figures.add("restart", f"{what}: {name} calls made again", count, wanted)
    dead = [entry for entry in evidence.entries if entry.stream.endswith(".dead")]
    figures.add("restart", f"{what}: dead letters", len(dead), 0)
    figures.add("restart", f"{what}: alarms that opened twice", len(opened_twice(evidence)), 0)
    pause = longest_pause(evidence)
    figures.add("restart", f"{what}: longest time without a sign of work, s", pause, STILL_SECONDS)
