"""Slack takes a write and does not say so, asks to wait, or fails: one message per incident."""

import itertools
import threading
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field

import pytest

from cli.stack import StackFailed
from tests.chaos.checker import check, report
from tests.chaos.collecting import collect, is_quiet
from tests.chaos.evidence import Fault
from tests.chaos.fleet import Fleet, FleetPlan, running_fleet
from tests.chaos.load import SCENARIO, SETTINGS
from tests.chaos.measuring import kinds
from tests.chaos.proxy.passage import Answer, Cut, Passage, Phase, Verdict
from tests.chaos.recorder import Recorder, recording
from tests.chaos.rules import Rules
from tests.lane import Figures, Lane

pytestmark = [pytest.mark.xdist_group("chaos"), pytest.mark.timeout(600)]
WRITES = (
    "slack chat.postMessage (place)",
    "slack chat.update (progress)",
    "slack chat.update (final)",
)
WAIT = Answer(429, {"Retry-After": "1"}, b'{"ok": false, "error": "ratelimited"}')
DOWN = Answer(502, {"Content-Type": "text/html"}, b"bad gateway")
FAULTS: tuple[tuple[str, Phase, Verdict], ...] = (
    ("dropped, not executed", "before", Cut()),
    ("dropped, executed", "between", Cut()),
    ("429 with Retry-After", "before", WAIT),
    ("502, not executed", "before", DOWN),
    ("502, executed", "between", DOWN),
)


ROUNDS = 6
"""In the full lane; a 429 makes a whole replica wait, so all at once would only be slow."""


@dataclass
class Trouble:
    """The proxy's hook: each incident has its own trouble, so many times."""

    planned: dict[str, tuple[str, Phase, Verdict]] = field(default_factory=dict)
    left: Counter[str] = field(default_factory=Counter)
    faults: list[Fault] = field(default_factory=list)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def plan(
        self, incident: str, write: str, *, fault: tuple[str, Phase, Verdict], times: int
    ) -> None:
        """That write of that incident goes wrong so often."""
        self.planned[incident] = (write, fault[1], fault[2])
        self.left[incident] = times

    def __call__(self, passage: Passage, phase: Phase) -> Verdict | None:
        write, at, verdict = self.planned.get(passage.incident, ("", "", Cut()))
        if (passage.operation, phase) != (write, at):
            return None
        with self._lock:
            if self.left[passage.incident] == 0:
                return None
            self.left[passage.incident] -= 1
        self.faults.append(Fault(passage.at, passage.at, "notifier", passage.said()))
        return verdict


@pytest.fixture
def fleet() -> Iterator[Fleet]:
    plan = FleetPlan(
        scenario=SCENARIO,
        model_seconds=1.5,  # long enough for a message to be placed and edited before the end
        settings={**SETTINGS, "NIGHTSHIFT_PROGRESS_SECONDS": "0"},
        proxied=frozenset({"redis", "slack"}),
    )
    with running_fleet(plan) as running:
        yield running


def all_over(fleet: Fleet, recorder: Recorder, count: int) -> bool:
    ended = recorder.count("stops", "InvestigationStopped")
    return ended >= count and is_quiet(fleet.desk.redis)


def wait_over(fleet: Fleet, recorder: Recorder, count: int) -> None:
    """All have ended; those that have not in time are the checker's to report."""
    try:
        over = "the end of all incidents"
        fleet.stack.wait(over, lambda: all_over(fleet, recorder, count), seconds=60)
    except StackFailed:
        fleet.keep_logs = True


def test_slack_that_drops_refuses_or_fails_gets_one_message_of_each_incident(
    fleet: Fleet, lane: Lane, figures: Figures
) -> None:
    draw = lane.random("slack faults")
    trouble = Trouble()
    fleet.proxy.hook = trouble
    plans = list(itertools.product(WRITES, FAULTS)) * lane.pick(1, ROUNDS)
    at_once = len(WRITES) * len(FAULTS)
    with recording(fleet.redis.url) as recorder:
        for number, (write, fault) in enumerate(plans, start=1):
            incident = f"slack-{number}"
            trouble.plan(incident, write, fault=fault, times=draw.randint(1, lane.pick(1, 2)))
            summary = f"HTTP 500 on checkout, case-{number:04d}"
            fleet.desk.publish(incident_id=incident, service="cartservice", summary=summary)
            if number % at_once == 0:
                wait_over(fleet, recorder, number)
        evidence = collect(fleet, recorder, faults=trouble.faults, published=trouble.planned)
    violations = check(evidence, Rules(deadline_seconds=300))
    found = kinds(violations)
    size = f"Slack drops, 429, 502 on post and edit, {len(plans)} incidents"
    figures.add("R2", f"{size}: faults", len(trouble.faults))
    figures.add("R2", f"{size}: missing messages", found["no message"], 0)
    figures.add("R2", f"{size}: duplicate messages", found["two messages"], 0)
    assert not violations, f"logs: {fleet.folder}\n{report(evidence, violations)}"

    # A slow machine posts a message late, final at once: then there was no edit to strike.
    assert len(trouble.faults) >= 0.5 * len(plans)
