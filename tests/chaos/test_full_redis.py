"""A full Redis: new incidents are refused or wait in the queue, open ones end, work goes on."""

import time

import pytest
from redis.exceptions import OutOfMemoryError

from tests.chaos.fleet import FleetPlan, running_fleet
from tests.lane import Figures, Lane
from tests.loop.test_one_incident import alarm

pytestmark = [pytest.mark.xdist_group("chaos"), pytest.mark.timeout(180)]
DEADLINE_SECONDS = 12
RECOVERY_SECONDS = 10
SETTINGS = {
    "NIGHTSHIFT_LEASE_SECONDS": "2",
    "NIGHTSHIFT_DEADLINE_SECONDS": str(DEADLINE_SECONDS),
    "NIGHTSHIFT_FINAL_REPEAT_SECONDS": "1",
}


def test_full_redis_refuses_new_incidents_and_ends_open_ones(lane: Lane, figures: Figures) -> None:
    count = lane.pick(4, 40)
    plan = FleetPlan(replicas={"reasoner": 1, "toolrunner": 1}, settings=SETTINGS, model_seconds=1)
    with running_fleet(plan) as fleet:
        desk = fleet.desk
        incidents = [
            desk.publish(service="cartservice", summary=f"open, number {number}")
            for number in range(count)
        ]
        desk.wait("work on every one", lambda: all(desk.turn(inc) >= 2 for inc in incidents))
        desk.redis.config_set("maxmemory", 1)
        full_at = time.monotonic()
        with pytest.raises(OutOfMemoryError):
            desk.publish(service="cartservice", summary="refused")
        desk.alarm_body(alarm("cartservice-while-full"))
        for incident in incidents:
            desk.wait_for_end(incident, DEADLINE_SECONDS + 10)
        ended_after = time.monotonic() - full_at
        assert set(desk.incidents()) == set(incidents)
        desk.redis.config_set("maxmemory", 0)
        space_at = time.monotonic()
        desk.wait("the waiting alarm", lambda: len(desk.incidents()) == count + 1, 30)
        recovered = time.monotonic() - space_at
        (waited,) = set(desk.incidents()) - set(incidents)
        assert desk.wait_for_end(waited).outcome == "diagnosed"
        assert [len(desk.messages(incident)) for incident in [*incidents, waited]] == [1] * (
            count + 1
        )
    figures.add("R9", f"open incidents that ended while Redis was full (of {count})", count, count)
    figures.add("R9", "the last of them, seconds after it was full", ended_after)
    figures.add("R9", "work after space was free again, seconds", recovered, "<= 10")
    assert recovered <= RECOVERY_SECONDS
