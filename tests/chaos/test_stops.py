"""Stop requests raced against running turns: no work goes on after the outcome (R4)."""

import asyncio
import random
import time
from collections import Counter
from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial

import pytest
from redis.asyncio import Redis

from bus.commits import Investigations
from bus.events import InvestigationId
from bus.record import end_from_outside
from bus.streams import Keys
from tests.chaos.checker import Rules, check, report
from tests.chaos.collecting import collect, settled
from tests.chaos.evidence import Evidence
from tests.chaos.fleet import FleetPlan, running_fleet
from tests.chaos.load import SCENARIO, SETTINGS, Load
from tests.chaos.measuring import kinds, worked_after
from tests.chaos.recorder import recording
from tests.lane import Figures, Lane
from tests.loop.desk import PREFIX

pytestmark = [pytest.mark.xdist_group("chaos"), pytest.mark.timeout(400)]
DEADLINE_SECONDS = 60.0
MODEL_SECONDS = 1.0
LIFE_SECONDS = 5.5
"""Somewhat longer than an incident takes that nobody stops: a stop falls anywhere in it."""


@dataclass
class Stops:
    """Asks for the end of every incident once, at a drawn moment of its life, as ingest does."""

    load: Load
    url: str
    draw: random.Random
    done: int = 0
    _seen: int = 0
    _due: list[tuple[float, str]] = field(default_factory=list)

    def step(self) -> bool:
        """Every stop that is due was committed; whether there was one for every incident."""
        new, self._seen = self.load.published[self._seen :], len(self.load.published)
        now = time.monotonic()
        self._due += [(now + self.draw.uniform(0.0, LIFE_SECONDS), one) for one in new]
        ripe = [one for one in self._due if one[0] <= now]
        if ripe:
            opened = asyncio.run(self._stop([incident for _, incident in ripe]))
            # An incident that nobody has opened yet is asked for again.
            self._due = [one for one in self._due if one[1] not in opened]
            self.done += len(opened)
        return self.done == self.load.total

    async def _stop(self, incidents: list[str]) -> set[str]:
        async with Redis.from_url(self.url) as redis:
            lasts = timedelta(seconds=DEADLINE_SECONDS)
            investigations = Investigations(redis, Keys(PREFIX), lasts=lasts)
            at = await investigations.now()
            ends = partial(
                end_from_outside, outcome="cancelled", at=at, reason="stopped by a person"
            )
            found = set()
            for incident in incidents:
                if await investigations.apply(InvestigationId(incident), ends) is not None:
                    found.add(incident)
            return found


def test_stop_raced_against_turns_leaves_no_work_one_card_and_one_signal(
    lane: Lane, figures: Figures
) -> None:
    settings = {**SETTINGS, "NIGHTSHIFT_DEADLINE_SECONDS": str(DEADLINE_SECONDS)}
    plan = FleetPlan(scenario=SCENARIO, settings=settings, model_seconds=MODEL_SECONDS)
    with running_fleet(plan) as fleet, recording(fleet.redis.url) as recorder:
        load = Load(fleet, recorder, total=lane.pick(12, 200), at_once=lane.pick(12, 20))
        stops = Stops(load, fleet.redis.url, lane.random("stops"))
        fleet.stack.wait("every stop", lambda: [load.step(), stops.step()][1], seconds=300)
        load.until(time.monotonic() + DEADLINE_SECONDS + 10)
        settled(fleet.stack)
        evidence = collect(fleet.stack, recorder)
        violations = check(evidence, Rules(deadline_seconds=DEADLINE_SECONDS))
        fleet.keep_logs = bool(violations)
    note(figures, evidence, kinds(violations))
    assert not violations, f"logs: {fleet.folder}\n{report(evidence, violations)}"


def note(figures: Figures, evidence: Evidence, found: Counter[str]) -> None:
    """The figures of the race."""
    ends = [one for one in evidence.entries if one.event == "DiagnosisReached"]
    outcomes = Counter(str(one.values["outcome"]) for one in ends)
    late = worked_after(evidence)
    figures.add("R4", f"stops raced against {len(ends)} incidents: outcomes", dict(outcomes))
    assert outcomes["cancelled"] > 0, "no stop came before an end: nothing was raced"
    wanted = "calls that started more than 2 s after the outcome"
    figures.add("R4", wanted, found["work after the outcome"], 0)
    figures.add("R4", "calls that started after the outcome at all", len(late))
    figures.add("R4", "the latest of them, seconds after it", max(late, default=0.0))
    cards = found["two messages"] + found["no message"] + found["card shows another outcome"]
    figures.add("R4", "incidents without exactly one card of their outcome", cards, 0)
    signals = found["two stop signals"] + found["no stop signal"]
    figures.add("R4", "incidents without exactly one stop signal", signals, 0)
