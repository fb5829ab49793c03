"""The master dies in the middle of an investigation, and its Sentinels make the replica the master.

What the replica had, goes on by itself, whatever process was connected to the dead one. What it
had not is lost: then everybody stops until a person restarts them, as with any other loss.
"""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from simulator.redis_sentinels import WatchedRedis, watched_redis
from tests.chaos.fleet import Fleet, FleetPlan, running_fleet
from tests.chaos.load import SETTINGS
from tests.chaos.struck import final
from tests.chaos.test_lost_store import all_refuse, entry_that_was_looked_at, trouble
from tests.lane import Figures, Lane

pytestmark = [pytest.mark.xdist_group("chaos"), pytest.mark.timeout(600)]
ONE_EACH = {"reasoner": 1, "toolrunner": 1, "notifier": 1}
PLAN = FleetPlan(replicas=ONE_EACH, settings=SETTINGS, model_seconds=1.0)
ROUNDS = (1, 8)
LATEST_SECONDS = (0.6, 2.5)
"""Until then after the first turn is due the master dies: turns of a second each are not over."""


def test_an_incident_whose_master_dies_ends_in_its_one_message(
    lane: Lane, figures: Figures, tmp_path: Path
) -> None:
    draw, slowest, on_time = lane.random("failovers"), 0.0, 0
    for number in range(lane.pick(*ROUNDS)):
        with watched_fleet(tmp_path / str(number)) as (fleet, redis):
            seconds = survive(fleet, redis, draw.uniform(0.0, lane.pick(*LATEST_SECONDS)))
            slowest, on_time = max(slowest, seconds), on_time + 1
    figures.add("failover", "masters killed during an incident, one message each", on_time)
    figures.add("failover", "kill of the master to the stop signal, slowest (s)", slowest)


def survive(fleet: Fleet, redis: WatchedRedis, after_seconds: float) -> float:
    """The master was killed so long after the first turn came due; how long it took to the end."""
    desk = fleet.desk
    incident = desk.publish(service="cartservice", summary="HTTP 500 on checkout")
    desk.wait("a record", lambda: desk.turn(incident))
    until = time.monotonic() + after_seconds
    desk.wait("the moment", lambda: time.monotonic() >= until)
    assert not desk.stopped(incident)
    killed = time.monotonic()
    redis.kill()
    record = desk.wait_for_end(incident, 60)
    seconds = time.monotonic() - killed
    assert redis.master_port() == redis.replica.port
    assert record.outcome == "diagnosed"
    desk.wait("the final card", lambda: [final(one) for one in desk.messages(incident)] == [True])
    signals = [entry["event"] for entry in desk.entries("stops") if incident in entry["data"]]
    assert signals == ["InvestigationStopped"]
    fleet.wait_ready()
    assert [trouble(replica) for replica in fleet.replicas] == [""] * 4
    return seconds


def test_what_the_new_master_never_had_stops_everybody_until_they_are_started_again(
    lane: Lane, figures: Figures, tmp_path: Path
) -> None:
    """tests/bus/test_sentinels.py has the sample."""
    if not lane.full:
        pytest.skip("the full lane runs it: --full")
    with watched_fleet(tmp_path / "redis") as (fleet, redis):
        redis.deafen_replica()
        entry_that_was_looked_at(fleet)
        redis.kill()
        seconds = all_refuse(fleet, "is gone, which stood before")
        figures.add("failover", "a lost entry: refusal by the last service (s)", seconds)
        for replica in fleet.replicas:
            fleet.replace(replica)
        fleet.wait_ready()
        incident = fleet.desk.publish(service="cartservice", summary="after the loss")
        assert fleet.desk.wait_for_end(incident, 60).outcome == "diagnosed"


@contextmanager
def watched_fleet(folder: Path) -> Iterator[tuple[Fleet, WatchedRedis]]:
    """One process of each service over a Redis with Sentinels."""
    redis = watched_redis(folder=folder)
    if redis is None:
        pytest.skip("redis-server is not on PATH")
    try:
        redis.start()
        with running_fleet(PLAN, redis) as fleet:
            yield fleet, redis
    finally:
        redis.stop()
