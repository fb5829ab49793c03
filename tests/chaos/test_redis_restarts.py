"""Redis is killed and started again and again under load: nothing is lost, everybody resumes."""

import random
import time
from collections import Counter

import pytest

from tests.chaos.campaign import Campaign, campaign
from tests.chaos.fleet import FleetPlan
from tests.chaos.load import SCENARIO, SETTINGS
from tests.chaos.measuring import excused
from tests.chaos.resuming import Resuming
from tests.chaos.rules import Rules
from tests.chaos.story import stories_of
from tests.lane import Figures, Lane

pytestmark = [pytest.mark.xdist_group("chaos"), pytest.mark.timeout(600)]
RESUME_SECONDS = 7.0
AT_ONCE = 8
DEADLINE_SECONDS = 300.0
OVERTAKEN_SECONDS = 2.0
"""Until an owner that Redis left without its lease has told the result that it got meanwhile."""
EXCUSED = (1, 2)
"""Calls of a successor that were under way when it did, at most, of 2 and of 20 restarts."""


def downtimes(lane: Lane) -> list[float]:
    """How long Redis is down each time: seldom long, so that the run ends."""
    draw = lane.random("downtimes")
    if not lane.full:
        return [draw.uniform(1, 2) for _ in range(2)]
    short = [min(30.0, 1 + draw.expovariate(1 / 2)) for _ in range(18)]
    downs = [*short, draw.uniform(8, 12), 30.0]
    draw.shuffle(downs)
    return downs


def work_on(at: Campaign, seconds: float) -> None:
    """That much time went by, with investigations under way all the time."""
    until = time.monotonic() + seconds

    def over() -> bool:
        if at.open < AT_ONCE:
            at.publish(1)
        return time.monotonic() >= until

    at.wait("load", over, seconds + 10)


def restart(at: Campaign, down_seconds: float) -> None:
    """Redis was killed in the middle of work, was down for that time, and answers again."""
    since = time.time()
    at.fleet.redis.kill()
    at.pass_time(down_seconds)
    at.fleet.redis.start()
    at.strike("*", f"Redis killed and down for {down_seconds:.1f} s", since=since)


def endure(at: Campaign, downs: list[float], draw: random.Random) -> dict[str, list[float]]:
    """Redis was restarted for each of the times; how long each service took to resume."""
    (ended,) = at.publish(1)
    at.wait_for_ends(30)
    resuming, found = Resuming(at, ended), dict[str, list[float]]()
    for down_seconds in downs:
        work_on(at, draw.uniform(0.5, 3.0))
        restart(at, down_seconds)
        for service, seconds in resuming.measure().items():
            found.setdefault(service, []).append(seconds)
    return found


def test_redis_restarts_lose_nothing_double_nothing_and_every_reader_resumes(
    lane: Lane, figures: Figures
) -> None:
    downs = downtimes(lane)
    what = (
        f"{len(downs)} Redis restarts (kill -9, AOF), {min(downs):.0f} to {max(downs):.0f} s down"
    )
    plan = FleetPlan(
        scenario=SCENARIO, settings=SETTINGS, model_seconds=0.5, proxied=frozenset({"mcp"})
    )
    with campaign(plan) as at:
        began = time.monotonic()
        found = endure(at, downs, lane.random("moments"))
        at.wait_for_ends(60)
        at.fleet.wait_ready()
        rules = Rules(deadline_seconds=DEADLINE_SECONDS, on_its_way_seconds=OVERTAKEN_SECONDS)
        evidence = at.judge(rules, figures, promise="R6", what=what)
        seconds = time.monotonic() - began
    stories = stories_of(evidence).values()
    what = (
        f"{len(downs)} Redis restarts (kill -9, AOF), {min(downs):.0f} to {max(downs):.0f} s down"
    )
    figures.add("R6", f"{what}: seconds in all", seconds)
    figures.add("R6", f"{what}: outcomes", dict(Counter(s.outcome for s in stories)))
    overtaken, most = excused(evidence, rules), lane.pick(*EXCUSED)
    figures.add("R6", f"{what}: calls under way when their result was told", overtaken, most)
    assert overtaken <= most
    for service, times in sorted(found.items()):
        figures.add(
            "R6", f"{what}: {service}: reads again after, s at most", max(times), RESUME_SECONDS
        )
    assert max(max(times) for times in found.values()) <= RESUME_SECONDS
