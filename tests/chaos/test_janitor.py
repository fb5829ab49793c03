"""Streams are trimmed while they are read, killed over and stuck: nothing anybody needs goes.

The janitor runs a hundred times as often as by default and keeps nothing for people.
"""

import time
from collections import Counter
from typing import Any

import pytest

from bus.connection import as_text
from bus.streams import DIAGNOSES, INCIDENTS, STREAMS, TOOL_CALLS, TOOL_RESULTS, TURNS, Stream
from tests.chaos.collecting import pending_of
from tests.chaos.fleet import Fleet, FleetPlan, running_fleet
from tests.chaos.load import SCENARIO, SETTINGS, Load
from tests.chaos.recorder import recording
from tests.lane import Figures, Lane
from tests.loop.desk import PREFIX

pytestmark = [pytest.mark.xdist_group("chaos"), pytest.mark.timeout(600)]
DEADLINE_SECONDS = 90.0
OFTEN = {
    **SETTINGS,
    "NIGHTSHIFT_DEADLINE_SECONDS": str(DEADLINE_SECONDS),
    "NIGHTSHIFT_JANITOR_SECONDS": "0.6",
    "NIGHTSHIFT_KEEP_ACKNOWLEDGED_SECONDS": "0",
}
EMPTIED = (INCIDENTS, TURNS, TOOL_CALLS, TOOL_RESULTS, DIAGNOSES)


def length(fleet: Fleet, stream: Stream) -> int:
    return int(fleet.desk.redis.xlen(PREFIX + stream.name))


def rows_of(fleet: Fleet, stream: Stream) -> list[Any]:
    rows: Any = fleet.desk.redis.xrange(PREFIX + stream.name)
    return list(rows)


def order(entry_id: str) -> tuple[int, int]:
    first, _, second = entry_id.partition("-")
    return int(first), int(second)


def read_by(fleet: Fleet, stream: Stream, group: str) -> tuple[int, int]:
    """The last entry that the group was given."""
    rows: Any = fleet.desk.redis.xinfo_groups(PREFIX + stream.name)
    (last,) = (row["last-delivered-id"] for row in rows if as_text(row["name"]) == group)
    return order(as_text(last))


def unread_that_are_gone(fleet: Fleet, load: Load) -> list[str]:
    """Incidents that the notifiers have not read, and that stand on the stream no more."""
    last = read_by(fleet, INCIDENTS, "notifier")
    there = {as_text(entry_id) for entry_id, _ in rows_of(fleet, INCIDENTS)}
    ids = [incident.removeprefix("inc-") for incident in load.published]
    return [entry_id for entry_id in ids if order(entry_id) > last and entry_id not in there]


def with_a_stuck_group(fleet: Fleet, load: Load, *, seconds: float) -> tuple[int, list[str]]:
    """No notifier moves for a while; what it left unread, and what of that is gone."""
    notifiers = fleet.of("notifier")
    for replica in notifiers:
        replica.freeze()
    load.at_once += 8
    load.until(time.monotonic() + seconds)
    quiet = "turns/reasoner"
    fleet.stack.wait(
        "the others to be through",
        lambda: quiet not in pending_of(fleet.desk.redis),
        seconds=30,
    )
    left = pending_of(fleet.desk.redis).get("incidents/notifier", 0)
    gone = unread_that_are_gone(fleet, load)
    for replica in notifiers:
        replica.thaw()
    return left, gone


def run_to_the_end(fleet: Fleet, load: Load) -> None:
    """Consumers come and go meanwhile; none is killed before the last one's successor works."""
    give_up_at = time.monotonic() + 3 * DEADLINE_SECONDS
    while not load.until(time.monotonic() + 5) and time.monotonic() < give_up_at:
        if load.begun < load.total:
            successors = [fleet.replace(fleet.of(name)[0]) for name in ("reasoner", "toolrunner")]
            fleet.wait_ready(*successors)


def test_trimming_all_the_time_loses_nothing_while_a_group_is_stuck(
    lane: Lane, figures: Figures
) -> None:
    plan = FleetPlan(scenario=SCENARIO, settings=OFTEN, model_seconds=0.3)
    with running_fleet(plan) as fleet, recording(fleet.redis.url) as recorder:
        load = Load(
            fleet, recorder, total=lane.pick(30, 400), at_once=lane.pick(12, 25), join_every=6
        )
        redis, turns = fleet.desk.redis, PREFIX + TURNS.name
        redis.xgroup_create(turns, "never reads", id="0")
        load.until(time.monotonic() + 2)
        left, gone = with_a_stuck_group(fleet, load, seconds=lane.pick(3, 20))
        run_to_the_end(fleet, load)
        there = {as_text(entry_id) for entry_id, _ in rows_of(fleet, TURNS)}
        gone += [row[1] for row in recorder.rows() if row[0] == "turns" and row[1] not in there]
        redis.xgroup_destroy(turns, "never reads")
        fleet.stack.wait("all acknowledged", lambda: not pending_of(redis), seconds=30)
        fleet.stack.wait(
            "all trimmed",
            lambda: sum(length(fleet, stream) for stream in EMPTIED) == 0,
            seconds=10,
        )
        records = [fleet.desk.record(incident) for incident in load.published]
        outcomes = [record.outcome if record else None for record in records]
        dead = [row[2]["data"] for row in recorder.rows() if row[0].endswith(".dead")]
        written = sum(int(added(fleet, stream)) for stream in STREAMS if stream in EMPTIED)
    lost = sum(outcome is None for outcome in outcomes)
    figures.add("R18", f"janitor at 100 x its rate, {load.total} incidents: lost", lost, 0)
    figures.add("R18", "entries that two stuck groups had not read and that went", len(gone), 0)
    figures.add("R18", "entries that they had not read meanwhile", left + len(there))
    figures.add("R18", "entries written, and trimmed at last", written)
    assert min(left, len(there)) > 0
    assert gone == []
    assert dead == []
    assert Counter(outcomes) == {"diagnosed": load.total}


def added(fleet: Fleet, stream: Stream) -> int:
    """How many entries were ever appended, where Redis counts them (7.0 and newer)."""
    rows: Any = fleet.desk.redis.xinfo_stream(PREFIX + stream.name)
    return int(rows.get("entries-added", 0))
