"""Every variable of the manifests exists in a settings class, every setting in the manifests."""

import os
import re
from functools import cache
from pathlib import Path

import pytest
from pydantic import SecretStr
from pydantic_settings import BaseSettings

from bus.settings import BusSettings, load, variable_of
from services.ingest.doors import need_one
from services.ingest.settings import Settings as IngestSettings
from services.notifier.settings import Settings as NotifierSettings
from services.reasoner.settings import Settings as ReasonerSettings
from services.toolrunner.adapters.mcp_servers_file import BUILT_IN, built_in_servers, load_servers
from services.toolrunner.adapters.policy_files import read_policy
from services.toolrunner.servers.settings import ServersSettings
from services.toolrunner.settings import SHIPPED_POLICIES
from services.toolrunner.settings import Settings as ToolrunnerSettings
from tests.deploy.manifests import (
    COMPOSED,
    EVERYTHING,
    K8S,
    SERVICES,
    Object,
    container,
    needs_kubectl,
    rendered,
    workloads,
)

pytestmark = [needs_kubectl, pytest.mark.xdist_group("manifests"), pytest.mark.timeout(60)]
CLASSES: dict[str, type[BaseSettings]] = {
    "ingest": IngestSettings,
    "reasoner": ReasonerSettings,
    "toolrunner": ToolrunnerSettings,
    "notifier": NotifierSettings,
    "servers": ServersSettings,
}
OF_LIBRARIES = ("AWS_", "OTEL_")  # as docs/settings.md has it
NOT_SET = {
    "ingest": {"SLACK_BOT_TOKEN"},  # refused there
    "servers": {"KUBECONFIG"},  # the pod's service account is taken
}
SPLICED = re.compile(r"\$\(([A-Z_]+)\)")
SECRETS = {"slack-channel": "C0123456789"}
MOUNTED = "/etc/nightshift"


def test_settings_files_list_what_a_service_takes_and_nothing_else() -> None:
    for name, kind in CLASSES.items():
        assert listed_for(name) >= known(kind) - NOT_SET.get(name, set())
    for file in (K8S / "base/settings").iterdir():
        classes = [CLASSES[file.stem]] if file.stem in CLASSES else list(CLASSES.values())
        everything = set().union(*(known(kind) for kind in classes))
        ours = {each for each in written(file) if not each.startswith(OF_LIBRARIES)}
        assert ours <= everything, file.name


@pytest.mark.parametrize("name", EVERYTHING)
def test_a_container_is_given_no_variable_that_it_does_not_read(name: str) -> None:
    for workload, called in places():
        given = variables(name, workload, called)
        values = [each.get("value", "") for each in container(name, workload, called)["env"]]
        spliced = {each for value in values for each in SPLICED.findall(value)}
        strange = {
            variable
            for variable in given.keys() - known(CLASSES[called]) - spliced
            if not variable.startswith(OF_LIBRARIES)
        }
        assert not strange, f"{workload}/{called}"
        assert not given.keys() & NOT_SET.get(called, set())


@pytest.mark.parametrize("name", EVERYTHING)
def test_what_is_spliced_into_a_variable_stands_before_it(name: str) -> None:
    for workload, called in places():
        seen: set[str] = set()
        for variable in container(name, workload, called)["env"]:
            assert set(SPLICED.findall(variable.get("value", ""))) <= seen, variable["name"]
            seen.add(variable["name"])


@pytest.mark.parametrize("name", EVERYTHING)
def test_no_setting_that_is_secret_stands_in_a_config_map(name: str) -> None:
    secret = {
        variable_of(kind, field)
        for kind in CLASSES.values()
        for field, about in kind.model_fields.items()
        if SecretStr.__name__ in str(about.annotation)
    }
    for each in rendered(name):
        if each["kind"] == "ConfigMap":
            assert not secret & each["data"].keys() if "data" in each else True


