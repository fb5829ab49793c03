"""Reasoners and toolrunners from none by the queue, as the manifests tell KEDA, and to none again.

What would have happened: toolrunners were woken by tool calls alone, and the first turn of an
investigation waits until a toolrunner has published its tools. Ten minutes after the last one had
gone no incident would have had any tools (decision 0045).
"""

import contextlib
from dataclasses import dataclass
from typing import Any

import pytest
from redis.exceptions import ResponseError

from bus.streams import STREAMS
from tests.chaos.campaign import Campaign, campaign
from tests.chaos.fleet import FleetPlan
from tests.chaos.load import SCENARIO, SETTINGS
from tests.chaos.measuring import repeated
from tests.chaos.rollouts import Deployments
from tests.chaos.rules import Rules
from tests.chaos.scaler import Scaled, Scaler
from tests.lane import Figures, Lane
from tests.loop.desk import PREFIX

pytestmark = [pytest.mark.xdist_group("chaos"), pytest.mark.timeout(600)]
DEADLINE_SECONDS = 60.0
SCALED = ("reasoner", "toolrunner")
TURNS, CALLS = f"{PREFIX}turns", f"{PREFIX}tool-calls"


@dataclass
class Autoscaled:
    """The two services that are scaled, polled side by side."""

    of: Deployments
    scalers: tuple[Scaler, ...]

    def step(self) -> bool:
        """Every service has the pods that its scaler wants; True, so that more can be asked."""
        for scaler in self.scalers:
            wanted = scaler.poll(self.of.at.fleet.desk.redis)
            self.of.scale(scaler.scaled.service, wanted)
        return True

    def until_ended(self, seconds: float) -> None:
        """Everything that was published has its stop signal."""
        at = self.of.at
        at.wait("the ends", lambda: self.step() and at.open <= 0, seconds)

    def until_none(self, seconds: float) -> None:
        """Nothing runs any more that is scaled."""
        there = self.of.pods
        self.of.at.wait(
            "none being left",
            lambda: self.step() and not any(there.get(each) for each in SCALED),
            seconds,
        )


def make_groups(at: Campaign) -> None:
    """All groups stand, as after a first start, and no catalogue, as long after the last one."""
    redis = at.fleet.desk.redis
    for stream in STREAMS:
        for reader in stream.readers:
            with contextlib.suppress(ResponseError):  # the notifier's stand
                redis.xgroup_create(PREFIX + stream.name, reader.group, id="0", mkstream=True)
    assert not redis.exists(f"{PREFIX}catalogue:current")


def has_lag(at: Campaign) -> bool:
    """Whether this Redis can say what a group was not given yet (7.0 and newer)."""
    rows: Any = at.fleet.desk.redis.xinfo_groups(TURNS)
    return all("lag" in row for row in rows)


def test_alarms_in_a_quiet_night_wake_reasoners_and_toolrunners_which_go_again(
    lane: Lane, figures: Figures
) -> None:
    if not lane.full:
        pytest.skip("in the full lane only; tests/deploy/test_scaling.py has what it rests on")
    bursts = (1, 30, 1)
    settings = {**SETTINGS, "NIGHTSHIFT_LEASE_SECONDS": "30"}
    settings["NIGHTSHIFT_DEADLINE_SECONDS"] = str(DEADLINE_SECONDS)
    replicas = {"ingest": 0, "reasoner": 0, "toolrunner": 0, "notifier": 1}
    plan = FleetPlan(scenario=SCENARIO, replicas=replicas, model_seconds=1.0, settings=settings)
    reasoners, toolrunners = (Scaler(Scaled.of(each), 4.0, 2.0) for each in SCALED)
    with campaign(plan) as at:
        make_groups(at)
        if not has_lag(at):
            pytest.skip("KEDA needs a Redis that tells the lag of a group: 7.0 or newer")
        auto = Autoscaled(Deployments(at), (reasoners, toolrunners))
        for count in bursts:
            at.publish(count)
            auto.until_ended(DEADLINE_SECONDS + 15)
            auto.until_none(60)
            # Where nobody is there for ten minutes the list of tools is gone.
            at.fleet.desk.redis.delete(f"{PREFIX}catalogue:current")
        at.wait_for_ends(30)
        what = f"from none by the queue, bursts of {', '.join(map(str, bursts))}"
        rules = Rules(deadline_seconds=DEADLINE_SECONDS)
        evidence = at.judge(rules, figures, promise="restart", what=what)
    figures.add("restart", f"{what}: reasoners one after the other", reasoners.history)
    figures.add("restart", f"{what}: toolrunners one after the other", toolrunners.history)
    figures.add("restart", f"{what}: calls made again", sum(repeated(evidence)), 0)
    for scaler in auto.scalers:
        assert scaler.history[0] == scaler.history[-1] == 0
        assert scaler.history.count(0) > len(bursts)
        assert 1 < max(scaler.history) <= scaler.scaled.most, "the burst got no second replica"
    assert CALLS not in {trigger.stream for trigger in toolrunners.counted}
    assert sum(repeated(evidence)) == 0
