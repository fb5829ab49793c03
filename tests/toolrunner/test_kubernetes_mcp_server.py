"""kubernetes-mcp-server behind the toolrunner: its traps are closed by the gate, in the full lane.

The real binary from npm over stdio and HTTP, against the simulated API over TLS. A range of `tail`
is the policy's to give; without one a log that is too long is a refusal of the result.
"""

import json
import secrets
from collections.abc import AsyncIterator
from pathlib import Path
from typing import NamedTuple

import pytest

from bus.broker import Bus
from bus.connection import as_text
from bus.events import ToolCallFinished
from bus.record import Record
from bus.streams import TOOL_RESULTS
from bus.testing import events, eventually
from services.toolrunner.adapters.lock_file import lock_text
from services.toolrunner.adapters.mcp_servers_file import load_servers
from services.toolrunner.app import build
from services.toolrunner.catalogue import Catalogue
from services.toolrunner.settings import LOCK, Settings
from simulator.kubernetes import build_kubernetes, make_certificate, write_kubeconfig
from simulator.request_log import RequestLog
from simulator.scenario import LogSetup
from tests.conftest import MakeBus, Start
from tests.lane import Figures, Lane
from tests.toolrunner.foreign import ask, investigation, lock_as_listed, serving
from tests.toolrunner.full_cluster import CHECKOUT_POD, full_cluster
from tests.toolrunner.kubernetes_mcp_server import (
    ENVIRONMENT,
    SETTINGS,
    SIX,
    NotInstalled,
    install,
    over_http,
)
from tests.toolrunner.policies import write_policy

pytestmark = pytest.mark.timeout(240)
POD = {"namespace": "boutique", "name": CHECKOUT_POD}
CALLS = tuple(f"1-{number}" for number in range(1, 9))


class Behind(NamedTuple):
    """A toolrunner with the hardened server over stdio, and one as it comes over HTTP."""

    bus: Bus
    record: Record
    log: RequestLog
    catalogue: Catalogue

    async def told(self, call_id: str) -> ToolCallFinished:
        """What was told about a call; ten megabytes over a pipe may take their time."""

        async def found() -> list[ToolCallFinished]:
            told = await events(self.bus, TOOL_RESULTS)
            ours = [event for event in told if isinstance(event, ToolCallFinished)]
            return [event for event in ours if event.tool_call_id == call_id]

        return (await eventually(found, seconds=40))[0]

    async def asked(self, call_id: str, tool: str, **arguments: object) -> str:
        """The answer to a call as the model gets it, `error: ` before it when it is one."""
        await ask(self.bus, self.record, call_id, tool=tool, **arguments)
        finished = await self.told(call_id)
        if not finished.ok:
            return f"error: {finished.error}"
        result = await self.bus.results.read(self.record.investigation_id, finished.tool_call_id)
        assert result is not None
        return result.whole


@pytest.fixture
def binary(lane: Lane, request: pytest.FixtureRequest) -> Path:
    """The server's binary, kept from run to run."""
    if not lane.full:
        pytest.skip("in the full lane only")
    assert request.config.cache is not None
    try:
        return install(request.config.cache.mkdir("kubernetes-mcp-server"))
    except NotInstalled as missing:
        pytest.skip(str(missing))


@pytest.fixture
async def log(binary: Path, tmp_path: Path) -> AsyncIterator[RequestLog]:
    """What the cluster was asked; it runs, and so does the server over HTTP, and files name both.

    Apart from `behind`, so that both outlive the toolrunner and whoever keeps connections to them.
    """
    log, files = RequestLog(tmp_path / "requests.jsonl"), make_certificate(tmp_path)
    long_log = LogSetup(lines=100_000, background=("x" * 103,))
    token, kubeconfig = secrets.token_hex(16), tmp_path / "kubeconfig"
    world = full_cluster(logs={"lines": long_log})
    app = build_kubernetes(world, log, tokens={token: "reader"})
    (tmp_path / "config.toml").write_text(SETTINGS, encoding="utf-8")
    async with serving(app, certificate=files.certificate, key=files.key) as port:
        url = f"https://127.0.0.1:{port}"
        write_kubeconfig(kubeconfig, url, ca_file=files.ca, token=token, namespace="boutique")
        async with over_http(binary, "--kubeconfig", str(kubeconfig)) as as_it_comes:
            write_files(tmp_path, binary, as_it_comes=as_it_comes)
            lock = await lock_as_listed(load_servers(str(tmp_path / "servers.json")))
            (tmp_path / LOCK).write_text(lock_text(lock), encoding="ascii")
            yield log


