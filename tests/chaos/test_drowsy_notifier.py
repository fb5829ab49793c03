"""A notifier falls asleep between its last check and its first post, and wakes when all is over.

Its post comes in beside the final card. At the same time its leases turn out to be lost, and its
handler is cancelled: before Slack answers, between the answer and what Redis is told of it, or in
the midst of taking the message back. A cancellation in that last moment once left the message for
good, saying that the work goes on. How late a renewal is answered decides which it is.
"""

import time
from dataclasses import dataclass
from functools import partial

import pytest

from tests.chaos.checker import check, report
from tests.chaos.collecting import collect, settled
from tests.chaos.evidence import Evidence, Fault
from tests.chaos.fleet import Fleet, FleetPlan, running_fleet
from tests.chaos.load import SCENARIO, SETTINGS, Load
from tests.chaos.measuring import kinds
from tests.chaos.poison import is_stopped
from tests.chaos.proxy.passage import Delay, Passage, Phase, Verdict
from tests.chaos.proxy.proxy import RENEWAL
from tests.chaos.recorder import Recorder, recording
from tests.chaos.replica import Replica
from tests.chaos.rules import Rules
from tests.lane import Figures, Lane

pytestmark = [pytest.mark.xdist_group("chaos"), pytest.mark.timeout(300)]
RULES = Rules(deadline_seconds=60.0)
PLAN = FleetPlan(
    scenario=SCENARIO,
    settings={**SETTINGS, "NIGHTSHIFT_DEADLINE_SECONDS": "60"},
    replicas={"notifier": 0},
    proxied=frozenset({"redis"}),
)
SLOWEST = 0.025
"""By then Slack has answered, Redis knows, and the message is deleted."""
TRIES = 5
"""So many incidents for each one in which who slept was awake early enough to post."""


@dataclass(frozen=True)
class SlowRenewals:
    """The proxy's hook: that replica learns so much later that its leases are over."""

    replica: str
    seconds: float

    def __call__(self, passage: Passage, phase: Phase) -> Verdict | None:
        """Hold a renewal back."""
        mine = passage.operation == RENEWAL and passage.replica == self.replica
        return Delay(self.seconds) if mine and phase == "before" else None


def sleep_through_an_incident(fleet: Fleet, recorder: Recorder, slow: float) -> Evidence:
    """The evidence of one incident: begun by who slept, ended by another; then all was still."""
    drowsy = fleet.start("notifier", module="tests.chaos.drowsy_notifier")
    fleet.wait_ready(drowsy)
    load = Load(fleet, recorder, total=1, at_once=1)
    load.step()
    (incident,) = load.published
    fleet.stack.wait("its sleep", lambda: is_stopped(drowsy.pid))
    at = time.time()
    fleet.start("notifier")
    fleet.desk.wait_for_end(incident, seconds=30)
    settled(fleet.stack)
    assert posts_of(fleet, incident) == 1
    fleet.proxy.hook = SlowRenewals(drowsy.name, slow)
    drowsy.thaw()
    fault = Fault(at, time.time(), "notifier", "asleep before its post", replica=drowsy.name)
    # On a busy machine its handler may be cancelled before the post has left.
    over = partial(is_over, fleet, incident, drowsy)
    fleet.stack.wait("its post, or the end of its handler", over)
    fleet.wait_ready()  # it has said by then what it knows
    settled(fleet.stack)
    return collect(fleet, recorder, faults=[fault], published=load.published)


def is_over(fleet: Fleet, incident: str, drowsy: Replica) -> bool:
    """Whether who slept has posted, or will not any more."""
    stops = "its handler stops here" in drowsy.log.read_text(encoding="utf-8")
    return stops or posts_of(fleet, incident) == 2


def posts_of(fleet: Fleet, incident: str) -> int:
    """How many messages Slack was told to post of that incident, its thread aside."""
    asked = [one for one in fleet.desk.requests("slack") if incident in str(one.get("metadata"))]
    posts = [one for one in asked if "chat.postMessage" in str(one["request"])]
    return sum("thread_ts" not in one for one in posts)


def test_notifier_that_slept_before_its_first_post_leaves_one_message(
    lane: Lane, figures: Figures
) -> None:
    draw, rounds = lane.random("drowsy"), lane.pick(1, 6)
    second = posted = 0
    for _ in range(TRIES * rounds):
        if posted == rounds:
            break
        seconds = draw.uniform(0.0, SLOWEST)
        with running_fleet(PLAN) as fleet, recording(fleet.redis.url) as recorder:
            evidence = sleep_through_an_incident(fleet, recorder, seconds)
            posted += posts_of(fleet, evidence.published[0]) == 2
            violations = check(evidence, RULES)
            fleet.keep_logs = bool(violations)
        second += kinds(violations)["two messages"]
        assert not violations, f"{seconds:.4f} s, {fleet.folder}\n{report(evidence, violations)}"
    what = "second messages of a notifier that slept before its first post"
    figures.add("R2", f"{what}, over {rounds} incidents", second, 0)
    assert posted == rounds
