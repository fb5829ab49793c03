"""Many incidents while replicas of all services are killed: nothing is lost or done twice."""

import random
import time
from collections import Counter
from dataclasses import dataclass, field

import pytest

from cli.stack import SERVICES
from tests.chaos.checker import check, report
from tests.chaos.collecting import collect, settled
from tests.chaos.evidence import Evidence, Fault
from tests.chaos.fleet import Fleet, FleetPlan, running_fleet
from tests.chaos.load import SCENARIO, SETTINGS, Load
from tests.chaos.measuring import kinds, longest_pause, repeated, struck, unsigned
from tests.chaos.recorder import recording
from tests.chaos.rules import Rules
from tests.lane import Figures, Lane

pytestmark = [pytest.mark.xdist_group("chaos"), pytest.mark.timeout(1200)]
DEADLINE_SECONDS = 60.0
STILL_SECONDS = 25.0
"""An entry is taken over two to three seconds after its owner's death; the rest is the queue."""
KILL_EVERY_SECONDS = (2.0, 5.0)
SAMPLE_KILLS_EVERY_SECONDS = (1.5, 2.5)
MORE_INCIDENTS = 6
"""How many come on top where a fast machine is done before every service was struck."""


@dataclass
class Killer:
    """Kills replicas drawn by `draw`: first one of each service, in a drawn order, then any."""

    fleet: Fleet
    draw: random.Random
    faults: list[Fault] = field(default_factory=list)
    missed: list[str] = field(default_factory=list)
    """Services of which no replica was killed yet."""

    def __post_init__(self) -> None:
        self.missed = self.draw.sample(SERVICES, len(SERVICES))

    def kill_one(self) -> None:
        """A replica was killed, and another one started in its place at once."""
        service = self.missed.pop() if self.missed else ""
        victim = self.draw.choice(self.fleet.of(service) if service else self.fleet.replicas)
        at = time.time()
        self.fleet.replace(victim)
        what = f"{victim.name} killed"
        self.faults.append(Fault(at, at, victim.service, what, replica=victim.name))


def storm(load: Load, draw: random.Random, every: tuple[float, float]) -> list[Fault]:
    """All incidents have ended, or had the time to; who was killed meanwhile."""
    killer = Killer(load.fleet, draw)
    give_up_at = float("inf")
    while not load.until(time.monotonic() + draw.uniform(*every)) or killer.missed:
        if killer.missed and load.ended >= load.total:
            load.total += MORE_INCIDENTS
        if load.begun < load.total:
            give_up_at = time.monotonic() + DEADLINE_SECONDS + 10
        if time.monotonic() > give_up_at:
            break
        killer.kill_one()
    return killer.faults


def note(figures: Figures, evidence: Evidence, found: Counter[str], seconds: float) -> None:
    """The figures of a storm."""
    incidents = [one for one in evidence.entries if one.event == "DiagnosisReached"]
    outcomes = Counter(str(one.values["outcome"]) for one in incidents)
    model, tools = repeated(evidence)
    size = f"{len({one.incident for one in incidents})} incidents under kills"
    figures.add("R1", f"storm: {size}: seconds", seconds)
    figures.add("R1", "storm: kills", struck(evidence))
    figures.add(
        "R1", "storm: lost incidents and alarms", found["lost incident"] + found["lost alarm"], 0
    )
    figures.add("R1", "storm: two outcomes", found["two outcomes"], 0)
    figures.add("R1", "storm: open after deadline + 10 s", found["late"], 0)
    pause = longest_pause(evidence)
    figures.add("R1", "storm: longest time without a sign of work, seconds", pause)
    figures.add("R1", "storm: outcomes", dict(outcomes), "diagnosed only")
    figures.add("R1", "storm: model calls repeated", model)
    figures.add("R1", "storm: tool calls repeated", tools)
    figures.add(
        "R1", "storm: repeated though nobody was killed", found["repeat without a fault"], 0
    )
    figures.add(
        "R2",
        "storm: incidents without exactly one message",
        found["no message"] + found["two messages"],
        0,
    )
    figures.add(
        "R5",
        "storm: tool calls made again after their result was committed",
        found["called after its result"],
        0,
    )


def test_storm_of_incidents_under_kills_loses_nothing_and_does_nothing_twice(
    lane: Lane, figures: Figures
) -> None:
    settings = {**SETTINGS, "NIGHTSHIFT_DEADLINE_SECONDS": str(DEADLINE_SECONDS)}
    plan = FleetPlan(
        scenario=SCENARIO,
        settings=settings,
        model_seconds=lane.pick(1.0, 2.0),
        proxied=frozenset({"model", "mcp"}),  # tells whose call it was
    )
    with running_fleet(plan) as fleet, recording(fleet.redis.url) as recorder:
        load = Load(
            fleet,
            recorder,
            total=lane.pick(22, 1000),
            at_once=lane.pick(12, 30),
            alarm_every=10,
            join_every=8,
        )
        began = time.monotonic()
        every = lane.pick(SAMPLE_KILLS_EVERY_SECONDS, KILL_EVERY_SECONDS)
        faults = storm(load, lane.random("storm"), every)
        seconds = time.monotonic() - began
        settled(fleet.stack)
        evidence = collect(fleet, recorder, faults=faults, sent=load.sent, published=load.published)
        violations = check(
            evidence, Rules(deadline_seconds=DEADLINE_SECONDS, still_seconds=STILL_SECONDS)
        )
        fleet.keep_logs = bool(violations)
    note(figures, evidence, kinds(violations), seconds)
    assert {fault.service for fault in faults} == set(SERVICES)
    assert unsigned(evidence) == 0
    assert not violations, f"logs: {fleet.folder}\n{report(evidence, violations)}"
