"""Whatever is dead or hangs: an outcome and a final card stand within the deadline."""

import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence

import pytest

from tests.chaos.campaign import Campaign, campaign
from tests.chaos.evidence import Evidence
from tests.chaos.fleet import FleetPlan
from tests.chaos.load import SCENARIO, SETTINGS
from tests.chaos.replica import Replica
from tests.chaos.rules import Rules
from tests.chaos.story import stories_of
from tests.lane import Figures, Lane

pytestmark = [pytest.mark.xdist_group("chaos"), pytest.mark.timeout(600)]
GRACE_SECONDS = 5.0
OUTCOMES = frozenset({"diagnosed", "inconclusive", "timed_out"})
"""Without tools there is nothing to conclude from, and without a model nobody concludes."""
AUDITED = frozenset({"executed", "repeated", "failed"})
"""A call that the tool servers do not answer fails when time runs out."""
CALLS_OF_A_TURN = 2
Mend = Callable[[], None]
Case = Callable[[Campaign], Mend]
"""Strikes a campaign; what it returns mends that."""


def all_reasoners_are_dead(at: Campaign) -> Mend:
    """Nobody takes turns."""
    return _dead(at, "reasoner")


def all_toolrunners_are_dead(at: Campaign) -> Mend:
    """Nobody makes calls."""
    return _dead(at, "toolrunner")


def servers_are_frozen(at: Campaign) -> Mend:
    """The MCP servers accept calls and never answer.

    They stay so: thawed, they would make the calls that they were asked for long ago.
    """
    (process,) = [part for part in at.fleet.stack.processes if "/servers-" in part.name]
    Replica("servers", "toolrunner", process, 0).freeze()
    since = time.time()
    return lambda: at.strike("toolrunner", "MCP servers frozen", since=since)


def model_hangs(at: Campaign) -> Mend:
    """The model accepts questions and never answers."""
    since = time.time()
    at.fleet.proxy.weather("model", "half-open")

    def mend() -> None:
        at.fleet.proxy.weather("model", "fair")
        at.strike("reasoner", "model hung", since=since)

    return mend


def _dead(at: Campaign, service: str) -> Mend:
    replicas = at.fleet.of(service)
    for replica in replicas:
        at.kill(replica)

    def mend() -> None:
        at.fleet.wait_ready(*[at.fleet.start(service) for _ in replicas])

    return mend


ALONE: tuple[tuple[Case, ...], ...] = (
    (all_reasoners_are_dead,),
    (all_toolrunners_are_dead,),
    (model_hangs,),
    (servers_are_frozen,),
)
TOGETHER: tuple[tuple[Case, ...], ...] = (
    (all_toolrunners_are_dead, all_reasoners_are_dead),
    (servers_are_frozen, model_hangs),
)
"""The sample: the second strikes while the incidents of the first wait for their tools."""


def wait_for_calls(at: Campaign, count: int) -> None:
    """That many tool calls were asked for so far."""
    at.wait("tool calls", lambda: at.recorder.count("tool-calls", "ToolCallRequested") >= count)


def suffer(at: Campaign, cases: Sequence[Case], *, incidents: int, seconds: float) -> None:
    """Incidents published under each of the faults have ended, and the faults are mended.

    The publishing takes that long.
    """
    mends = []
    for case in cases:
        calls = at.recorder.count("tool-calls", "ToolCallRequested")
        mends.append(case(at))
        for _ in range(incidents):
            at.publish(1)
            at.pass_time(seconds / incidents)
        if case is not cases[-1]:
            wait_for_calls(at, calls + CALLS_OF_A_TURN * incidents)
    at.wait("the end of all incidents", lambda: at.open <= 0, 60)
    for mend in mends:
        mend()


def note(
    figures: Figures, names: Mapping[str, str], evidence: Evidence, deadline_seconds: float
) -> float:
    """The figures by fault; how long after its deadline the last card stood."""
    late: dict[str, list[float]] = {}
    outcomes: dict[str, Counter[str]] = {}
    for story in stories_of(evidence).values():
        name = names[story.incident]
        stood_at = story.first_said(story.outcome)
        assert stood_at is not None
        assert story.accepted_at is not None
        late.setdefault(name, []).append(stood_at - story.accepted_at - deadline_seconds)
        outcomes.setdefault(name, Counter())[story.outcome] += 1
    for name, seconds in late.items():
        what = f"{name}, {len(seconds)} incidents, deadline {deadline_seconds:.0f} s"
        figures.add("R3", f"{what}: last card, s after it", max(seconds), GRACE_SECONDS)
        figures.add("R3", f"{what}: outcomes", dict(outcomes[name]))
    return max(max(seconds) for seconds in late.values())


def test_final_card_stands_within_the_deadline_whatever_is_dead_or_hangs(
    lane: Lane, figures: Figures
) -> None:
    deadline_seconds = lane.pick(5.0, 15.0)
    settings = {**SETTINGS, "NIGHTSHIFT_DEADLINE_SECONDS": str(deadline_seconds)}
    plan = FleetPlan(scenario=SCENARIO, settings=settings, proxied=frozenset({"model"}))
    names: dict[str, str] = {}
    with campaign(plan) as at:
        for cases in lane.pick(TOGETHER, ALONE):
            before = len(at.published)
            suffer(at, cases, incidents=lane.pick(3, 50), seconds=lane.pick(0.0, 10.0))
            name = " and ".join(case.__name__.replace("_", " ") for case in cases)
            names |= dict.fromkeys(at.published[before:], name)
        at.wait_for_ends(60)
        rules = Rules(
            deadline_seconds=deadline_seconds,
            grace_seconds=GRACE_SECONDS,
            outcomes=OUTCOMES,
            audited=AUDITED,
        )
        evidence = at.judge(rules, figures, promise="R3", what="all of them")
    assert note(figures, names, evidence, deadline_seconds) <= GRACE_SECONDS
    assert len(names) >= lane.pick(10, 200)
