"""Every container of two overlays as a process: its command, variables, files, and its Redis.

Addresses alone are others: those of the simulated outside, and of Redis (full lane).
"""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any
from urllib.request import urlopen

import pytest
from redis import Redis

from simulator.redis_server import free_port
from simulator.standing_in import read
from tests.deploy.manifests import K8S, container, needs_kubectl
from tests.deploy.test_variables import SECRETS, mount, moved, places, variables
from tests.house.sources import ROOT
from tests.lane import Lane
from tests.waiting import until

pytestmark = [needs_kubectl, pytest.mark.xdist_group("manifests"), pytest.mark.timeout(300)]
LOCAL, TRIAL = "overlays/local", "overlays/trial"
GIVEN = "a-secret-of-the-tests"
REDIS = shutil.which("redis-server")
ADDRESSES = ("ANTHROPIC_", "KUBECONFIG", "GITHUB_", "AWS_", "SLACK_API_URL", "NIGHTSHIFT_")
"""What of the simulated world a container takes in place of its own, keys too."""


@pytest.mark.skipif(REDIS is None, reason="redis-server is not on PATH")
def test_an_incident_is_diagnosed_with_what_the_manifests_give(lane: Lane, tmp_path: Path) -> None:
    if not lane.full:
        pytest.skip("the full lane runs it: --full")
    with ExitStack() as running:
        world = running.enter_context(simulated(tmp_path, "cart-loafers"))
        redis = started(LOCAL, tmp_path, running=running, world=world)
        redis.xadd("nightshift:incidents", {"data": json.dumps(incident("cartservice"))})
        wait(lambda: stopped(redis), f"a diagnosis; logs in {tmp_path}")
        assert stopped(redis) == ["diagnosed"]
        printed = (tmp_path / "notifier.log").read_text(encoding="utf-8")
        assert "Trace (localhost:16686) http://localhost:16686/trace/" in printed


@pytest.mark.skipif(REDIS is None, reason="redis-server is not on PATH")
def test_a_trial_without_accounts_ends_with_a_card_in_its_slack(lane: Lane, tmp_path: Path) -> None:
    if not lane.full:
        pytest.skip("the full lane runs it: --full")
    with ExitStack() as running:
        world = running.enter_context(simulated(tmp_path, "adservice-oom"))
        slack, model = (
            running.enter_context(standing_in(tmp_path, kind)) for kind in ("slack", "model")
        )
        world["reasoner"]["ANTHROPIC_BASE_URL"] = model
        world["reasoner"]["ANTHROPIC_API_KEY"] = GIVEN
        world["notifier"] = {"SLACK_API_URL": f"{slack}/api/"}
        redis = started(TRIAL, tmp_path, running=running, world=world)
        redis.xadd("nightshift:incidents", {"data": json.dumps(incident("adservice"))})
        wait(lambda: stopped(redis), f"a diagnosis; logs in {tmp_path}")
        assert stopped(redis) == ["diagnosed"]
        assert "[scripted] adservice: Its container is killed again and again" in read(slack)


def incident(service: str) -> dict[str, str]:
    return {"service": service, "summary": "HTTP 500 on checkout"}


def started(
    name: str, folder: Path, *, running: ExitStack, world: dict[str, dict[str, str]]
) -> Redis:
    """Redis and every service run as that overlay has them; its Redis, as the operator."""
    redis_port = free_port()
    running.enter_context(redis_as_in_the_pod(folder, redis_port))
    world["all"]["NIGHTSHIFT_SERVERS_PORT"] = str(free_port())
    for workload, called in places():
        root = mounted(name, workload, called, folder=folder)
        given = environment(root, name, (workload, called), world=world, redis_port=redis_port)
        command = [sys.executable, *container(name, workload, called)["command"][1:]]
        log = folder / f"{called}.log"
        running.enter_context(process(command, log, environment=given))
    url = f"redis://operator:{GIVEN}@127.0.0.1:{redis_port}/0"
    redis: Redis = running.enter_context(Redis.from_url(url, decode_responses=True))
    wait(lambda: answers(redis), "Redis")
    return redis


@contextmanager
def process(command: list[str], log: Path, *, environment: dict[str, str]) -> Iterator[None]:
    """It runs inside the block, and ends with 0 within the grace period of the pods."""
    with log.open("w") as out:
        started = subprocess.Popen(
            command, env=environment, cwd=log.parent, stdout=out, stderr=subprocess.STDOUT
        )
    try:
        yield
        assert started.poll() is None, log.read_text(encoding="utf-8")
        started.terminate()
        assert started.wait(25) == 0, log
    finally:
        if started.poll() is None:
            started.kill()
            started.wait()


