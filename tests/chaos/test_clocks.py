"""A replica's clock is five minutes wrong: deadlines, conclude points and outcomes are as ever.

The wrong clock is Debian's `libfaketime`, preloaded; the monotonic clock stays true, as it does on
a machine whose time of day is wrong. In the sample each service has no other replica, so that all
of its work is done by the wrong clock.
"""

import time
from collections import Counter
from collections.abc import Mapping
from pathlib import Path

import pytest

from tests.chaos.campaign import Campaign, campaign
from tests.chaos.evidence import Evidence
from tests.chaos.fleet import FleetPlan
from tests.chaos.load import SCENARIO, SETTINGS
from tests.chaos.rules import Rules
from tests.chaos.story import stories_of, timeline
from tests.chaos.timestamps import wrong_timestamps
from tests.lane import Figures, Lane

FOUND = sorted(Path("/usr/lib").glob("*/faketime/libfaketimeMT.so.1"))
pytestmark = [
    pytest.mark.xdist_group("chaos"),
    pytest.mark.timeout(300),
    pytest.mark.skipif(not FOUND, reason="libfaketime is not installed"),
]
SERVICES = ("reasoner", "toolrunner", "notifier")
AHEAD_AND_BEHIND = {"reasoner": 300, "toolrunner": -300, "notifier": -300}
BEHIND_AND_AHEAD = {"reasoner": -300, "toolrunner": 300, "notifier": 300}
LATE_SECONDS = 5.0
OUTCOMES = frozenset({"diagnosed", "inconclusive", "timed_out"})
"""Without tools there is nothing to conclude from, and without a model nobody concludes."""
AUDITED = frozenset({"executed", "repeated", "failed"})
"""A call that the tool servers do not answer fails when time runs out."""
INCIDENTS = 3
"""For which nothing answers."""


def wrong_clock(seconds: int) -> dict[str, str]:
    """The environment of a process whose time of day is that much ahead or behind."""
    return {
        "LD_PRELOAD": str(FOUND[0]),
        "FAKETIME": f"{seconds:+d}",
        "FAKETIME_DONT_FAKE_MONOTONIC": "1",
    }


def publish_while_nothing_answers(at: Campaign, channel: str) -> list[str]:
    """The incidents, which ended while that channel hung."""
    since = time.time()
    at.fleet.proxy.weather(channel, "half-open")
    incidents = at.publish(INCIDENTS)
    at.wait("the end of all incidents", lambda: at.open <= 0, 30)
    at.fleet.proxy.weather(channel, "fair")
    at.strike("*", f"{channel} hung", since=since)
    return incidents


def concluded_after(evidence: Evidence, incident: str) -> float:
    """Seconds from an incident's acceptance until the model was told to conclude."""
    story = stories_of(evidence)[incident]
    asked = [one.at for one in story.model_calls() if one.facts.get("concludes")]
    return min(asked) - (story.accepted_at or 0.0)


def ended_after(evidence: Evidence, incident: str) -> float:
    """Seconds from an incident's acceptance until its outcome."""
    story = stories_of(evidence)[incident]
    return story.outcomes[0].at - (story.accepted_at or 0.0)


def skewed(skews: Mapping[str, int], deadline_seconds: float, *, alone: bool) -> FleetPlan:
    """A fleet without the services whose clocks are wrong, or with a true replica beside each."""
    settings = {**SETTINGS, "NIGHTSHIFT_DEADLINE_SECONDS": str(deadline_seconds)}
    return FleetPlan(
        scenario=SCENARIO,
        replicas=dict.fromkeys(skews, 0 if alone else 1),
        settings=settings,
        proxied=frozenset({"mcp", "model"}),
    )


def observe(at: Campaign, skews: Mapping[str, int]) -> tuple[list[str], list[str]]:
    """Who waited for tools and who for the model, while the clocks of those services are wrong."""
    wrong = [at.fleet.start(service, wrong_clock(skew)) for service, skew in skews.items()]
    at.fleet.wait_ready(*wrong)
    at.publish(5)
    at.wait_for_ends(30)
    without_tools = publish_while_nothing_answers(at, "mcp")
    without_model = publish_while_nothing_answers(at, "model")
    at.wait_for_ends(30)
    return without_tools, without_model


def judge_wrong_clocks(
    skews: Mapping[str, int], lane: Lane, figures: Figures, *, alone: bool
) -> None:
    """The clocks of those services were wrong, and nothing came of it."""
    deadline_seconds = 15.0
    clocks = ", ".join(f"{service} {skew:+d} s" for service, skew in skews.items())
    what = f"{clocks}{'' if alone else ', each beside a true one'}"
    with campaign(skewed(skews, deadline_seconds, alone=alone)) as at:
        without_tools, without_model = observe(at, skews)
        rules = Rules(
            deadline_seconds=deadline_seconds,
            grace_seconds=LATE_SECONDS,
            outcomes=OUTCOMES,
            audited=AUDITED,
        )
        evidence = at.judge(rules, figures, promise="R16", what=what)
        records = {one: at.fleet.desk.record(one) for one in at.published}
    found = {name: record for name, record in records.items() if record is not None}
    beside = wrong_timestamps(evidence, found, deadline_seconds)
    figures.add("R16", f"{what}: moments that are not Redis's", len(beside), 0)
    stories = stories_of(evidence)
    others = [one for one in stories if one not in (*without_tools, *without_model)]
    point = 0.8 * deadline_seconds
    concluded = [concluded_after(evidence, one) - point for one in without_tools]
    late = [ended_after(evidence, one) - deadline_seconds for one in without_model]
    assert not beside, "\n".join(beside)
    assert len(without_tools) == len(without_model) == len(concluded) == INCIDENTS
    outcomes = Counter(story.outcome for story in stories.values())
    figures.add("R16", f"{what}: outcomes", dict(outcomes))
    figures.add("R16", f"{what}: concluded, s after its point", max(concluded), LATE_SECONDS)
    figures.add("R16", f"{what}: timed out, s after it", max(late), LATE_SECONDS)
    wrong = [one for one in others if stories[one].outcome != "diagnosed"]
    assert not wrong, timeline(evidence, wrong[0])
    assert {stories[one].outcome for one in without_model} == {"timed_out"}
    assert all(-0.1 <= seconds <= LATE_SECONDS for seconds in concluded)
    assert all(0 <= seconds <= LATE_SECONDS for seconds in late)


def test_wrong_clock_moves_no_deadline_no_conclude_point_and_no_outcome(
    lane: Lane, figures: Figures
) -> None:
    both = (AHEAD_AND_BEHIND, BEHIND_AND_AHEAD)
    runs = [(skews, alone) for skews in both for alone in (True, False)]
    for skews, alone in lane.pick(runs[:1], runs):
        judge_wrong_clocks(skews, lane, figures, alone=alone)
