"""Somebody who can write to Redis forges every event, and repeats real ones, during an incident."""

from typing import Any

import pytest

from bus.envelope import entry_fields
from bus.events import IncidentOpened, InvestigationId
from bus.streams import STREAM_OF
from cli.envelope_keys import stepped, value
from cli.stack import SERVICES, call
from tests.bus.test_seals import EVENTS
from tests.chaos.fleet import Fleet, FleetPlan, running_fleet
from tests.chaos.load import SETTINGS
from tests.chaos.struck import final
from tests.lane import Figures, Lane
from tests.loop.desk import PREFIX

pytestmark = [pytest.mark.xdist_group("chaos"), pytest.mark.timeout(300)]
KEYS = stepped({}, "new")
PLAN = FleetPlan(
    replicas={"reasoner": 1, "toolrunner": 1, "notifier": 1},
    model_seconds=0.3,
    settings=SETTINGS | {"NIGHTSHIFT_ENVELOPES": "require"},
    own={name: {"NIGHTSHIFT_ENVELOPE_KEYS": value(KEYS, name)} for name in SERVICES},
)
REFUSED = {
    "turns": 1,
    "tool-calls": 1,
    "tool-results": 1,
    "updates": 6,
    "progress": 1,
    "diagnoses": 1,
    "notices": 1,
}
"""Dead letters: one for each forged entry and each group that reads it."""
REPEATED = ("turns", "tool-calls", "tool-results", "progress")
AT_TURNS = (1, 2, 3)
"""When it happens: once that turn is due."""


def test_forged_and_repeated_entries_change_nothing_about_an_incident(
    lane: Lane, figures: Figures
) -> None:
    """tests/bus/test_refused.py has the sample."""
    if not lane.full:
        pytest.skip("the full lane runs it: --full")
    with running_fleet(PLAN) as fleet:
        for number, turn in enumerate(AT_TURNS, 1):
            attack(fleet, turn, number=number)
    figures.add("T14", "forged entries during incidents: accepted", 0, 0)


def attack(fleet: Fleet, turn: int, *, number: int) -> None:
    """All of it happened once the turn was due; the incident ended as if nothing had."""
    desk = fleet.desk
    incident = desk.publish(service="cartservice", summary=f"HTTP 500 on checkout, {number}")
    desk.wait("the turn", lambda: desk.turn(incident) >= turn)
    repeat(fleet)
    forge(fleet, incident)
    desk.wait("its signed end", lambda: "InvestigationStopped" in signed(fleet, incident), 60)
    record = desk.record(incident)
    assert record is not None
    assert record.outcome == "diagnosed"
    assert all(each.state == "ok" for each in record.calls)
    desk.wait("the final card", lambda: [final(one) for one in desk.messages(incident)] == [True])
    desk.wait("dead letters", lambda: letters(fleet) == {n: number * c for n, c in REFUSED.items()})
    assert signed(fleet, incident) == ["InvestigationStopped"]
    desk.wait("a notice", lambda: "it is not signed" in slack(fleet))


def signed(fleet: Fleet, incident: str) -> list[str]:
    """What stands about it on `stops` and is not forged."""
    found = [each for each in fleet.desk.entries("stops") if incident in each["data"]]
    return [each["event"] for each in found if "sender" in each]


def forge(fleet: Fleet, incident: str) -> None:
    """Every event about that incident, unsigned."""
    inv = InvestigationId(incident)
    for kind, event in EVENTS.items():
        about = "investigation_id" in kind.model_fields
        forged = event.model_copy(update={"investigation_id": inv}) if about else event
        if kind is not IncidentOpened:
            fields: dict[Any, Any] = dict(entry_fields(forged).items())
            fleet.desk.redis.xadd(PREFIX + STREAM_OF[kind].name, fields)


def repeat(fleet: Fleet) -> None:
    """Every signed entry so far once more, as it stands."""
    for stream in REPEATED:
        rows: Any = fleet.desk.redis.xrange(PREFIX + stream)
        for fields in [fields for _, fields in rows if b"sender" in fields]:
            fleet.desk.redis.xadd(PREFIX + stream, fields)


def letters(fleet: Fleet) -> dict[str, int]:
    """How many dead letters there are, by stream."""
    found = {name: fleet.desk.redis.xlen(f"{PREFIX}{name}.dead") for name in REFUSED}
    return {name: int(count) for name, count in found.items()}


def slack(fleet: Fleet) -> str:
    return str(call(f"{fleet.stack.control}/_simulator/messages"))
