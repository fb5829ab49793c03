"""The kubernetes server's view of a whole namespace, through the real client and API paths."""

import json
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from simulator.scenario import PodSetup
from tests.lane import Figures
from tests.toolrunner.builtin import BuiltIn, built_in
from tests.toolrunner.full_cluster import CHECKOUT_POD, COMMIT, COMMIT_BEFORE, full_cluster

pytestmark = pytest.mark.timeout(40)
ONE_LOOP = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def servers(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[BuiltIn]:
    async with built_in(full_cluster(), tmp_path_factory.mktemp("full")) as running:
        yield running


async def told(servers: BuiltIn, tool: str, **arguments: object) -> list[str]:
    """The lines of an answer about the namespace."""
    text = await servers.ask(f"kubernetes__{tool}", namespace="boutique", **arguments)
    return text.split("\n")


def starting(lines: list[str], start: str) -> str:
    (line,) = [line for line in lines if line.startswith(start)]
    return line


@ONE_LOOP
async def test_every_workload_is_one_row_and_what_is_wrong_with_it_another(
    servers: BuiltIn,
) -> None:
    lines = await told(servers, "list_workloads")
    assert lines == [
        "Deployment catalog ready=1/1 age=90d rolled_out=2d "
        'image=shop/catalog:main-4be07d1 ref=4be07d1 ref_from="image tag"',
        "Deployment checkout ready=1/1 age=90d rolled_out=31m image=shop/checkout:v2 "
        f"ref={COMMIT} ref_from=org.opencontainers.image.revision",
        "StatefulSet store ready=1/1 age=90d image=redis:7",
        "DaemonSet agent ready=2/3 age=90d image=agent:1",
        starting(lines, 'CronJob report schedule="0 3 * * *"'),
        "Job migrate completions=1 failed=7 backoff_limit=6 age=2d image=shop/migrate:v1",
        starting(lines, "Job migrate condition Failed=True reason=BackoffLimitExceeded"),
    ]
    assert " completed_jobs=1 " in lines[4]


@ONE_LOOP
async def test_the_deployed_commit_is_told_where_pods_or_images_tell_it(servers: BuiltIn) -> None:
    pods = await told(servers, "list_pods")
    assert f" ref={COMMIT} ref_from=org" in starting(pods, f"pod {CHECKOUT_POD} ")
    assert " ref=4be07d1 ref_from=" in starting(pods, "pod catalog-5f7c9d8b64-h2s9k phase")
    assert " ref=" not in starting(pods, "pod store-0 phase")
    described = await told(servers, "describe_workload", kind="Deployment", name="checkout")
    assert f" ref={COMMIT} " in described[0]
    assert await told(servers, "list_pods", workload_name="check") == [""]


@ONE_LOOP
async def test_a_roll_out_s_history_says_when_and_what_the_newest_changed(servers: BuiltIn) -> None:
    lines = await told(servers, "rollout_history", kind="Deployment", name="checkout")
    assert lines[0].startswith("revision 4 current created=")
    assert "ready=1/1 image=shop/checkout:v2" in lines[0]
    assert f" ref={COMMIT} " in lines[0]
    assert " cause=calmer " in lines[0]
    assert lines[1].startswith("revision 3 created=")
    assert lines[2:] == [
        f"revision 3 has annotations.org.opencontainers.image.revision={COMMIT_BEFORE}",
        f"revision 4 has annotations.org.opencontainers.image.revision={COMMIT}",
        "revision 3 has containers.server.env.CATALOG=catalog:3550",
        "revision 4 has containers.server.env.CATALOG=catalog:3350",
        "revision 3 has no containers.server.env.MODE",
        "revision 4 has containers.server.env.MODE=fast",
        "revision 3 has containers.server.image=shop/checkout:v1",
        "revision 4 has containers.server.image=shop/checkout:v2",
    ]


@ONE_LOOP
async def test_stateful_sets_and_daemon_sets_have_a_history_too(servers: BuiltIn) -> None:
    lines = await told(servers, "rollout_history", kind="StatefulSet", name="store")
    assert [line.partition(" created")[0] for line in lines[:2]] == [
        "revision 2 current",
        "revision 1",
    ]
    assert lines[2:] == [
        "revision 1 has containers.server.image=redis:6",
        "revision 2 has containers.server.image=redis:7",
    ]
    (first, end) = await told(servers, "rollout_history", kind="DaemonSet", name="agent")
    assert first.startswith("revision 1 current")
    assert end == "~ no earlier revision is kept, so what changed cannot be told"


@ONE_LOOP
async def test_a_secret_is_shown_as_a_reference_only(servers: BuiltIn) -> None:
    described = await told(servers, "describe_workload", kind="Deployment", name="checkout")
    line = starting(described, "container server env DB_PASSWORD=")
    assert line.endswith('{"secretKeyRef": {"key": "password", "name": "shop-db"}}')
    asked = [str(line["request"]) for line in servers.log.read("kubernetes")]
    assert not [path for path in asked if "secrets" in path or "configmaps" in path]


@ONE_LOOP
async def test_services_say_what_stands_behind_them_and_what_does_not(servers: BuiltIn) -> None:
    lines = await told(servers, "list_services")
    checkout = starting(lines, "service checkout ")
    assert "ports=5050->5050/TCP selector=app=checkout endpoints_ready=1 endpoints_not_ready=0" in (
        checkout
    )
    assert starting(lines, "service catalog ").endswith(
        "endpoints_ready=0 endpoints_not_ready=1 not_ready_pods=catalog-5f7c9d8b64-h2s9k"
    )
    assert "service orders: its selector app=order matches no pod" in lines
    assert await told(servers, "list_services", name="nobody") == ["~ there is no such service"]


@ONE_LOOP
async def test_network_policies_say_in_words_who_may_talk_to_whom(servers: BuiltIn) -> None:
    assert await told(servers, "list_network_policies") == [
        "network policy catalog: is about pods with app=catalog (1 pod now)",
        "network policy catalog: they may be reached by pods with app=checkout of this namespace; "
        "or pods with app=probe of all namespaces, on ports: TCP/3550",
        "network policy closed: is about pods with app In (store) (1 pod now)",
        "network policy closed: they may be reached by nobody",
        "network policy closed: they may reach addresses in 10.0.0.0/8 without 10.9.0.0/16, "
        "on ports: any",
        f"pods that no network policy is about, so nothing is blocked: {CHECKOUT_POD}",
    ]


@ONE_LOOP
async def test_usage_is_told_with_its_limits_quotas_and_autoscalers(servers: BuiltIn) -> None:
    lines = await told(servers, "resource_usage")
    checkout = starting(lines, f"usage of pod {CHECKOUT_POD} container server ")
    assert "cpu=40m cpu_request=100m cpu_limit=200m cpu_of_limit=20% memory=120Mi" in checkout
    assert "memory_limit=128Mi memory_of_limit=94%" in checkout
    assert "quota most used/allowed pods=19/20" in lines
    scaler = starting(lines, "autoscaler checkout of=")
    assert "replicas=1 wanted=3 min=1 max=3 target=cpu:80% now=cpu:190%" in scaler
    assert starting(lines, "autoscaler checkout condition ScalingLimited=True")
    own = await told(servers, "resource_usage", workload_name="store")
    assert [line.partition(" cpu=")[0] for line in own] == [
        "usage of pod store-0 container server",
        "usage of pod store-0 container exporter",
        own[-1],
    ]


@ONE_LOOP
async def test_logs_can_be_those_of_the_last_minutes(servers: BuiltIn) -> None:
    lines = await told(servers, "get_logs", pod=CHECKOUT_POD, since_minutes=10)
    assert len(lines) - 1 in (10, 11)
    refused = await told(servers, "get_logs", pod=CHECKOUT_POD, since_minutes=-1)
    assert refused[0].startswith("error: ")
    both = await told(servers, "get_logs", pod="store-0")
    assert "choose one of: [server exporter]" in both[0]


@ONE_LOOP
async def test_other_namespaces_and_names_that_are_none_are_not_asked_for(
    servers: BuiltIn,
) -> None:
    before = len(servers.log.read())
    for tool in ("list_workloads", "list_services", "list_network_policies", "resource_usage"):
        answer = await servers.ask(f"kubernetes__{tool}", namespace="kube-system")
        assert answer.startswith("error: namespace 'kube-system' is not readable")
    for name in ("../../secrets", "", "a\n", "A"):
        lines = await told(servers, "rollout_history", kind="Deployment", name=name)
        assert "is not a Kubernetes name" in lines[-1] or "is not a Kubernetes name" in lines[0]
    assert len(servers.log.read()) == before


async def test_what_may_not_be_read_is_a_gap_in_the_answer_and_not_its_end(tmp_path: Path) -> None:
    denied = ("cronjobs", "endpointslices", "pods.metrics.k8s.io", "controllerrevisions")
    async with built_in(full_cluster(denied=denied), tmp_path) as servers:
        workloads = await told(servers, "list_workloads")
        services = await told(servers, "list_services", name="checkout")
        usage = await told(servers, "resource_usage")
        history = await told(servers, "rollout_history", kind="StatefulSet", name="store")
    said = "(the Kubernetes API said 403)"
    where = "in namespace boutique"
    assert workloads[-1] == f"~ not shown: missing permission: list cronjobs {where} {said}"
    assert services[-1] == f"~ not shown: missing permission: list endpointslices {where} {said}"
    assert "endpoints_ready" not in services[0]
    assert usage[-1] == f"~ not shown: missing permission: list pods.metrics.k8s.io {where} {said}"
    assert usage[0].startswith("autoscaler checkout ")
    assert history == [f"error: missing permission: list controllerrevisions {where} {said}"]


async def test_a_long_list_is_read_in_pages_and_shown_whole(tmp_path: Path) -> None:
    pods = tuple(PodSetup(name=f"agent-{number:05}", workload="agent") for number in range(251))
    async with built_in(full_cluster(pods=pods), tmp_path) as servers:
        lines = await told(servers, "list_pods")
        asked = servers.log.read("kubernetes")
    assert len([line for line in lines if line.startswith("pod agent-")]) == 251
    assert [line["status"] for line in asked] == [200] * 2
    assert ["continue=" in str(line["query"]) for line in asked] == [False, True]


async def test_a_cluster_without_metrics_is_a_sentence_and_no_error(tmp_path: Path) -> None:
    nothing: dict[str, object] = {
        "quotas": {},
        "workloads": (),
        "network_policies": {},
        "services": (),
    }
    async with built_in(full_cluster(metrics_server=False, **nothing), tmp_path) as servers:
        usage = await told(servers, "resource_usage")
        policies = await told(servers, "list_network_policies")
    assert usage == [
        "~ pod metrics are not available: this cluster does not serve metrics.k8s.io, so what pods "
        "use cannot be told"
    ]
    assert policies == ["~ there is no network policy in boutique: none blocks traffic there"]


@ONE_LOOP
async def test_the_whole_server_costs_the_model_less_than_900_tokens(
    servers: BuiltIn, figures: Figures
) -> None:
    """Characters of names, descriptions and schemas over four: what each request would hold."""
    async with servers.client("kubernetes") as client:
        tools = await client.list_tools()
    shown = [
        {"name": tool.name, "description": tool.description, "input_schema": tool.input_schema}
        for tool in tools
    ]
    tokens = len(json.dumps(shown, separators=(",", ":"))) // 4
    figures.add("kubernetes server", "tokens of its nine tools", tokens, "< 900")
    assert tokens < 900
