"""The built-in servers over HTTP: what they read, what they refuse, how they say it."""

import json
import os
from collections.abc import AsyncIterator
from pathlib import Path

import httpx2
import pytest

from bus.envelope import lease_clock
from bus.testing import eventually
from services.toolrunner.servers.not_late import NOT_AFTER
from simulator.scenario import Scenario, load_scenario
from tests.toolrunner.builtin import BuiltIn, built_in

SCENARIO = load_scenario("cart-loafers")
CLUSTER = SCENARIO.cluster
POD = next(pod for pod in CLUSTER.pods if pod.workload == "cartservice")
SERVERS = ("kubernetes", "github", "cloudwatch")
FOREIGN = (
    {"Host": "evil.example"},
    {"Host": "127.0.0.1.evil.example"},
    {"Origin": "http://evil.example"},
    {"Origin": "null"},
)
OUTSIDE = (
    "../other/secrets",
    "src/../../x",
    "/etc/passwd",
    "src//x",
    "src/%2e%2e/x",
    "a\x00b",
    "a\\b",
    "x" * 513,
    "./../x",
)
PATH, CONTENT = next(iter(SCENARIO.repository.files.items()))


def denying(*resources: str) -> Scenario:
    cluster = CLUSTER.model_copy(update={"denied": resources})
    return SCENARIO.model_copy(update={"cluster": cluster})


@pytest.fixture
async def servers(tmp_path: Path) -> AsyncIterator[BuiltIn]:
    async with built_in(SCENARIO, tmp_path) as running:
        yield running


async def test_every_tool_is_marked_as_reading_only_and_refuses_unknown_arguments(
    servers: BuiltIn,
) -> None:
    names = []
    for server in ("kubernetes", "github", "cloudwatch"):
        async with servers.client(server) as client:
            for tool in await client.list_tools():
                names.append(f"{server}__{tool.name}")
                assert tool.annotations is not None
                assert tool.annotations.read_only_hint is True
                assert tool.input_schema["additionalProperties"] is False
    assert names == [
        "kubernetes__list_pods",
        "kubernetes__get_logs",
        "kubernetes__list_workloads",
        "kubernetes__describe_workload",
        "kubernetes__rollout_history",
        "kubernetes__list_events",
        "kubernetes__list_services",
        "kubernetes__list_network_policies",
        "kubernetes__resource_usage",
        "github__get_file_contents",
        "github__search_code",
        "github__list_commits",
        "github__get_commit",
        "github__get_file_blame",
        "cloudwatch__describe_alarm",
        "cloudwatch__get_alarm_history",
        "cloudwatch__search_logs",
        "cloudwatch__get_metric_points",
    ]


async def test_every_pod_is_one_line_that_says_what_it_is(servers: BuiltIn) -> None:
    lines = (await servers.ask("kubernetes__list_pods", namespace=CLUSTER.namespace)).split("\n")
    pods = [line for line in lines if line.startswith("pod ")]
    assert len(pods) == len(CLUSTER.pods)
    (cart,) = [line for line in pods if line.startswith(f"pod {POD.name} ")]
    assert "phase=Running ready=1/1 restarts=0" in cart


async def test_logs_are_the_container_s_lines_and_nothing_else(servers: BuiltIn) -> None:
    asked = {"namespace": CLUSTER.namespace, "pod": POD.name}
    whole = (await servers.ask("kubernetes__get_logs", **asked)).rstrip("\n").split("\n")
    tail = await servers.ask("kubernetes__get_logs", **asked, tail_lines=3)
    assert len(whole) == 1000
    assert len(tail.rstrip("\n").split("\n")) == 3


async def test_a_workload_shows_image_and_environment(servers: BuiltIn) -> None:
    text = await servers.ask(
        "kubernetes__describe_workload",
        namespace=CLUSTER.namespace,
        kind="Deployment",
        name="cartservice",
    )
    assert text.startswith("Deployment cartservice replicas=1 ready=1")
    assert "container server env REDIS_ADDR=redis-cart:6379" in text.split("\n")


async def test_events_can_be_those_of_one_workload_and_its_pods(servers: BuiltIn) -> None:
    text = await servers.ask(
        "kubernetes__list_events", namespace=CLUSTER.namespace, object_name="cartservice"
    )
    assert len(text.split("\n")) == len(CLUSTER.events)
    assert "Warning Unhealthy Pod/cartservice" in text
    other = await servers.ask(
        "kubernetes__list_events", namespace=CLUSTER.namespace, object_name="cart"
    )
    assert other == ""


async def test_other_namespaces_are_never_asked_for(servers: BuiltIn) -> None:
    for namespace in ("kube-system", "../secrets", "", "boutique/pods"):
        answer = await servers.ask("kubernetes__list_pods", namespace=namespace)
        assert answer.startswith("error: namespace ")
    assert servers.log.read() == []


async def test_names_that_are_none_are_never_asked_for(servers: BuiltIn) -> None:
    for name in ("../../secrets", "a/b", "A", "x" * 300, "%2e%2e"):
        answer = await servers.ask("kubernetes__get_logs", namespace=CLUSTER.namespace, pod=name)
        assert "is not a Kubernetes name" in answer
    assert servers.log.read() == []


