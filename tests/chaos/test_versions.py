"""A rolling upgrade: entries and records of the releases before and after, among those of this one.

A later minor version is read and its fields survive. Another major version is set aside, entry by
entry, and its investigations are left to its own replicas; here there are none, so that a person is
told when their deadline is past. Nothing crashes, and nobody else notices.
"""

import json
from collections import Counter
from typing import Any

import pytest

from bus.connection import as_text
from cli.stack import call
from tests.chaos.fleet import Fleet, FleetPlan, running_fleet
from tests.chaos.load import SCENARIO, SETTINGS
from tests.chaos.recorder import Recorder, recording
from tests.chaos.releases import LATER_FIELD, NEWER, OLDER, OTHER
from tests.lane import Figures, Lane
from tests.loop.desk import PREFIX

pytestmark = [pytest.mark.xdist_group("chaos"), pytest.mark.timeout(300)]
DEADLINE_SECONDS = 15.0
PLAN = FleetPlan(
    scenario=SCENARIO,
    settings={**SETTINGS, "NIGHTSHIFT_DEADLINE_SECONDS": str(DEADLINE_SECONDS)},
)
FOREIGN = "foreign"
FOREIGN_TOLD = {"turns.dead", "tool-calls.dead", "diagnoses.dead"}
NOT_KNOWN = f"schema version {OTHER.version} is not known here"
TELLING = 5
"""Of one entry on every stream so many tell a person, each of its own."""


def wrong_entries(fleet: Fleet) -> int:
    """One entry of the next major version on every stream that a group reads; how many."""
    desk = fleet.desk
    about = {"investigation_id": "inc-none"}
    written = [
        OTHER.incident(desk, "HTTP 500 on checkout, in other words"),
        OTHER.entry(desk, "turns", "TurnDue", values={**about, "step": 1}),
        OTHER.entry(desk, "tool-calls", "ToolCallRequested", values=about),
        OTHER.entry(desk, "tool-results", "ToolCallFinished", values=about),
        OTHER.entry(desk, "updates", "AlarmJoined", values=about),
        OTHER.entry(desk, "diagnoses", "DiagnosisReached", values=about),
        OTHER.entry(desk, "notices", "NoticeRequested", values={"words": "of another release"}),
        OTHER.entry(desk, "progress", "InvestigationProgressed", values=about),
    ]
    OTHER.entry(desk, "stops", "StopRequested", values=about)
    return len(written)


def foreign_investigation(fleet: Fleet) -> None:
    """A record of the next major version, due, with entries that can be read."""
    desk, redis = fleet.desk, fleet.desk.redis
    fields = OTHER.record(desk, FOREIGN, deadline_seconds=DEADLINE_SECONDS)
    fields["state"] = "resting"
    redis.hset(f"{PREFIX}{FOREIGN}:record", mapping=dict(fields.items()))
    redis.expire(f"{PREFIX}{FOREIGN}:record", 3600)
    redis.zadd(f"{PREFIX}deadlines", {FOREIGN: 1.0})
    call_1 = {"investigation_id": FOREIGN, "tool_call_id": "1-1"}
    OLDER.entry(desk, "turns", "TurnDue", values={"investigation_id": FOREIGN, "turn": 1})
    request = {**call_1, "turn": 1, "tool": "kubernetes__list_pods", "arguments": {}}
    OLDER.entry(desk, "tool-calls", "ToolCallRequested", values=request)
    reached = {"investigation_id": FOREIGN, "outcome": "diagnosed"}
    OLDER.entry(desk, "diagnoses", "DiagnosisReached", values=reached)


def ordinary(fleet: Fleet, number: int) -> str:
    """An incident that somebody wrote onto the stream; its id."""
    return fleet.desk.publish(service="cartservice", summary=f"HTTP 500, case-ordinary{number}")


