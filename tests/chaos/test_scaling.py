"""Reasoners are added and taken away under load: more of them do more, and none loses its work."""

import time
from collections.abc import Sequence
from dataclasses import dataclass

import pytest

from tests.chaos.campaign import Campaign, campaign
from tests.chaos.evidence import Evidence
from tests.chaos.fleet import FleetPlan
from tests.chaos.load import SCENARIO, SETTINGS
from tests.chaos.rules import Rules
from tests.lane import Figures, Lane

pytestmark = [pytest.mark.xdist_group("chaos"), pytest.mark.timeout(300)]
FEW_WORKERS = {"NIGHTSHIFT_MAX_WORKERS": "2"}
"""So few that a reasoner waits for its model, and not for this machine."""
GONE_SECONDS = 10.0


@dataclass(frozen=True)
class Window:
    """A time during which so many reasoners were at work and more was due than they could do."""

    reasoners: int
    begin: float
    end: float

    def rate(self, evidence: Evidence) -> float:
        """Replies of the model a second."""
        answered = [one.answered_at for one in evidence.asked if one.stand_in == "model"]
        within = sum(self.begin <= at < self.end for at in answered)
        return within / (self.end - self.begin)


def scale_up(at: Campaign, reasoners: int) -> None:
    """So many reasoners are ready."""
    missing = reasoners - len(at.fleet.of("reasoner"))
    at.fleet.wait_ready(*[at.fleet.start("reasoner", FEW_WORKERS) for _ in range(missing)])


def scale_down(at: Campaign, reasoners: int) -> tuple[float, float]:
    """Only so many reasoners are left.

    How long after SIGTERM the last was gone, and had nothing that was still its own.
    """
    leaving = at.fleet.of("reasoner")[reasoners:]
    asked_at = time.time()
    for replica in leaving:
        replica.terminate()
    codes = [replica.wait() for replica in leaving]
    gone_after = time.time() - asked_at
    assert set(codes) == {0}
    at.wait(
        "others taking over",
        lambda: not any(at.held(one, "turns") for one in leaving),
        GONE_SECONDS,
    )
    return gone_after, time.time() - asked_at


def measured(at: Campaign, steps: Sequence[int], seconds: float) -> list[Window]:
    """A window of that length for each number of reasoners."""
    windows = []
    for reasoners in steps:
        scale_up(at, reasoners)
        begin = time.time()
        at.pass_time(seconds)
        windows.append(Window(reasoners, begin, time.time()))
    return windows


def test_more_reasoners_do_more_and_taking_them_away_loses_nothing(
    lane: Lane, figures: Figures
) -> None:
    steps, most, least = lane.pick(((1, 2), 3, 1), ((1, 2, 4), 8, 2))
    plan = FleetPlan(
        scenario=SCENARIO,
        replicas={"reasoner": 0},
        model_seconds=lane.pick(0.5, 1.0),
        settings={**SETTINGS, "NIGHTSHIFT_LEASE_SECONDS": "30"},
    )
    with campaign(plan) as at:
        at.publish(lane.pick(25, 120))
        windows = measured(at, steps, lane.pick(3.0, 10.0))
        scale_up(at, most)
        at.pass_time(lane.pick(1.0, 5.0))
        gone_after, moved_after = scale_down(at, least)
        due = at.open
        at.wait_for_ends(120)
        what = f"reasoners {steps[0]} -> {most} -> {least} under load"
        evidence = at.judge(Rules(deadline_seconds=300), figures, promise="R15", what=what)
    figures.add("R15", f"{what}: still open when taken away", due)
    figures.add("R15", f"{what}: s from SIGTERM until the last is gone", gone_after, GONE_SECONDS)
    figures.add("R15", f"{what}: s until it holds nothing more", moved_after, GONE_SECONDS)
    one = windows[0].rate(evidence)
    figures.add("R15", "model replies a second with 1 reasoner of 2 workers", one)
    shares = [window.rate(evidence) / (one * window.reasoners) for window in windows[1:]]
    for window, share in zip(windows[1:], shares, strict=True):
        figures.add("R15", f"throughput of {window.reasoners}, of linear", share, "0.8")
    assert gone_after <= GONE_SECONDS
    assert due > 0
    assert min(shares) >= lane.pick(0.6, 0.8)
