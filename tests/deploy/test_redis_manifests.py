"""Redis as the manifests start it: its settings, and its users out of one template."""

import hashlib
import os
import subprocess
from pathlib import Path

import pytest

from tests.deploy.manifests import K8S, SERVICES, container, needs_kubectl, workloads

pytestmark = [pytest.mark.xdist_group("manifests"), pytest.mark.timeout(60)]
FOLDER = K8S / "base" / "redis"
USERS = (*SERVICES, "keda", "operator")
PASSWORDS = {f"{user.upper()}_PASSWORD": f"password-of-{user}-{'x' * 8}" for user in USERS}


def test_it_keeps_everything_on_disk_and_throws_nothing_away() -> None:
    text = (FOLDER / "redis.conf").read_text(encoding="utf-8")
    lines = (line.partition(" ") for line in text.splitlines())
    settings = {key: value for key, _, value in lines if key and key != "#"}
    assert settings["appendonly"] == "yes"
    assert settings["appendfsync"] == "everysec"
    assert settings["maxmemory-policy"] == "noeviction"
    assert settings["aclfile"] == "/run/nightshift/users.acl"
    assert "requirepass" not in settings


def test_the_template_has_a_user_for_each_and_no_password() -> None:
    lines = rules((FOLDER / "users.acl.template").read_text(encoding="utf-8"))
    named = {line.split()[1]: line.split()[2:] for line in lines}
    assert named.keys() == {*USERS, "default"}
    assert "off" in named["default"]
    for user in USERS:
        (password,) = [word for word in named[user] if word.startswith((">", "#"))]
        assert password == f">${{{user.upper()}_PASSWORD}}"
        assert "nopass" not in named[user]


def test_the_file_that_redis_reads_holds_hashes_in_place_of_passwords(tmp_path: Path) -> None:
    users = written(tmp_path, PASSWORDS)
    for user in USERS:
        (line,) = [line for line in users if line.split()[1] == user]
        digest = hashlib.sha256(PASSWORDS[f"{user.upper()}_PASSWORD"].encode()).hexdigest()
        assert f"#{digest}" in line.split()
    assert not any("PASSWORD" in line or "password-of" in line for line in users)
    assert len(users) == len(USERS) + 1


@pytest.mark.parametrize("password", ["", "short", "p@ss/word-with-odd:signs", "two words in a row"])
def test_a_password_that_cannot_stand_in_an_address_is_refused(
    tmp_path: Path, password: str
) -> None:
    with pytest.raises(subprocess.CalledProcessError) as refused:
        written(tmp_path, PASSWORDS | {"KEDA_PASSWORD": password})
    assert "the password of KEDA" in refused.value.stderr
    assert not (tmp_path / "run/users.acl").exists()


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


def rules(text: str) -> list[str]:
    return [line for line in text.splitlines() if line.strip() and not line.strip().startswith("#")]


def written(tmp_path: Path, passwords: dict[str, str]) -> list[str]:
    """What the init container writes. Raises CalledProcessError."""
    run = tmp_path / "run"
    run.mkdir()
    script = (FOLDER / "render-users.sh").read_text(encoding="utf-8")
    script = script.replace("/etc/nightshift/redis", str(FOLDER)).replace("/run/nightshift", str(run))
    subprocess.run(
        ["sh"],
        input=script,
        env={"PATH": os.environ["PATH"], **passwords},
        capture_output=True,
        text=True,
        check=True,
        timeout=30,
    )
    return rules((run / "users.acl").read_text(encoding="utf-8"))