async def test_a_missing_permission_is_named(tmp_path: Path) -> None:
    async with built_in(denying("pods/log"), tmp_path) as servers:
        answer = await servers.ask(
            "kubernetes__get_logs", namespace=CLUSTER.namespace, pod=POD.name
        )
    assert answer.startswith("error: missing permission: get pods/log in namespace boutique")


async def test_a_file_is_given_verbatim(servers: BuiltIn) -> None:
    assert await servers.ask("github__get_file_contents", path=PATH) == CONTENT
    folder = PATH.rpartition("/")[0]
    entries = await servers.ask("github__get_file_contents", path=folder)
    assert f"file {PATH} size={len(CONTENT.encode())}" in entries.split("\n")


async def test_paths_out_of_the_repository_are_never_asked_for(servers: BuiltIn) -> None:
    for path in OUTSIDE:
        for tool in ("github__get_file_contents", "github__get_file_blame"):
            answer = await servers.ask(tool, path=path)
            assert "path must lie in the repository" in answer or "at most 512 char" in answer
    assert servers.log.read() == []


async def test_a_search_cannot_leave_the_repository(servers: BuiltIn) -> None:
    for query in ("x repo:other/secrets", "org: other x", "-repo:a/b x", "USER:me", "(user:me)"):
        answer = await servers.ask("github__search_code", query=query)
        assert "stays in the one repository" in answer
    assert servers.log.read() == []


async def test_a_search_gives_files_with_the_lines_around(servers: BuiltIn) -> None:
    lines = (await servers.ask("github__search_code", query="GetCart")).split("\n")
    assert any(line.startswith("file src/cartservice/") for line in lines)
    assert any("GetCart" in line for line in lines)


async def test_commits_are_listed_newest_first(servers: BuiltIn) -> None:
    lines = (await servers.ask("github__list_commits", limit=2)).split("\n")
    shas = [commit.sha for commit in SCENARIO.repository.commits[:2]]
    assert [line.split()[1] for line in lines] == shas


async def test_a_file_that_is_not_there_is_an_error_in_one_sentence(servers: BuiltIn) -> None:
    answer = await servers.ask("github__get_file_contents", path="nope.txt")
    assert answer.startswith("error: GitHub knows no file nope.txt in ")
    assert "\n" not in answer


async def test_calls_without_the_token_are_refused(servers: BuiltIn) -> None:
    body = {"jsonrpc": "2.0", "id": 1, "method": "tools/list"}
    wrong = {"Authorization": f"Bearer {os.urandom(8).hex()}"}
    async with httpx2.AsyncClient() as client:
        for server in SERVERS:
            for headers in ({}, wrong):
                answer = await client.post(servers.url(server), json=body, headers=headers)
                assert answer.status_code == 401
        health = await client.get(f"http://127.0.0.1:{servers.port}/healthz")
        assert health.status_code == 200


async def test_calls_from_foreign_sites_are_refused_even_with_the_token(servers: BuiltIn) -> None:
    ours = {
        "Authorization": f"Bearer {servers.token}",
        "Accept": "application/json, text/event-stream",
    }
    body = {"jsonrpc": "2.0", "id": 1, "method": "tools/list"}
    async with httpx2.AsyncClient() as client:
        for server in SERVERS:
            for foreign in FOREIGN:
                headers = ours | foreign
                answer = await client.post(servers.url(server), json=body, headers=headers)
                assert answer.status_code in (403, 421)


async def test_without_a_namespace_and_a_repository_nothing_can_be_read(tmp_path: Path) -> None:
    async with built_in(SCENARIO, tmp_path, namespaces="", repository="") as servers:
        pods = await servers.ask("kubernetes__list_pods", namespace=CLUSTER.namespace)
        file = await servers.ask("github__get_file_contents", path=PATH)
    assert pods == "error: no namespace may be read: NIGHTSHIFT_NAMESPACES is not set"
    assert file == "error: no repository may be read: NIGHTSHIFT_REPOSITORY is not set"


async def test_an_outside_that_is_away_is_said_so(tmp_path: Path) -> None:
    async with built_in(SCENARIO, tmp_path, GITHUB_API_URL="http://127.0.0.1:1") as servers:
        file = await servers.ask("github__get_file_contents", path=PATH)
    assert file.startswith("error: GitHub is not reachable; nothing was read: ")


@pytest.mark.parametrize(
    ("seconds", "status"),
    [(60.0, 200), (-0.001, 409), (0.3, 409)],
    ids=["in time", "too late", "body too late"],
)
async def test_a_call_that_comes_after_its_time_is_refused_and_reads_nothing(
    servers: BuiltIn, seconds: float, status: int
) -> None:
    call = {"name": "list_pods", "arguments": {"namespace": "boutique"}}
    body = {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": call}
    not_after = lease_clock() + seconds
    headers = {
        "Authorization": f"Bearer {servers.token}",
        "Accept": "application/json, text/event-stream",
        "Content-Type": "application/json",
        NOT_AFTER: repr(not_after),
    }

    async def passed() -> bool:
        return seconds > 1 or lease_clock() > not_after

    async def late_body() -> AsyncIterator[bytes]:
        await eventually(passed)
        yield json.dumps(body).encode()

    async with httpx2.AsyncClient() as client:
        url = servers.url("kubernetes")
        answer = await client.post(url, content=late_body(), headers=headers)
    assert answer.status_code == status
    assert ("result" in answer.json()) == (status == 200)
    assert bool(servers.log.read("kubernetes")) == (status == 200)
