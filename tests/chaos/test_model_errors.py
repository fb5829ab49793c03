"""A model that fails three times of ten, is away for a minute, or asks to wait for an hour (R13).

In the full lane only; `tests/reasoner/test_model_errors.py` is the sample.
"""

import time
from collections import Counter
from collections.abc import Iterator
from datetime import datetime
from typing import Any

import pytest

from bus.streams import TURNS, Keys
from tests.chaos.load import SCENARIO
from tests.chaos.model_errors import DIAGNOSED, ERRORS, MOST_TOKENS, at_a_rate, tokens
from tests.chaos.struck import Struck, struck_stack, wrong
from tests.lane import Figures, Lane
from tests.loop.desk import PREFIX

pytestmark = [pytest.mark.xdist_group("chaos"), pytest.mark.timeout(900)]
AWAY_SECONDS = 60
LONG_WAIT = 3600
CLEAN, INCIDENTS, AT_ONCE = 5, 300, 20
DURING = 20
ALLOWED_SECONDS = 5
"""After the deadline, for the sweep (R3)."""
ROOMY = {
    "NIGHTSHIFT_DEADLINE_SECONDS": "150",
    "NIGHTSHIFT_MODEL_SECONDS": "90",
    "NIGHTSHIFT_MAX_TURNS": "12",
    "NIGHTSHIFT_MAX_TOOL_CALLS": "40",
    "NIGHTSHIFT_MAX_DAY_COST_USD": "100000",
    "NIGHTSHIFT_MODEL_PAUSE_SECONDS": "5",
}
STRICT = {"NIGHTSHIFT_MAX_DAY_COST_USD": "100000", "NIGHTSHIFT_MODEL_PAUSE_SECONDS": "5"}


@pytest.fixture(autouse=True)
def _full_only(lane: Lane) -> None:
    if not lane.full:
        pytest.skip("in the full lane only")


@pytest.fixture(scope="module")
def roomy(lane: Lane) -> Iterator[Struck]:
    """Half the default deadline, the default limits."""
    if not lane.full:
        pytest.skip("in the full lane only")
    with struck_stack(settings=ROOMY, scenario=SCENARIO, model_seconds=0.05) as struck:
        yield struck


@pytest.fixture(scope="module")
def strict(lane: Lane) -> Iterator[Struck]:
    """A deadline that an outage of a minute outlasts."""
    if not lane.full:
        pytest.skip("in the full lane only")
    with struck_stack(settings=STRICT, scenario=SCENARIO, model_seconds=0.05) as struck:
        yield struck


def asked_of(struck: Struck, incidents: list[str]) -> list[dict[str, Any]]:
    """The request log of those incidents."""
    cases = [struck.cases[each] for each in incidents]
    lines = struck.desk.requests("model")
    return [line for line in lines if any(case in str(line.get("opening")) for case in cases)]


def outcomes(struck: Struck, incidents: list[str]) -> Counter[str | None]:
    return Counter(struck.ended(each).outcome for each in incidents)


def lateness(struck: Struck, incidents: list[str]) -> float:
    """Seconds from the deadline to the latest outcome; negative before it."""
    records = [struck.ended(each) for each in incidents]
    return max(
        (record.ended_at - record.deadline_at).total_seconds()
        for record in records
        if record.ended_at is not None
    )


def asked_late(struck: Struck, incidents: list[str]) -> int:
    """Model calls of those incidents that began after their deadline."""
    late = 0
    for each in incidents:
        deadline = struck.ended(each).deadline_at
        began = [line["began_at"] for line in asked_of(struck, [each])]
        late += sum(datetime.fromisoformat(str(at)) > deadline for at in began)
    return late


def held(struck: Struck) -> int:
    """Turns that a reasoner still holds."""
    waiting: Any = struck.desk.redis.xpending(Keys(PREFIX).stream(TURNS), "reasoner")
    return int(waiting["pending"])


def wait_until(struck: Struck, moment: float) -> None:
    struck.wait("a moment", lambda: time.monotonic() >= moment, seconds=AWAY_SECONDS + 10)


