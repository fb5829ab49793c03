"""The power of the Redis node fails: every alarm is on the stream or still in the queue (R7).

SIGKILL alone loses nothing that Redis has written. So the append-only file is cut to what is sure
to be on disk: what Redis has said is (7.2 and newer, and ingest relies on the same word), else the
length that it had two seconds before, which is what a file that is synced every second may lose.
"""

import json
import random
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial

import pytest

from tests.chaos.append_only import SYNCED_SECONDS, Sizes, append_only_file, cut
from tests.chaos.fleet import Fleet, FleetPlan, running_fleet
from tests.lane import Figures, Lane
from tests.loop.test_one_incident import alarm

pytestmark = [pytest.mark.xdist_group("chaos"), pytest.mark.timeout(600)]
PLAN = FleetPlan(
    replicas={"reasoner": 0, "toolrunner": 0, "notifier": 0},
    settings={"NIGHTSHIFT_QUEUE_VISIBILITY_SECONDS": "5"},
)
ALARMS = 40
SENDING_SECONDS = 4.0
THROUGH_SECONDS = 15


@pytest.fixture(scope="module")
def fleet() -> Iterator[Fleet]:
    with running_fleet(PLAN) as running:
        yield running


@dataclass(frozen=True)
class Loss:
    """One loss of power, and what came through after it."""

    missing: int
    doubled: int
    cut_bytes: int


def test_no_alarm_is_lost_with_the_power(fleet: Fleet, lane: Lane, figures: Figures) -> None:
    rng = lane.random("power")
    losses = [
        # Half of the time Redis's node alone goes down, and ingest lives.
        lose_power(fleet, rng, name=f"round-{number}", ingest_dies=number % 2 == 1)
        for number in range(lane.pick(1, 12))
    ]
    figures.add("R7", f"alarms sent over {len(losses)} power losses", ALARMS * len(losses))
    figures.add("R7", "of them in neither stream nor queue", sum(one.missing for one in losses), 0)
    figures.add("R7", "of them twice on the stream", sum(one.doubled for one in losses), 0)
    figures.add("R7", "bytes cut, largest", max(one.cut_bytes for one in losses))
    assert any(one.cut_bytes for one in losses)
    assert [(one.missing, one.doubled) for one in losses] == [(0, 0)] * len(losses)


def test_an_ingest_that_does_not_wait_for_the_disk_loses_alarms(fleet: Fleet, lane: Lane) -> None:
    """The test above can fail."""
    if not lane.full:
        pytest.skip("waits for alarms that do not come: a test of the full lane")
    (ingest,) = fleet.of("ingest")
    ingest.kill()
    fleet.wait_ready(fleet.start("ingest", module="tests.chaos.hasty_ingest"))
    # Nobody asks, because a Redis that is asked may be quick to sync.
    loss = lose_power(fleet, lane.random("hasty"), name="hasty", ingest_dies=True, asks=False)
    assert loss.missing


def lose_power(
    fleet: Fleet, rng: random.Random, *, name: str, ingest_dies: bool, asks: bool = True
) -> Loss:
    """Alarms come in, the power fails, and everything is started again."""
    desk, path = fleet.desk, append_only_file(fleet.redis.folder)
    names = [f"{name}-{number}" for number in range(ALARMS)]
    (ingest,) = fleet.of("ingest")
    with Sizes(path, fleet.redis.url, can_tell=asks) as sizes, ThreadPoolExecutor(1) as sender:
        sending = sender.submit(send, fleet, names)
        failing_at = time.monotonic() + rng.uniform(SYNCED_SECONDS + 0.5, SENDING_SECONDS)
        desk.wait("the moment", partial(is_past, failing_at))
        if ingest_dies:
            ingest.kill()
        fleet.redis.kill()
        failed_at = time.monotonic()
        sending.result()
        # Whatever was waiting to be deleted falls due while Redis is away.
        back_at = failed_at + SYNCED_SECONDS + 0.5
        desk.wait("a while", partial(is_past, back_at))
    left = sizes.on_disk(failed_at)
    lost = path.stat().st_size - left
    cut(path, left)
    fleet.redis.start()
    fleet.wait_ready(fleet.replace(ingest))
    found = came_through(fleet, names)
    doubled = sum(count - 1 for count in found.values())
    return Loss(missing=len(names) - len(found), doubled=doubled, cut_bytes=lost)


def send(fleet: Fleet, names: list[str]) -> None:
    """The alarms lie in the queue, one after the other."""
    began = time.monotonic()
    for number, name in enumerate(names):
        due = began + SENDING_SECONDS * number / len(names)
        fleet.desk.wait("the next alarm", partial(is_past, due))
        fleet.desk.alarm_body(alarm(name))


def is_past(moment: float) -> bool:
    """Whether that moment of the monotonic clock has come."""
    return time.monotonic() >= moment


def came_through(fleet: Fleet, names: list[str]) -> Counter[str]:
    """How often each of the alarms stands on the stream, once all do or no more come."""
    give_up_at = time.monotonic() + THROUGH_SECONDS

    def on_the_stream() -> Counter[str]:
        opened = [json.loads(entry["data"])["alarm"] for entry in fleet.desk.entries("incidents")]
        return Counter(one["name"] for one in opened if one["name"] in names)

    fleet.desk.wait(
        "the alarms",
        lambda: len(on_the_stream()) == len(names) or is_past(give_up_at),
        THROUGH_SECONDS + 10,
    )
    return on_the_stream()