def readable(fleet: Fleet, number: int) -> list[str]:
    """Incidents and investigations of the minor versions before and after; their ids."""
    found = []
    for name, release in (("older", OLDER), ("newer", NEWER)):
        case = f"case-{name}{number}"
        found.append(release.incident(fleet.desk, f"HTTP 500 on checkout, {case}"))
        found.append(
            release.investigation(fleet.desk, f"{case}r", deadline_seconds=DEADLINE_SECONDS)
        )
    return found


def outcomes_of(fleet: Fleet, incidents: list[str]) -> dict[str, int]:
    """How the investigations ended, counted."""
    records = [fleet.desk.record(incident) for incident in incidents]
    return dict(Counter(str(record and record.outcome) for record in records))


def dead(recorder: Recorder) -> list[tuple[str, dict[str, Any]]]:
    """Stream and contents of every dead letter so far."""
    return [
        (stream, json.loads(fields["data"]))
        for stream, _, fields in recorder.rows()
        if stream.endswith(".dead")
    ]


def notices(fleet: Fleet, why: str) -> list[str]:
    """What stands in Slack about entries that were set aside for that reason."""
    url = f"{fleet.stack.control}/_simulator/messages?first=0&count=1000"
    found = call(url)["messages"]
    texts = [str(message.get("text", "")) for message in found]
    return [text for text in texts if "was set aside" in text and why in text]


def test_entries_and_records_of_other_releases_crash_nobody(lane: Lane, figures: Figures) -> None:
    with running_fleet(PLAN) as fleet, recording(fleet.redis.url) as recorder:
        desk, rounds = fleet.desk, lane.pick(2, 20)
        foreign_investigation(fleet)
        accepted: list[str] = []
        normal: list[str] = []
        wrong = 0
        for number in range(rounds):
            begun = [ordinary(fleet, number), ordinary(fleet, number)]
            wrong += wrong_entries(fleet)
            others = readable(fleet, number)
            for incident in (*begun, *others):
                desk.wait_for_end(incident, 60)
            normal += begun
            accepted += others
        desk.wait("what is foreign to be told", lambda: told(recorder) >= FOREIGN_TOLD, 60)
        outcomes = outcomes_of(fleet, accepted), outcomes_of(fleet, normal)
        letters = [one for _, one in dead(recorder) if NOT_KNOWN in one["reason"]]
        expected = TELLING * rounds
        desk.wait("the notices", lambda: len(notices(fleet, NOT_KNOWN)) >= expected, 30)
        desk.wait("the other notice", lambda: notices(fleet, "its record is in schema"), 30)
        posted = len(notices(fleet, NOT_KNOWN))
        kept = [survived(fleet, one) for one in accepted if one.startswith("case-newer")]
        state: Any = desk.redis.hget(f"{PREFIX}{FOREIGN}:record", "state")
        fleet.stack.check()
        crashes = sum(not replica.alive for replica in fleet.stack.replicas)
    figures.add("R17", "crashes of replicas beside other releases", crashes, 0)
    figures.add("R17", "entries and records one minor before or after: outcomes", outcomes[0])
    figures.add("R17", "entries of the next major: dead letters", len(letters), wrong)
    figures.add("R17", "notices about them", posted, expected)
    figures.add("R17", "normal incidents meanwhile: outcomes", outcomes[1])
    assert outcomes == ({"diagnosed": len(accepted)}, {"diagnosed": len(normal)})
    assert len(letters) == wrong
    assert posted == expected
    assert as_text(state) == "resting"
    assert kept == [True] * rounds


def told(recorder: Recorder) -> set[str]:
    """Streams whose entry about the foreign record was set aside."""
    return {
        stream
        for stream, letter in dead(recorder)
        if FOREIGN in letter["fields"]["data"] and "its record is in schema" in letter["reason"]
    }


def survived(fleet: Fleet, investigation_id: str) -> bool:
    """Whether the field that the next release added to the record is as it wrote it."""
    key = f"{PREFIX}{investigation_id}:record"
    left = [as_text(text) for text in fleet.desk.redis.hmget(key, list(LATER_FIELD))]
    return left == [json.dumps(value) for value in LATER_FIELD.values()]