@contextmanager
def redis_as_in_the_pod(folder: Path, port: int) -> Iterator[None]:
    """With the settings and users of the manifests, on another port and in another folder."""
    base = K8S / "base" / "redis"
    given = {each["name"]: GIVEN for each in container("base", "redis", "users")["env"]}
    shell = shutil.which("sh") or "sh"
    users = subprocess.run(
        [shell, str(base / "render-users.sh"), str(base / "users.acl.template")],
        env={"PATH": os.environ["PATH"], **given},
        capture_output=True,
        text=True,
        check=True,
    )
    (folder / "users.acl").write_text(users.stdout)
    text = (base / "redis.conf").read_text(encoding="utf-8")
    text = text.replace("/run/nightshift", str(folder)).replace("/var/lib/redis", str(folder))
    settings = folder / "redis.conf"
    settings.write_text(text.replace("port 6379", f"port {port}"))
    command = [REDIS or "redis-server", str(settings)]
    with process(command, folder / "redis.log", environment={"PATH": os.environ["PATH"]}):
        yield


@contextmanager
def simulated(folder: Path, scenario: str) -> Iterator[dict[str, dict[str, str]]]:
    """The outside world: what each service would have to know of it."""
    state = folder / "world"
    command = [sys.executable, "-m", "simulator", "--scenario", scenario, "--state"]
    environment = {"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT)}
    with process([*command, str(state)], folder / "world.log", environment=environment):
        written = state / "simulator.json"
        wait(written.exists, "the simulated world")
        yield json.loads(written.read_text(encoding="utf-8"))["environment"]


@contextmanager
def standing_in(folder: Path, kind: str) -> Iterator[str]:
    """The address of the Slack or the model of the trial."""
    port, name = free_port(), f"{kind}-stand-in"
    given = {each["name"]: GIVEN for each in container(TRIAL, name, kind)["env"]}
    given |= {"NIGHTSHIFT_SLACK_CHANNEL": SECRETS["slack-channel"]}
    given |= {"NIGHTSHIFT_NAMESPACES": "boutique", "NIGHTSHIFT_HTTP_PORT": str(port)}
    given |= {"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT)}
    command = [sys.executable, *container(TRIAL, name, kind)["command"][1:]]
    with process(command, folder / f"{kind}.log", environment=given):
        wait(lambda: is_well(f"http://127.0.0.1:{port}/healthz"), name)
        yield f"http://127.0.0.1:{port}"


def is_well(address: str) -> bool:
    try:
        with urlopen(address, timeout=5) as answer:
            return bool(answer.read() == b"ok")
    except OSError:
        return False


def mounted(name: str, workload: str, called: str, *, folder: Path) -> Path:
    root = folder / called
    mount(name, workload, called, root=root)
    return root


def environment(
    root: Path,
    name: str,
    place: tuple[str, str],
    *,
    world: dict[str, dict[str, str]],
    redis_port: int,
) -> dict[str, str]:
    """What stands in the container's environment, with the addresses of the test."""
    given = {key: moved(value, root) for key, value in variables(name, *place).items()}
    workload = place[0]
    outside = world["all"] | world.get(workload, {}) if reaches_out(name, workload) else {}
    given |= {key: value for key, value in outside.items() if key.startswith(ADDRESSES)}
    if "REDIS_URL" in given:
        given["REDIS_URL"] = given["REDIS_URL"].replace("@redis:6379", f"@127.0.0.1:{redis_port}")
    given.pop("OTEL_EXPORTER_OTLP_ENDPOINT")
    given |= {"NIGHTSHIFT_HTTP_HOST": "127.0.0.1", "NIGHTSHIFT_HTTP_PORT": str(free_port())}
    return given | {"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT)}


def reaches_out(name: str, workload: str) -> bool:
    return workload in ("reasoner", "toolrunner") or (name, workload) == (TRIAL, "notifier")


def answers(redis: Redis) -> bool:
    groups = [
        redis.exists(f"nightshift:{stream}") for stream in ("turns", "tool-calls", "progress")
    ]
    return all(groups)


def stopped(redis: Redis) -> list[str]:
    entries: Any = redis.xrange("nightshift:stops")
    told = [json.loads(entry["data"]) for _, entry in entries if entry["event"].endswith("Stopped")]
    return [each["outcome"] for each in told]


def wait(condition: Callable[[], object], what: str) -> None:
    until(condition, seconds=90, what=lambda: f"waited in vain for {what}")