@pytest.mark.parametrize("name", EVERYTHING)
def test_every_service_takes_its_settings_as_they_are_mounted(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for workload, called in places():
        for variable in [each for each in os.environ if each.startswith(("NIGHTSHIFT_", "SLACK"))]:
            monkeypatch.delenv(variable)
        root = tmp_path / called
        mount(name, workload, called, root=root)
        with monkeypatch.context() as inside:
            for variable, value in variables(name, workload, called).items():
                inside.setenv(variable, moved(value, root))
            settings = load(CLASSES[called])
        if isinstance(settings, IngestSettings):
            need_one(dict(settings))
        if isinstance(settings, BusSettings) and "external" not in name:
            address = settings.redis_url.get_secret_value()
            assert f"//{workload}:a-secret-of-the-tests@redis:6379/0" in address


@pytest.mark.parametrize("name", EVERYTHING)
def test_the_policy_is_the_shipped_one_and_can_be_read(name: str, tmp_path: Path) -> None:
    mount(name, "toolrunner", "toolrunner", root=tmp_path)
    foreign = name in COMPOSED
    policy = read_policy(str(tmp_path / MOUNTED[1:] / "policy"), foreign=foreign)
    shipped = read_policy(str(SHIPPED_POLICIES))
    assert policy.text == shipped.text
    assert policy.mode == "enforce"
    assert policy.reading.resources["github"] == shipped.reading.resources["github"]
    assert (K8S / "base/policy/tools.lock.json").read_bytes() == (
        SHIPPED_POLICIES / "tools.lock.json"
    ).read_bytes()


@pytest.mark.parametrize("name", COMPOSED)
def test_the_servers_file_has_the_built_in_servers_and_the_sidecar(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NIGHTSHIFT_SERVERS_TOKEN", "a-token-of-the-tests")
    mount(name, "toolrunner", "toolrunner", root=tmp_path)
    servers = load_servers(str(tmp_path / MOUNTED[1:] / "mcp/mcp-servers.json"))
    port = ToolrunnerSettings.model_fields["servers_port"].default
    assert {each: servers[each] for each in BUILT_IN} == built_in_servers(
        port, "a-token-of-the-tests"
    )
    arguments = container(name, "toolrunner", "kubernetes-mcp-server")["args"]
    assert servers["cluster"].url == f"http://127.0.0.1:{arguments[1]}/mcp"
    assert arguments[2:4] == ["--bind-address", "127.0.0.1"]


def test_the_servers_are_probed_at_their_port() -> None:
    port = ToolrunnerSettings.model_fields["servers_port"].default
    probe = container("base", "toolrunner", "servers")["startupProbe"]
    assert f'("127.0.0.1", {port})' in probe["exec"]["command"][-1]


def places() -> list[tuple[str, str]]:
    """Workload and container of everything of ours that reads settings."""
    return [*((service, service) for service in SERVICES), ("toolrunner", "servers")]


@cache
def known(kind: type[BaseSettings]) -> frozenset[str]:
    """The variables of a settings class."""
    return frozenset(variable_of(kind, field) for field in kind.model_fields)


def written(file: Path) -> set[str]:
    """Variables of a settings file, set or shown with their default."""
    return set(re.findall(r"^(?:# )?([A-Z][A-Z0-9_]+)=", file.read_text(), re.MULTILINE))


def listed_for(called: str) -> set[str]:
    """What stands in a container's settings files, and what is set beside them anywhere."""
    workload = "toolrunner" if called == "servers" else called
    each = container("base", workload, called)
    names = [source["configMapRef"]["name"] for source in each["envFrom"]]
    files = [name.rpartition("-")[0].removesuffix("-settings") for name in names]
    found = set().union(*(written(K8S / f"base/settings/{file}.env") for file in files))
    for name in EVERYTHING:
        found |= {variable["name"] for variable in container(name, workload, called)["env"]}
    return found


def config_map(name: str, called: str) -> Object | None:
    for each in rendered(name):
        if each["kind"] == "ConfigMap" and each["metadata"]["name"] == called:
            return each
    return None


def variables(name: str, workload: str, called: str) -> dict[str, str]:
    """What the container would find in its environment, with made-up secrets."""
    each = container(name, workload, called)
    found: dict[str, str] = {}
    for source in each["envFrom"]:
        given = config_map(name, source["configMapRef"]["name"])
        assert given is not None, source
        found |= given.get("data", {})
    for variable in each["env"]:
        reference = variable.get("valueFrom", {}).get("secretKeyRef")
        value = variable.get("value", "")
        if reference:
            value = SECRETS.get(reference["key"], "a-secret-of-the-tests")
            value = (
                f"rediss://{workload}:{value}@far:6379/0" if "-url" in reference["key"] else value
            )
        found[variable["name"]] = SPLICED.sub(lambda name: found[name[1]], value)
    return found


def mount(name: str, workload: str, called: str, *, root: Path) -> None:
    """Write the ConfigMaps of a container's volumes to where they are mounted, under `root`."""
    volumes = {each["name"]: each for each in workloads(name)[workload]["spec"]["volumes"]}
    for each in container(name, workload, called)["volumeMounts"]:
        reference = volumes[each["name"]].get("configMap")
        given = config_map(name, reference["name"]) if reference else None
        if given is None:
            assert reference is None or reference.get("optional"), each
            continue
        folder = root / each["mountPath"][1:]
        folder.mkdir(parents=True)
        for file, text in given["data"].items():
            (folder / file).write_text(text, encoding="utf-8")


def moved(value: str, root: Path) -> str:
    return f"{root}{value}" if value.startswith(MOUNTED) else value
