"""Under each single fault of the model or of Slack an incident ends once, with one message.

All of them meet their faults in one running stack, and no call of one is struck for another.
"""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from services.reasoner.budget import calls_sent
from simulator.known_faults import KNOWN_FAULTS
from simulator.slack.faulty import possible
from tests.chaos.struck import (
    FOR_GOOD,
    LAST_WORDS,
    MAX_COST_USD,
    MAX_REQUESTS,
    MAX_TOOL_CALLS,
    MAX_TURNS,
    Struck,
    ends,
    final,
    struck_stack,
    wrong,
)
from tests.lane import Figures, Lane

pytestmark = [pytest.mark.xdist_group("chaos"), pytest.mark.timeout(300)]
MODEL = [(name, kind) for name in sorted(KNOWN_FAULTS["model"]) for kind in ("once", "always")]


SLACK = [
    (method, name, kind)
    for method in ("chat.postMessage", "chat.update")
    for name in sorted(possible(method))
    for kind in ("once", "always")
]
OF_EACH = 5
"""So many of Slack and so many of the model the sample draws; the full lane plays all of them."""
AT_ONCE = 12
STRIKES = "a strike of every fault"


@dataclass(frozen=True)
class Seen:
    """All that is known once every incident has ended and, then, every fault was over."""

    struck: Struck
    requests: Counter[str]
    strikes: dict[str, int]
    edited: list[str]
    """Where an edit was to be struck, by incident, and had gone through when the faults ended."""
    cards: dict[str, list[dict[str, Any]]]


@pytest.fixture(scope="module")
def seen(lane: Lane, figures: Figures) -> Iterator[Seen]:
    """Each fault strikes one incident in its first call and another one in every call."""
    strikes: dict[str, int] = {}
    chance = lane.random("single faults")
    slack = SLACK if lane.full else chance.sample(SLACK, OF_EACH)
    model = MODEL if lane.full else chance.sample(MODEL, OF_EACH)
    with struck_stack(settings={}) as struck:
        for method, name, kind in slack:
            _strike_slack(struck, method, name=name, kind=kind)
        struck.wait_for_ends()
        struck.wait(STRIKES, struck.all_struck, seconds=20)
        edited = _edited(struck.cards())
        strikes |= struck.over()
        for name, kind in model:
            _strike_model(struck, name, kind)
        struck.wait_for_ends()
        strikes |= struck.over()
        struck.wait("every card", struck.all_told, seconds=40)
        cards = struck.cards()
        size = f"single faults of the model and of Slack, {len(struck.cases)} incidents"
        figures.add("R2", f"{size}: without their one final message", wrong(cards), 0)
        yield Seen(struck, struck.asked(), strikes, edited, cards)


def _strike_slack(struck: Struck, method: str, *, name: str, kind: str) -> None:
    incident = _incident(method, name, kind=kind)
    fault = {"stand_in": "slack", "fault": name, "where": f"{method} {incident}", "seconds": 1}
    struck.wait_for_ends(but=AT_ONCE)
    struck.plan(fault | {"times": int(kind == "once")})
    struck.open(incident)


def _strike_model(struck: Struck, name: str, kind: str) -> None:
    where, seconds = struck.next_case(), 60 if name == "hang" else 1
    fault = {"stand_in": "model", "fault": name, "where": where, "seconds": seconds}
    struck.plan(fault | {"times": int(kind == "once")})
    struck.open(f"{name}-{kind}")


def _incident(method: str, name: str, *, kind: str) -> str:
    return f"slack-{100 + SLACK.index((method, name, kind))}"


def _edited(cards: dict[str, list[dict[str, Any]]]) -> list[str]:
    said = [(incident, message) for incident, messages in cards.items() for message in messages]
    return [f"chat.update {incident}" for incident, message in said if "edited" in message]


def test_nothing_was_waited_for_in_vain_and_every_fault_that_had_a_call_to_strike_did(
    seen: Seen,
) -> None:
    """A message that is posted late is final at once, and then there is no edit to strike."""
    assert [what for what in seen.struck.unmet if STRIKES not in what] == []
    missed = [where for where, count in seen.strikes.items() if count == 0]
    assert [where for where in missed if not where.startswith("chat.update ")] == []
    assert [where for where in missed if where in seen.edited] == []
    assert any(count for where, count in seen.strikes.items() if where.startswith("chat.update "))


@pytest.mark.parametrize(("method", "name", "kind"), SLACK)
def test_a_fault_of_slack_costs_no_message_makes_no_second_one_and_changes_no_outcome(
    seen: Seen, method: str, name: str, kind: str
) -> None:
    incident = _incident(method, name, kind=kind)
    if incident not in seen.cards:
        pytest.skip("in the full lane only")
    assert seen.struck.ended(incident).outcome == "diagnosed"
    assert [final(message) for message in seen.cards[incident]] == [True]


@pytest.mark.parametrize(("name", "kind"), MODEL)
def test_a_fault_of_the_model_ends_with_one_outcome_one_message_and_within_bounds(
    seen: Seen, name: str, kind: str
) -> None:
    incident = f"{name}-{kind}"
    if incident not in seen.cards:
        pytest.skip("in the full lane only")
    record = seen.struck.ended(incident)
    assert seen.strikes[seen.struck.cases[incident]] >= 1, "the fault never struck"
    assert [final(message) for message in seen.cards[incident]] == [True]
    assert seen.requests[incident] <= MAX_REQUESTS
    assert record.spend.model_calls <= MAX_TURNS + LAST_WORDS
    assert calls_sent(record) <= MAX_TOOL_CALLS
    assert (record.spend.cost_usd or 0.0) <= MAX_COST_USD
    for_good = kind == "always" or name in FOR_GOOD
    assert record.outcome in (ends(name) if for_good else ["diagnosed"])