def endure(struck: Struck, fault: dict[str, Any], name: str, *, seconds: float) -> list[str]:
    """Incidents that were opened while that fault struck every call."""
    struck.plan({"stand_in": "model", "times": 0} | fault)
    began = time.monotonic()
    incidents = [f"{name}-{number}" for number in range(DURING)]
    for number, each in enumerate(incidents):
        wait_until(struck, began + number * seconds * 2 / 3 / DURING)
        struck.open(each)
    wait_until(struck, began + seconds)
    struck.over()
    struck.wait("the ends", lambda: all(map(struck.has_ended, incidents)), seconds=200)
    return incidents


def test_at_30_percent_errors_99_percent_are_diagnosed_for_few_tokens_more(
    roomy: Struck, lane: Lane, figures: Figures
) -> None:
    chance = lane.random("model errors")
    clean = [f"clean-{number}" for number in range(CLEAN)]
    for each in clean:
        roomy.open(each)
    roomy.wait_for_ends()
    per_incident = tokens(asked_of(roomy, clean)) / CLEAN
    struck = [f"errors-{number}" for number in range(INCIDENTS)]
    for each in struck:
        roomy.wait_for_ends(but=AT_ONCE)
        errors = [fault | {"seconds": 1} for fault in at_a_rate(chance, roomy.next_case())]
        roomy.plan(*errors)
        roomy.open(each)
    roomy.wait("the ends", lambda: all(map(roomy.has_ended, struck)), seconds=200)
    lines = asked_of(roomy, struck)
    failed = sum("fault" in line for line in lines)
    ended = outcomes(roomy, struck)
    ratio = tokens(lines) / (INCIDENTS * per_incident)
    size = f"{failed} of {len(lines)} model calls fail ({len(ERRORS)} kinds)"
    figures.add("R13", f"{size}: outcomes of {INCIDENTS}", dict(ended), f">= {DIAGNOSED} diagnosed")
    figures.add("R13", f"{size}: times the tokens without errors", ratio, MOST_TOKENS)
    figures.add("R13", f"{size}: latest outcome after the deadline, s", lateness(roomy, struck))
    assert 0.25 < failed / len(lines) < 0.35
    assert ended["diagnosed"] / INCIDENTS >= DIAGNOSED
    assert ratio <= MOST_TOKENS


def test_a_minute_without_a_model_delays_what_has_time_and_loses_nothing(
    roomy: Struck, figures: Figures
) -> None:
    roomy.over()
    incidents = endure(roomy, {"fault": "overloaded"}, "away", seconds=AWAY_SECONDS)
    size = f"model away for {AWAY_SECONDS} s, deadline 150 s, {DURING} incidents"
    ended, lines = outcomes(roomy, incidents), asked_of(roomy, incidents)
    refused = sum(line["status"] == 529 for line in lines)
    figures.add("R13", f"{size}: outcomes", dict(ended), "diagnosed only")
    figures.add("R13", f"{size}: calls that were refused", refused)
    assert set(ended) == {"diagnosed"}


def test_every_incident_has_its_one_message(roomy: Struck) -> None:
    roomy.wait("every card", roomy.all_told, seconds=60)
    assert wrong(roomy.cards()) == 0
    assert roomy.unmet == []


@pytest.mark.parametrize(
    ("name", "fault"),
    [
        ("outage", {"fault": "overloaded"}),
        ("hang", {"fault": "hang", "seconds": 600}),
        ("hour", {"fault": "rate_limited", "seconds": LONG_WAIT}),
    ],
)
def test_what_outlasts_the_deadline_ends_at_it_and_nobody_sleeps_beyond(
    strict: Struck, figures: Figures, name: str, fault: dict[str, Any]
) -> None:
    incidents = endure(strict, fault, name, seconds=AWAY_SECONDS)
    size = f"{name} of {AWAY_SECONDS} s, deadline 20 s, {DURING} incidents"
    late, asked = lateness(strict, incidents), asked_of(strict, incidents)
    figures.add("R13", f"{size}: outcomes", dict(outcomes(strict, incidents)))
    figures.add("R13", f"{size}: latest outcome after the deadline, s", late, ALLOWED_SECONDS)
    figures.add("R13", f"{size}: calls begun after it", asked_late(strict, incidents), 0)
    figures.add("R13", f"{size}: calls in all", len(asked))
    strict.wait("no turn is held", lambda: held(strict) == 0, seconds=10)
    assert late <= ALLOWED_SECONDS
    assert asked_late(strict, incidents) == 0
    assert strict.unmet == []
