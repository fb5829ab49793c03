"""Slack and the model are away for minutes: no incident is lost and nothing is set aside."""

import time
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

import pytest

from tests.chaos.campaign import Campaign, campaign
from tests.chaos.evidence import Evidence
from tests.chaos.fleet import FleetPlan
from tests.chaos.load import SCENARIO
from tests.chaos.proxy.channel import Weather
from tests.chaos.proxy.passage import Answer, Passage, Phase, Verdict
from tests.chaos.proxy.proxy import Proxy
from tests.chaos.rules import Rules
from tests.chaos.story import stories_of
from tests.lane import Figures, Lane

pytestmark = [pytest.mark.xdist_group("chaos"), pytest.mark.timeout(420)]
KINDS = ("refused", "503", "no answer")
"""A third of an outage each."""
WEATHER: Mapping[str, Weather] = {"refused": "refused", "no answer": "black hole"}
"""In a black hole requests are late, not lost: some reach Slack long after their sender gave up."""
SERVICE_OF = {"slack": "notifier", "model": "reasoner"}
SAYS_503 = Answer(503, body=b'{"ok": false, "error": "service_unavailable"}')
Change = tuple[float, str, str]


@dataclass
class Outages:
    """Which channels are out, and in what way."""

    proxy: Proxy
    out: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.proxy.hook = self._answer

    def change(self, channel: str, kind: str) -> None:
        """From now on the channel is out in that way, or works again (`fair`)."""
        self.out[channel] = kind
        self.proxy.weather(channel, WEATHER.get(kind, "fair"))

    def _answer(self, passage: Passage, phase: Phase) -> Verdict | None:
        is_out = self.out.get(passage.channel) == "503" and phase == "before"
        return SAYS_503 if is_out else None


def changes(seconds: float) -> Iterator[Change]:
    """Slack is out at once, the model somewhat later, so that incidents end meanwhile."""
    for channel, begins in (("slack", 0.0), ("model", seconds / 4)):
        for number, kind in enumerate(KINDS):
            yield begins + number * seconds / len(KINDS), channel, kind
        yield begins + seconds, channel, "fair"


def endure(at: Campaign, seconds: float, *, incidents: int) -> None:
    """Both outages are over, and incidents were published all the time."""
    outages = Outages(at.fleet.proxy)
    waiting = sorted(changes(seconds))
    ends = waiting[-1][0]
    began, clock = time.monotonic(), time.time()

    def over() -> bool:
        passed = time.monotonic() - began
        while waiting and waiting[0][0] <= passed:
            _, channel, kind = waiting.pop(0)
            outages.change(channel, kind)
            if kind == "fair":
                at.strike(SERVICE_OF[channel], f"{channel} was away", since=clock)
        if len(at.published) < min(incidents, incidents * passed / ends + 1):
            at.publish(1)
        return not waiting

    at.wait("the end of the outages", over, ends + 10)
    at.publish(incidents - len(at.published))


def note(figures: Figures, at: Campaign, evidence: Evidence, what: str) -> Counter[str]:
    """The figures, and how often each outcome was reached."""
    stories = list(stories_of(evidence).values())
    outcomes = Counter(story.outcome for story in stories)
    slack_is_back, model_is_back = sorted(fault.until for fault in at.faults)
    meanwhile = sum(story.outcomes[0].at < slack_is_back for story in stories)
    last_card = max(story.first_said(story.outcome) or 0.0 for story in stories)
    figures.add("outage", f"{what}: outcomes", dict(outcomes), "diagnosed only")
    figures.add("outage", f"{what}: ended while Slack was away", meanwhile)
    figures.add("outage", f"{what}: last final card, s after both", last_card - model_is_back)
    return outcomes


def test_outages_of_slack_and_model_lose_no_incident_and_set_nothing_aside(
    lane: Lane, figures: Figures
) -> None:
    seconds, lease = lane.pick((8.0, 3.0), (120.0, 30.0))
    settings = {
        "NIGHTSHIFT_LEASE_SECONDS": str(lease),
        "NIGHTSHIFT_FINAL_REPEAT_SECONDS": "1",
        "NIGHTSHIFT_MAX_DAY_COST_USD": "100000",
    }
    plan = FleetPlan(
        scenario=SCENARIO,
        settings=settings,
        model_seconds=0.2,
        proxied=frozenset({"slack", "model"}),
    )
    with campaign(plan) as at:
        endure(at, seconds, incidents=lane.pick(10, 60))
        at.wait_for_ends(lane.pick(30, 150))
        what = f"Slack and model away for {seconds:.0f} s each (refused, 503, no answer)"
        rules = Rules(deadline_seconds=300)
        evidence = at.judge(rules, figures, promise="outage", what=what)
        outcomes = note(figures, at, evidence, what)
    assert set(outcomes) == {"diagnosed"}