@pytest.fixture
async def behind(log: RequestLog, make_bus: MakeBus, start: Start, tmp_path: Path) -> Behind:
    bus = make_bus("toolrunner")
    files = {"mcp_servers": str(tmp_path / "servers.json"), "policy_dir": str(tmp_path)}
    settings = Settings.model_construct().model_copy(update=bus.settings.model_dump() | files)
    service = build(settings, bus)
    await start(service)

    async def ready() -> bool:
        return not await service.health.problems()

    await eventually(ready, seconds=30)
    record = await investigation(bus, *CALLS)
    sha = await bus.redis.get(bus.keys.current_catalogue)
    text = await bus.redis.get(bus.keys.catalogue(as_text(sha)))
    return Behind(bus, record, log, Catalogue(as_text(text)))


def write_files(folder: Path, binary: Path, *, as_it_comes: int) -> None:
    """The `mcpServers` file and the policy, which names some of the tools."""
    hardened = {
        "command": str(binary),
        "args": [
            *("--config", f"{folder}/config.toml"),
            *("--kubeconfig", f"{folder}/kubeconfig"),
            "--disable-multi-cluster",
        ],
        "env": ENVIRONMENT,
    }
    loose = {"url": f"http://127.0.0.1:{as_it_comes}/mcp"}
    servers = {"mcpServers": {"cluster": hardened, "loose": loose}}
    (folder / "servers.json").write_text(json.dumps(servers), encoding="utf-8")
    hardened_tools = [f"cluster__{name}" for name in SIX]
    write_policy(folder, *hardened_tools, "loose__pods_log", "loose__resources_list")


async def test_of_the_server_s_tools_only_the_needed_ones_are_offered(
    behind: Behind, figures: Figures
) -> None:
    hardened = [f"cluster__{name}" for name in SIX]
    loose = ["loose__pods_log", "loose__resources_list"]
    assert sorted(behind.catalogue.schemas) == sorted([*hardened, *loose, "read_result"])
    shown = [tool for tool in json.loads(behind.catalogue.text) if tool["name"] in hardened]
    figures.add("kubernetes-mcp-server", "tokens of its six tools", len(json.dumps(shown)) // 4)
    for place, tool in enumerate(("loose__configuration_view", "cluster__pods_list"), 1):
        answer = await behind.asked(f"1-{place}", tool)
        assert answer.startswith(f"error: denied: there is no tool '{tool}'")
    assert not [line for line in behind.log.read() if line["request"] == "GET /api/v1/pods"]


async def test_its_answers_come_through_and_its_silent_mistakes_do_not(behind: Behind) -> None:
    pods = await behind.asked("1-1", "cluster__pods_list_in_namespace", namespace="boutique")
    assert CHECKOUT_POD in pods
    for place, server in enumerate(("cluster", "loose"), 2):
        log = await behind.asked(f"1-{place}", f"{server}__pods_log", **POD, tail=3)
        assert log.split("\n") == ["x" * 103] * 3
    before = len(behind.log.read("kubernetes"))
    for place, server in enumerate(("cluster", "loose"), 4):
        mistyped = await behind.asked(f"1-{place}", f"{server}__pods_log", **POD, tial=3)
        assert mistyped.startswith("error: denied: the arguments do not fit the tool's schema: ")
        assert "tial" in mistyped
    negative = await behind.asked("1-6", "cluster__pods_log", **POD, tail=-1)
    assert "-1 is less than the minimum of 0" in negative
    assert len(behind.log.read("kubernetes")) == before


async def test_a_log_of_ten_megabytes_is_condensed_as_it_comes(behind: Behind) -> None:
    await ask(behind.bus, behind.record, "1-1", tool="cluster__pods_log", **POD, tail=100_000)
    finished = await behind.told("1-1")
    # A policy that bounds `tail` would refuse it before the server is asked.
    assert finished.whole_bytes <= 8 * 1024 * 1024
    assert finished.ok
    assert finished.shown_characters < 20_000


async def test_secrets_are_refused_by_the_server_s_list_and_by_the_cluster_s_role(
    behind: Behind,
) -> None:
    wanted = {"apiVersion": "v1", "kind": "Secret", "namespace": "boutique"}
    listed = await behind.asked("1-1", "cluster__resources_list", **wanted)
    assert listed.startswith("error: ")
    assert "resource not allowed: /v1, Kind=Secret" in listed
    one = await behind.asked("1-2", "cluster__resources_get", **wanted, name="shop-db")
    assert "resource not allowed: /v1, Kind=Secret" in one
    maps = await behind.asked("1-3", "cluster__resources_list", **wanted | {"kind": "ConfigMap"})
    assert "resource not allowed: /v1, Kind=ConfigMap" in maps
    assert not [line for line in behind.log.read() if "/secrets" in str(line["request"])]
    loose = await behind.asked("1-4", "loose__resources_list", **wanted)
    assert 'secrets is forbidden: User "reader" cannot list resource "secrets"' in loose
