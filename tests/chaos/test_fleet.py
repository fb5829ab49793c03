"""The fleet itself: its replicas are the services, and all of it can be killed and frozen."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from cli.stack import ROOT, SERVICES, service_environment
from tests.chaos.fleet import Fleet, FleetPlan, running_fleet
from tests.chaos.nursery import zygote_of

pytestmark = [pytest.mark.xdist_group("chaos"), pytest.mark.timeout(120)]
SETTINGS = {"NIGHTSHIFT_LEASE_SECONDS": "2", "NIGHTSHIFT_FINAL_REPEAT_SECONDS": "1"}


@pytest.fixture(scope="module")
def fleet() -> Iterator[Fleet]:
    with running_fleet(FleetPlan(settings=SETTINGS)) as running:
        yield running


@pytest.mark.parametrize("service", ["ingest", "reasoner", "toolrunner", "notifier"])
def test_forked_replica_has_the_settings_of_a_plain_process(
    fleet: Fleet, service: str, tmp_path: Path
) -> None:
    env = service_environment(fleet.stack, service, replica="same") | {"ABSENT": "", **SETTINGS}
    command = [sys.executable, "-m", f"services.{service}", "--check"]
    plain = subprocess.run(command, cwd=ROOT, env=env, capture_output=True, text=True, check=True)
    zygote = zygote_of(f"services.{service}")
    forked = zygote.fork(f"check-{service}", env, log=tmp_path / "log", args=["--check"])
    assert forked.wait() == 0
    assert forked.log.read_text() == plain.stdout
    assert "NIGHTSHIFT_LEASE_SECONDS=2.0" in plain.stdout


def test_forked_replica_is_a_process_of_its_own(fleet: Fleet) -> None:
    replica, *_ = fleet.of("notifier")
    assert os.getsid(replica.pid) == replica.pid
    environment = Path(f"/proc/{replica.pid}/fd").iterdir()
    targets = [os.readlink(link) for link in environment if link.exists()]
    assert [target for target in targets if target.endswith(".log")] == [str(replica.log)] * 2


def test_incident_is_diagnosed_by_forked_replicas_and_each_becomes_ready(fleet: Fleet) -> None:
    fleet.wait_ready()
    assert {replica.service for replica in fleet.replicas} == set(SERVICES)
    incident = fleet.desk.publish(service="cartservice", summary="HTTP 500 on checkout")
    assert fleet.desk.wait_for_end(incident).outcome == "diagnosed"


def test_replica_is_killed_frozen_replaced_and_ended(fleet: Fleet) -> None:
    frozen, other, *_ = fleet.of("reasoner")
    frozen.freeze()
    incident = fleet.desk.publish(service="cartservice", summary="one reasoner does not move")
    assert fleet.desk.wait_for_end(incident).outcome == "diagnosed"
    frozen.thaw()
    fleet.wait_ready(frozen)
    successor = fleet.replace(other)
    fleet.wait_ready(successor)
    assert not other.alive
    assert other.process.code == -9
    assert successor.name != other.name
    frozen.terminate()
    assert frozen.wait() == 0
    assert frozen not in fleet.replicas
    assert successor in fleet.of("reasoner")
    fleet.start("reasoner")


def test_redis_comes_back_with_its_data_and_work_goes_on(fleet: Fleet) -> None:
    before = fleet.desk.publish(service="cartservice", summary="before Redis died")
    fleet.desk.wait_for_end(before)
    fleet.redis.kill()
    fleet.redis.start()
    assert fleet.desk.record(before) is not None
    after = fleet.desk.publish(service="cartservice", summary="after Redis died")
    assert fleet.desk.wait_for_end(after, 30).outcome == "diagnosed"


def test_fleet_leaves_nothing_behind() -> None:
    with running_fleet(FleetPlan(replicas={"reasoner": 1, "toolrunner": 1})) as fleet:
        pids = [replica.pid for replica in fleet.replicas] + [fleet.redis.pid]
        pids += [part.pid for part in fleet.stack.processes]
        fleet.of("notifier")[0].freeze()
        folder = fleet.folder
    assert [pid for pid in pids if Path(f"/proc/{pid}").exists()] == []
    assert not folder.exists()
