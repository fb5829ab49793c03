"""How soon work moves again: an owner killed, an owner asked to end.

What Redis restarts do to the readers is measured in `tests.chaos.test_redis_restarts`.
"""

import time
from dataclasses import dataclass, field

import pytest

from tests.chaos.campaign import Campaign, campaign
from tests.chaos.fleet import FleetPlan
from tests.chaos.load import SCENARIO
from tests.chaos.proxy.passage import Gate, Hold, Passage, Phase, Verdict
from tests.chaos.proxy.proxy import Proxy
from tests.chaos.replica import Replica
from tests.chaos.rules import Rules
from tests.lane import Figures, Lane

pytestmark = [pytest.mark.xdist_group("chaos"), pytest.mark.timeout(300)]
SETTINGS = {"NIGHTSHIFT_FINAL_REPEAT_SECONDS": "1", "NIGHTSHIFT_MAX_DAY_COST_USD": "100000"}
HANDED_OVER_SECONDS = 2.0
GONE_SECONDS = 10.0
WORK = {"reasoner": "turns", "toolrunner": "tool-calls", "notifier": "incidents"}
"""The stream of a service's slow work; its group there has the service's name."""
OUTSIDE = {"reasoner": "model", "toolrunner": "mcp", "notifier": "slack"}
"""The channel on which that work waits."""


@dataclass(frozen=True)
class Handover:
    """What became of the work of a replica that was asked to end; times since it was."""

    code: int
    gone_after: float
    moved_after: float
    """When the last entry that it could not finish had a new owner."""


def held(at: Campaign, replica: Replica) -> set[str]:
    """The entries of its slow work that are that replica's now."""
    return at.held(replica, WORK[replica.service])


def moved(at: Campaign, replica: Replica, entries: set[str], seconds: float) -> float:
    """When all of the entries were done or another replica's."""
    at.wait(
        f"others taking over {len(entries)} entries of {replica.name}",
        lambda: not entries & held(at, replica),
        seconds,
    )
    return time.time()


@dataclass
class SilentModel:
    """A model that is asked and says nothing until it may."""

    asked: dict[str, list[float]] = field(default_factory=dict)
    """When each replica asked."""
    gates: list[Gate] = field(default_factory=list)

    def __call__(self, passage: Passage, phase: Phase) -> Verdict | None:
        """The proxy's hook."""
        if (passage.operation, phase) != ("model call", "before"):
            return None
        self.asked.setdefault(passage.replica, []).append(passage.at)
        self.gates.append(Gate())
        return Hold(self.gates[-1])

    def speak(self, proxy: Proxy) -> None:
        """It answers everything."""
        proxy.hook = None
        for gate in self.gates:
            gate.open()


def test_everything_a_killed_reasoner_held_moves_again_within_the_lease_and_ten_seconds(
    lane: Lane, figures: Figures
) -> None:
    lease, count = lane.pick((3.0, 40), (30.0, 200))
    settings = {**SETTINGS, "NIGHTSHIFT_LEASE_SECONDS": str(lease)}
    plan = FleetPlan(
        scenario=SCENARIO,
        replicas={"reasoner": 1, "toolrunner": 1, "notifier": 1},
        settings=settings,
        proxied=frozenset({"model"}),
    )
    with campaign(plan) as at:
        (victim,) = at.fleet.of("reasoner")
        at.fleet.proxy.hook = model = SilentModel()
        at.publish(count)
        at.wait("one owner of all turns", lambda: len(held(at, victim)) == count)
        entries = held(at, victim)
        killed_at = at.kill(victim)
        successor = at.fleet.start("reasoner")
        moves_after = moved(at, victim, entries, lease + 30) - killed_at
        asked = model.asked.setdefault(successor.name, [])
        at.wait("the successor's questions", lambda: len(asked) >= count)
        asks_after = asked[count - 1] - killed_at
        model.speak(at.fleet.proxy)
        at.wait_for_ends(150)
        what = f"reasoner killed while it held {count} turns, lease {lease:.0f} s"
        at.judge(Rules(deadline_seconds=300), figures, promise="recovery", what=what)
    what += ": s until the last"
    figures.add("recovery", f"{what} has a new owner", moves_after, lease + 10)
    figures.add("recovery", f"{what} is asked of the model again", asks_after, lease + 10)
    assert max(moves_after, asks_after) <= lease + 10


def hand_over(at: Campaign, service: str, *, finishes: bool) -> Handover:
    """A replica was asked to end while its work waited for the outside, which then answered."""
    if len(at.fleet.of(service)) < 2:
        at.fleet.wait_ready(at.fleet.start(service))
    channel = OUTSIDE[service]
    at.fleet.proxy.weather(channel, "black hole")
    at.publish(6)
    victim, *_ = at.fleet.of(service)
    at.wait(f"{victim.name} being at work", lambda: len(held(at, victim)) >= 2)
    asked_at = time.time()
    victim.terminate()
    if finishes:
        at.fleet.proxy.weather(channel, "fair")
    entries = held(at, victim)
    code = victim.wait()
    gone_at = time.time()
    moved_at = moved(at, victim, entries, 10)
    at.fleet.proxy.shut(victim.name)
    if not finishes:
        at.fleet.proxy.weather(channel, "fair")
        at.strike_one(victim, "ended in the middle", since=asked_at)
    return Handover(code, gone_at - asked_at, moved_at - asked_at)


def test_replica_that_is_asked_to_end_finishes_or_hands_over_and_is_gone_in_ten_seconds(
    lane: Lane, figures: Figures
) -> None:
    drain_seconds = lane.pick(1.0, 8.0)
    cases = [(service, finishes) for service in OUTSIDE for finishes in (False, True)]
    settings = {**SETTINGS, "NIGHTSHIFT_DRAIN_SECONDS": str(drain_seconds)}
    proxied = frozenset(OUTSIDE.values())
    plan = FleetPlan(scenario=SCENARIO, settings=settings, proxied=proxied)
    found = {}
    with campaign(plan) as at:
        for service, finishes in lane.pick([*cases[::2], cases[1]], cases):
            found[service, finishes] = hand_over(at, service, finishes=finishes)
            at.wait_for_ends(60)
        what = "SIGTERM in the middle of work"
        at.judge(Rules(deadline_seconds=300), figures, promise="recovery", what=what)
    for (service, finishes), drain in found.items():
        how = "finishes" if finishes else f"does not within a drain of {drain_seconds:.0f} s"
        what = f"SIGTERM of a {service} whose work {how}"
        figures.add("recovery", f"{what}: s until it is gone", drain.gone_after, GONE_SECONDS)
        late = drain.moved_after - (0 if finishes else drain_seconds)
        figures.add("recovery", f"{what}: s until its work moves", late, HANDED_OVER_SECONDS)
    assert {drain.code for drain in found.values()} == {0}
    assert max(drain.gone_after for drain in found.values()) <= GONE_SECONDS
    assert all(
        drain.moved_after <= HANDED_OVER_SECONDS + (0 if finishes else drain_seconds)
        for (_, finishes), drain in found.items()
    )
