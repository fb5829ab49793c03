"""Poison among good work: each wrong entry is set aside soon, and nobody else is hurt.

The lease is a fifteenth of the default one, and so are the times allowed: 2 min for an entry in
error becomes 8 s, 5 min for one that kills its process becomes 20 s.
"""

from collections import Counter
from dataclasses import dataclass

import pytest

from bus.events import DeadLetter
from cli.stack import call
from tests.chaos.fleet import Fleet, FleetPlan, running_fleet
from tests.chaos.load import LEASE_SECONDS, SCENARIO, SETTINGS, Load
from tests.chaos.poison import KILLS, Killer, errors_of, write_broken, write_wrong
from tests.chaos.recorder import Recorder, recording
from tests.lane import Figures, Lane

pytestmark = [pytest.mark.xdist_group("chaos"), pytest.mark.timeout(600)]
SHARE = LEASE_SECONDS / 30
ERROR_SECONDS, DEATHS_SECONDS = 120 * SHARE, 300 * SHARE
PLAN = FleetPlan(
    scenario=SCENARIO,
    replicas={"reasoner": 3},
    settings={**SETTINGS, "NIGHTSHIFT_DEADLINE_SECONDS": "60"},
    model_seconds=0.4,
    modules={"reasoner": "tests.chaos.frail_reasoner"},
)


FOLLOWS = 1
"""The answer to the broken record's tool call is set aside as well."""


@dataclass(frozen=True, kw_only=True)
class Round:
    """What became of one of each poison."""

    seconds: float
    """Until the last wrong entry was set aside."""
    killed: int
    killer_seconds: float
    killer: str
    written: frozenset[str]


def letters(recorder: Recorder) -> dict[str, float]:
    """When each entry was first set aside, by `stream entry-id`."""
    found: dict[str, float] = {}
    for stream, letter_id, fields in recorder.rows():
        if stream.endswith(".dead"):
            about = entry_of(fields["data"])
            found.setdefault(about, int(letter_id.split("-")[0]) / 1000)
    return found


def entry_of(text: str) -> str:
    """Of which entry a dead letter is."""
    letter = DeadLetter.model_validate_json(text)
    return f"{letter.stream} {letter.entry_id}"


def outcomes(fleet: Fleet, incidents: list[str]) -> dict[str, int]:
    records = [fleet.desk.record(incident) for incident in incidents]
    return dict(Counter(str(record and record.outcome) for record in records))


def messages_of(fleet: Fleet) -> Counter[str]:
    """Top-level messages by incident."""
    found = call(f"{fleet.stack.control}/_simulator/messages?first=0&count=2000")["messages"]
    found = [one for one in found if not one.get("thread_ts")]
    about = [(one.get("metadata") or {}).get("event_payload", {}) for one in found]
    return Counter(str(one.get("incident_id", "")) for one in about)


def one_round(load: Load, number: int, *, good: int) -> Round:
    """One of each poison among so many good incidents, until all are through."""
    fleet, recorder = load.fleet, load.recorder
    written = write_wrong(fleet.desk) | write_broken(fleet.desk, f"broken-{number}")
    killer = Killer(fleet, fleet.desk.publish(service="cartservice", summary=f"{KILLS} {number}"))
    load.total += good
    over: set[str] = set()

    def through() -> bool:
        if load.step():
            over.add("load")
        if killer.strike():
            over.add("killer")
        return over == {"load", "killer"} and written.keys() <= letters(recorder).keys()

    fleet.desk.wait("the poison and the load", through, 120)
    set_aside = letters(recorder)
    return Round(
        seconds=max(set_aside[name] - at for name, at in written.items()),
        killed=len(killer.taken_by),
        killer_seconds=set_aside.get(f"turns {killer.entry_id}", float("inf")) - killer.began,
        killer=killer.incident,
        written=frozenset(written),
    )


def test_poison_is_set_aside_soon_and_hurts_nobody_else(lane: Lane, figures: Figures) -> None:
    with running_fleet(PLAN) as fleet, recording(fleet.redis.url) as recorder:
        load = Load(fleet, recorder, total=0, at_once=10)
        rounds = [
            one_round(load, number, good=lane.pick(25, 50)) for number in range(lane.pick(1, 8))
        ]
        killers = [one.killer for one in rounds]
        for incident in (*load.published, *killers):
            fleet.desk.wait_for_end(incident, 60)
        good, failed = outcomes(fleet, load.published), outcomes(fleet, killers)
        posted = messages_of(fleet)
        errors = errors_of(fleet)
        known = frozenset[str]().union(*(one.written for one in rounds))
        innocent = [name for name in letters(recorder) if name not in known]
        told = [row[2]["data"] for row in recorder.rows() if row[0] == "turns.dead"]
        ended_alone = [
            r.name for r in fleet.stack.replicas if not r.alive and not r.expected_to_end
        ]
    most = max(errors.values())
    slowest = max(one.seconds for one in rounds)
    kills = max(one.killed for one in rounds)
    slowest_killer = max(one.killer_seconds for one in rounds)
    total = sum(len(one.written) for one in rounds)
    figures.add("R11", f"wrong entries of {len(known) // len(rounds)} kinds: set aside", total)
    figures.add("R11", "wrong entries: handler errors of one at most", most, "3")
    figures.add("R11", "wrong entries: seconds until set aside", slowest, f"<= {ERROR_SECONDS:.0f}")
    figures.add("R11", "entry that kills its process: processes killed", kills, "<= 6")
    figures.add(
        "R11",
        f"the same: seconds until set aside at a lease of {LEASE_SECONDS:.0f} s",
        slowest_killer,
        f"<= {DEATHS_SECONDS:.0f}",
    )
    figures.add("R11", f"{len(load.published)} good incidents among them: outcomes", good)
    figures.add("R11", "replicas that ended by themselves", len(ended_alone), 0)
    assert good == {"diagnosed": len(load.published)}, told
    assert failed == {"failed": len(killers)}
    assert {posted[incident] for incident in (*load.published, *killers)} == {1}
    assert len(innocent) == (1 + FOLLOWS) * len(rounds), innocent
    assert most <= 3
    assert slowest <= ERROR_SECONDS
    assert kills <= 6
    assert slowest_killer <= DEATHS_SECONDS
    assert ended_alone == []
