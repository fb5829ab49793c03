"""The laptop's compose file: hardened as in a cluster, and told nothing that no service reads."""

import re
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml
from pydantic_settings import BaseSettings

from bus.settings import variable_of
from services.ingest.settings import Settings as Ingest
from services.notifier.settings import Settings as Notifier
from services.reasoner.settings import Settings as Reasoner
from services.toolrunner.settings import Settings as Toolrunner
from tests.deploy.dockerfile import ROOT, stages

KINDS: dict[str, type[BaseSettings]] = {
    "ingest": Ingest,
    "reasoner": Reasoner,
    "toolrunner": Toolrunner,
    "notifier": Notifier,
}
TEXT = (ROOT / "deploy" / "compose.yaml").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def parts() -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load(TEXT)["services"]
    return found


def test_everything_is_there_and_shares_the_simulators_loopback(parts: dict[str, Any]) -> None:
    assert set(parts) == {"simulator", "redis", "jaeger", *KINDS}
    for name, part in parts.items():
        assert part.get("network_mode") == (None if name == "simulator" else "service:simulator")
    assert all(port.startswith("127.0.0.1:") for port in parts["simulator"]["ports"])


def test_every_variable_of_a_service_exists_in_its_settings(parts: dict[str, Any]) -> None:
    for name, kind in KINDS.items():
        known = {variable_of(kind, field) for field in kind.model_fields}
        given = {one for one in parts[name]["environment"] if not one.startswith("OTEL_")}
        assert given <= known, name


def test_no_two_services_want_the_same_port(parts: dict[str, Any]) -> None:
    ports = [parts[name]["environment"]["NIGHTSHIFT_HTTP_PORT"] for name in KINDS]
    ports.append(parts["toolrunner"]["environment"]["NIGHTSHIFT_SERVERS_PORT"])
    assert len(set(ports)) == len(ports)


def test_each_service_is_its_own_redis_user(parts: dict[str, Any]) -> None:
    for name in KINDS:
        url = parts[name]["environment"]["REDIS_URL"]
        assert url.startswith(f"redis://{name}:${{{name.upper()}_PASSWORD:?")
    assert "render-users.sh" in " ".join(parts["redis"]["command"])


def test_containers_are_read_only_and_gain_nothing(parts: dict[str, Any]) -> None:
    for name, part in parts.items():
        assert part["cap_drop"] == ["ALL"]
        assert part["security_opt"] == ["no-new-privileges:true"]
        assert part.get("read_only") or name == "jaeger"
        assert not part.get("privileged")


def test_images_and_passwords_come_from_what_make_laptop_writes(tmp_path: Path) -> None:
    wanted = set(re.findall(r"\$\{([A-Z_]+):\?", TEXT))
    assert set(re.findall(r"\$\{([A-Z_]+)", TEXT)) == wanted, "nothing has a default"
    written = tmp_path / "compose.env"
    script = ["/bin/sh", str(ROOT / "deploy" / "images.sh"), "compose-env", str(written)]
    subprocess.run(script, check=True)
    first = written.read_text(encoding="utf-8")
    assert {line.partition("=")[0] for line in first.splitlines()} == wanted
    assert written.stat().st_mode & 0o077 == 0
    subprocess.run(script, check=True)
    assert written.read_text(encoding="utf-8") == first, "passwords stay: Redis keeps its data"


def test_each_command_starts_what_its_image_holds(parts: dict[str, Any]) -> None:
    for name in KINDS:
        assert parts[name]["command"] == ["python", "/laptop.py", name]
        assert parts[name]["image"].startswith(f"${{{name.upper()}_IMAGE:?")
        assert name in stages()
