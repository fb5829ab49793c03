"""Redis as the manifests start it: its settings, its users' file, and its memory."""

import os
import shutil
import stat
import subprocess
from pathlib import Path

import pytest

from tests.deploy.manifests import K8S, SERVICES, container, needs_kubectl, workloads

pytestmark = [pytest.mark.xdist_group("manifests"), pytest.mark.timeout(60)]
FOLDER = K8S / "base" / "redis"
USERS = (*SERVICES, "keda", "operator")


def test_it_keeps_everything_on_disk_and_throws_nothing_away() -> None:
    text = (FOLDER / "redis.conf").read_text(encoding="utf-8")
    lines = (line.partition(" ") for line in text.splitlines())
    settings = {key: value for key, _, value in lines if key and key != "#"}
    assert settings["appendonly"] == "yes"
    assert settings["appendfsync"] == "everysec"
    assert settings["maxmemory-policy"] == "noeviction"
    assert settings["aclfile"] == "/run/nightshift/users.acl"
    assert "requirepass" not in settings


@needs_kubectl
def test_the_init_container_writes_the_file_that_redis_reads(tmp_path: Path) -> None:
    run = tmp_path / "run"
    run.mkdir()
    users = container("base", "redis", "users")
    assert users["command"] == ["sh", "-ec"]
    (script,) = users["args"]
    script = script.replace("/etc/nightshift/redis", str(FOLDER)).replace(
        "/run/nightshift", str(run)
    )
    passwords = {each["name"]: f"password-of-{each['name']}" for each in users["env"]}
    environment = {"PATH": os.environ["PATH"], **passwords}
    assert run_script(script, environment) == 0
    lines = (run / "users.acl").read_text(encoding="utf-8").splitlines()
    assert sorted(line.split()[1] for line in lines) == sorted(["default", *USERS])
    assert stat.S_IMODE((run / "users.acl").stat().st_mode) == 0o600
    assert run_script(script, environment | {"KEDA_PASSWORD": "short"}) != 0


@needs_kubectl
def test_the_pod_gives_each_user_s_password_to_whom_it_belongs() -> None:
    given = {
        each["name"]: each["valueFrom"]["secretKeyRef"]["key"]
        for each in container("base", "redis", "users")["env"]
    }
    assert given == {f"{user.upper()}_PASSWORD": f"{user}-password" for user in USERS}
    for service in SERVICES:
        env = {each["name"]: each for each in container("base", service, service)["env"]}
        assert env["REDIS_PASSWORD"]["valueFrom"]["secretKeyRef"] == {
            "name": "redis-users",
            "key": f"{service}-password",
        }
        assert env["REDIS_URL"]["value"] == f"redis://{service}:$(REDIS_PASSWORD)@redis:6379/0"


@needs_kubectl
def test_memory_leaves_room_for_writing_the_file_anew() -> None:
    limit = container("base", "redis", "redis")["resources"]["limits"]["memory"]
    text = (FOLDER / "redis.conf").read_text(encoding="utf-8")
    (most,) = [line.split()[1] for line in text.splitlines() if line.startswith("maxmemory ")]
    assert int(limit.removesuffix("Mi")) >= 2 * int(most.removesuffix("mb"))
    volumes = workloads("base")["redis"]["spec"]["volumes"]
    assert {"name": "users", "emptyDir": {"medium": "Memory", "sizeLimit": "1Mi"}} in volumes


def run_script(script: str, environment: dict[str, str]) -> int:
    shell = shutil.which("sh") or "sh"
    done = subprocess.run(
        [shell, "-ec", script], env=environment, check=False, capture_output=True, timeout=30
    )
    return done.returncode
