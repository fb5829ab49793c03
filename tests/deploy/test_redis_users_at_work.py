"""A whole incident with each service under its own Redis user: nothing that it needs is refused."""

import json
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from redis import Redis
from redis.exceptions import NoPermissionError
from typer.testing import CliRunner

from cli.main import app
from cli.stack import Plan, Stack, running_stack, service_environment
from deploy.laptop import environment
from tests.deploy.redis_users import SERVICES, Guarded, guarded_redis
from tests.loop.desk import PREFIX, SHARED, Desk, quiet
from tests.loop.test_one_incident import alarm

pytestmark = pytest.mark.timeout(240)


def start(stack: Stack, guarded: Guarded) -> None:
    """The four services run, each with its own address of Redis, and are ready."""
    started = []
    for service in SERVICES:
        env = service_environment(stack, service, replica=f"{service}-1")
        env |= environment(service, stack.folder / "simulator.json", env)
        env["REDIS_URL"] = guarded.url(service)
        started.append(stack.start(f"{service}-1", f"services.{service}", env=env))
    desk = Desk(stack, guarded.admin)
    for part in started:
        ready = partial(_is_ready, desk, part.ready_url)
        stack.wait(f"{part.name} becoming ready", ready, seconds=90)


def _is_ready(desk: Desk, url: str) -> bool:
    try:
        return desk.get(url)[0] == 200
    except OSError:
        return False


def command(*words: str) -> str:
    """What a `nightshift` command printed."""
    ended = CliRunner().invoke(app, words)
    assert ended.exit_code == 0, ended.output
    return ended.output


def test_one_incident_from_alarm_to_card_and_nothing_was_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = SHARED | {"NIGHTSHIFT_FINAL_REPEAT_SECONDS": "0.2"}
    plan = Plan(scenario="cart-loafers", model_seconds=0.02, services=(), settings=settings)
    with guarded_redis(tmp_path) as guarded:
        monkeypatch.setenv("REDIS_URL", guarded.url("operator"))
        with running_stack(plan, quiet) as stack:
            start(stack, guarded)
            desk = Desk(stack, guarded.admin)
            broken = desk.add("not JSON")
            desk.alarm_body(alarm("cartservice-error"))
            desk.wait("an incident", lambda: desk.incidents())
            (incident,) = desk.incidents()
            assert desk.wait_for_end(incident, seconds=60).outcome == "diagnosed"
            assert "RedisCartStore.cs" in desk.card(incident)
            desk.wait("the dead letter", lambda: desk.entries("incidents.dead"))
            assert json.loads(desk.entries("incidents.dead")[0]["data"])["entry_id"] in broken
            desk.wait("its thread", lambda: len(desk.thread(incident)) > 1)
            assert incident in command("show", incident)
            assert "incidents" in command("dead-letters", "list")
            _counts(guarded)
        assert guarded.refused() == []
        one = Redis.from_url(guarded.url("toolrunner"))
        with one as toolrunner, pytest.raises(NoPermissionError):
            toolrunner.xadd(f"{PREFIX}diagnoses", {"event": "DiagnosisReached"})
        assert guarded.refused() == [f"toolrunner: key {PREFIX}diagnoses"], "and it would be seen"


def _counts(guarded: Guarded) -> None:
    """KEDA sees how much waits."""
    with Redis.from_url(guarded.url("keda")) as keda:
        assert keda.info("server")["redis_version"]
        groups: Any = keda.xinfo_groups(f"{PREFIX}turns")
        assert [row["name"] for row in groups] == [b"reasoner"]
        pending: Any = keda.xpending(f"{PREFIX}tool-calls", "toolrunner")
        assert pending["pending"] == 0
