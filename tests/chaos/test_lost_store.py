"""Redis comes back with less than it had, or with nothing: nobody goes on with it."""

import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.error import HTTPError
from urllib.request import urlopen

import pytest

from bus.connection import as_text
from cli.stack import call
from tests.chaos.append_only import (
    Cut,
    Damage,
    Deleted,
    OlderCopy,
    Whole,
    append_only_file,
    bytes_since,
)
from tests.chaos.fleet import Fleet, FleetPlan, running_fleet
from tests.chaos.replica import Replica
from tests.lane import Figures, Lane
from tests.loop.desk import PREFIX
from tests.loop.test_one_incident import alarm

pytestmark = [pytest.mark.xdist_group("chaos"), pytest.mark.timeout(420)]
SETTINGS = {
    "NIGHTSHIFT_LEASE_SECONDS": "2",
    "NIGHTSHIFT_FINAL_REPEAT_SECONDS": "1",
    "NIGHTSHIFT_QUEUE_VISIBILITY_SECONDS": "5",
}
REFUSED_SECONDS = 10
QUIET_SECONDS = 3
LONGEST_CUT = 4096


@pytest.fixture(scope="module")
def fleet() -> Iterator[Fleet]:
    one_each = {"reasoner": 1, "toolrunner": 1, "notifier": 1}
    with running_fleet(FleetPlan(replicas=one_each, settings=SETTINGS)) as running:
        yield running


def test_redis_that_comes_back_whole_stops_nobody(fleet: Fleet) -> None:
    known = entry_that_all_know(fleet)
    come_back(fleet, Whole(), known)
    assert last_id(fleet) >= known
    incident = fleet.desk.publish(service="cartservice", summary="after a restart of Redis")
    assert fleet.desk.wait_for_end(incident, 60).outcome == "diagnosed"
    fleet.wait_ready()
    assert [trouble(replica) for replica in fleet.replicas] == [""] * 4


def test_a_store_that_lost_something_is_refused_by_all_and_another_by_nobody(
    fleet: Fleet, lane: Lane, figures: Figures, tmp_path: Path
) -> None:
    """A cut may lose no entry at all: acknowledgements, renewals. Then all go on."""
    others: list[Damage] = [OlderCopy(fleet.redis.folder, tmp_path / "copy"), Deleted()]
    cuts: list[Damage] = [Cut(size) for size in (1, 7, 64, 300, 700, 1500, LONGEST_CUT)]
    slowest, lost = 0.0, 0
    reaching: list[Damage] = [Cut(0)]
    for damage in lane.pick(reaching, [*reaching, *cuts, *others]):
        known = entry_that_all_know(fleet)
        come_back(fleet, damage, known)
        if last_id(fleet) >= known:
            fleet.wait_ready()
            continue
        slowest, lost = max(slowest, all_refuse(fleet, damage.words)), lost + 1
        start_again(fleet, damage)
    assert lost >= lane.pick(1, 3)
    figures.add("R8", "stores that had lost entries, refused by all four services", lost)
    figures.add("R8", "refusal after Redis was back, slowest service (s)", slowest, "<= 10")


def entry_that_all_know(fleet: Fleet) -> str:
    """An entry that every service has seen, within the last 4,096 bytes of the file."""
    while True:
        entry_id = entry_that_was_looked_at(fleet)
        if bytes_since(append_only_file(fleet.redis.folder), entry_id) <= LONGEST_CUT:
            return entry_id


def entry_that_was_looked_at(fleet: Fleet) -> str:
    fields: Any = {
        "event": "StopRequested",
        "data": json.dumps({"investigation_id": "nobody", "outcome": "failed"}),
        "padding": "x" * 300,
    }
    entry_id = as_text(fleet.desk.redis.xadd(PREFIX + "stops", fields))
    written = int(entry_id.partition("-")[0])
    fleet.desk.wait("two looks", lambda: now_ms(fleet) > written + 2500)
    return entry_id


def come_back(fleet: Fleet, damage: Damage, known: str) -> None:
    """Redis was killed, its files were damaged, and it runs again."""
    fleet.redis.kill()
    damage.do(fleet.redis.folder, known)
    fleet.redis.start()


def all_refuse(fleet: Fleet, words: str) -> float:
    """How long it took until each service was up, unready with these words, and quiet."""
    began = time.monotonic()
    fleet.desk.wait(
        "refusal by all",
        lambda: all(words in trouble(replica) for replica in fleet.replicas),
        REFUSED_SECONDS + 5,
    )
    seconds = time.monotonic() - began
    assert seconds <= REFUSED_SECONDS
    for replica in fleet.replicas:
        address = f"http://127.0.0.1:{replica.port}"
        assert fleet.desk.get(f"{address}/healthz") == (200, "ok")
        metric = fleet.desk.get(f"{address}/metrics")[1].partition("\nnightshift_store_refused")[2]
        assert metric.split()[1] == "1.0"
        assert "lost data" in replica.log.read_text(encoding="utf-8")
    return seconds


def start_again(fleet: Fleet, damage: Damage) -> None:
    """Nothing is consumed until the services are started again; then what waited comes through."""
    desk, name = fleet.desk, f"cartservice-gap-{damage}"
    incident = desk.publish(service="cartservice", summary=f"of the gap, {damage}")
    desk.alarm_body(alarm(name))
    written = now_ms(fleet)
    before = everything(fleet)
    desk.wait("quiet", lambda: now_ms(fleet) > written + 1000 * QUIET_SECONDS)
    assert everything(fleet) == before
    for replica in fleet.replicas:
        fleet.replace(replica)
    fleet.wait_ready()
    assert desk.wait_for_end(incident, 60).outcome == "diagnosed"
    desk.wait("the alarm of the gap", lambda: name in incidents(fleet), 60)
    begun = "A new store was begun"
    desk.wait("a notice", lambda: begun in slack(fleet) or not isinstance(damage, Deleted), 60)


def trouble(replica: Replica) -> str:
    """What the service says is wrong with its store."""
    try:
        with urlopen(f"http://127.0.0.1:{replica.port}/readyz", timeout=5) as answer:
            text = answer.read()
    except HTTPError as error:
        text = error.read()
    return str(json.loads(text)["problems"].get("store", ""))


def everything(fleet: Fleet) -> dict[bytes, object]:
    """Every key with all that it holds, for streams the state of their groups, too."""
    keys: Any = fleet.desk.redis.keys(PREFIX + "*")
    return {key: fleet.desk.redis.dump(key) for key in keys}


def last_id(fleet: Fleet) -> str:
    """The id that the stream of the known entry has reached."""
    key = PREFIX + "stops"
    info: Any = fleet.desk.redis.xinfo_stream(key) if fleet.desk.redis.exists(key) else {}
    return as_text(info.get("last-generated-id", ""))


def incidents(fleet: Fleet) -> str:
    return "".join(entry["data"] for entry in fleet.desk.entries("incidents"))


def slack(fleet: Fleet) -> str:
    return json.dumps(call(f"{fleet.stack.control}/_simulator/messages"))


def now_ms(fleet: Fleet) -> float:
    """The time by Redis."""
    seconds, microseconds = fleet.desk.redis.time()
    return float(seconds) * 1000 + float(microseconds) / 1000
