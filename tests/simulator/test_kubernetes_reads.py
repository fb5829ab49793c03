"""The Kubernetes stand-in through the real Python client."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from datetime import timedelta
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from kubernetes import client, config
from kubernetes.client.exceptions import ApiException

from simulator.kubernetes import build_kubernetes, make_certificate, write_kubeconfig
from simulator.request_log import RequestLog
from simulator.scenario import Scenario, ScenarioError
from simulator.serving import Served
from tests.simulator.small_scenario import CART_POD, TRACE, small_scenario

USER = "system:serviceaccount:nightshift:toolrunner"
TOKEN = "-".join(("token", "for", "tests"))
NEW_POD = "cartservice-6d4f8c9b7-new42"


class Cluster(NamedTuple):
    """A client that a kubeconfig describes, and the stand-in's log."""

    api: client.ApiClient
    log: RequestLog

    async def core(self, ask: Callable[[client.CoreV1Api], object]) -> Any:
        """What the core API answers; the client blocks, so it works in a thread."""
        return await asyncio.to_thread(ask, client.CoreV1Api(self.api))

    async def apps(self, ask: Callable[[client.AppsV1Api], object]) -> Any:
        """What the apps API answers."""
        return await asyncio.to_thread(ask, client.AppsV1Api(self.api))

    async def refused(self, ask: Callable[[client.CoreV1Api], object]) -> tuple[int, str]:
        """Status and message of a refusal."""

        def refusal() -> tuple[int | None, str]:
            # A refusal that is kept keeps its connection open, and the server cannot stop cleanly.
            try:
                ask(client.CoreV1Api(self.api))
            except ApiException as error:
                return error.status, error.body or ""
            raise AssertionError("it was not refused")

        code, body = await asyncio.to_thread(refusal)
        status = json.loads(body)
        assert (status["kind"], status["code"]) == ("Status", code)
        return int(status["code"]), str(status["message"])


async def serve(scenario: Scenario, folder: Path) -> AsyncIterator[Cluster]:
    log = RequestLog(folder / "requests.jsonl")
    files = make_certificate(folder / "tls")
    app = build_kubernetes(scenario, log, tokens={TOKEN: USER})
    listener = Served(app, certificate=files.certificate, key=files.key)
    url = await listener.start()
    kubeconfig = folder / "kubeconfig"
    write_kubeconfig(kubeconfig, url, ca_file=files.ca, token=TOKEN, namespace="boutique")
    assert kubeconfig.stat().st_mode & 0o077 == 0
    api = _client_of(kubeconfig)
    yield Cluster(api, log)
    # A client that keeps its connection open keeps the server from closing it cleanly.
    api.rest_client.close()
    await listener.stop()


def _client_of(kubeconfig: Path) -> client.ApiClient:
    settings = client.Configuration()
    loader: Callable[..., None] = config.load_kube_config
    loader(str(kubeconfig), client_configuration=settings)
    return client.ApiClient(settings)


@pytest.fixture
async def cluster(tmp_path: Path) -> AsyncIterator[Cluster]:
    async for running in serve(small_scenario(), tmp_path):
        yield running


async def test_pod_shows_its_state_its_last_end_and_its_owner(cluster: Cluster) -> None:
    pod = await cluster.core(lambda api: api.read_namespaced_pod(CART_POD, "boutique"))
    [container] = pod.status.container_statuses
    assert container.state.waiting.reason == "CrashLoopBackOff"
    assert container.last_state.terminated.reason == "OOMKilled"
    assert (container.last_state.terminated.exit_code, container.restart_count) == (137, 4)
    assert pod.metadata.labels == {"app": "cartservice", "pod-template-hash": "6d4f8c9b7"}
    assert pod.metadata.owner_references[0].name == "cartservice-6d4f8c9b7"
    assert pod.spec.containers[0].resources.limits == {"memory": "128Mi"}
    assert pod.spec.containers[0].env[0].value == "redis-cart:6379"


async def test_lists_are_narrowed_by_labels_and_fields_and_come_in_pages(cluster: Cluster) -> None:
    def names(**query: Any) -> Callable[[client.CoreV1Api], list[str]]:
        return lambda api: [
            str(dict(pod.to_dict())["metadata"]["name"])
            for pod in api.list_namespaced_pod("boutique", **query).items
        ]

    assert await cluster.core(names(label_selector="app in (redis-cart)")) == ["redis-cart-0"]
    assert await cluster.core(names(label_selector="app!=redis-cart")) == [NEW_POD, CART_POD]
    assert await cluster.core(names(field_selector="status.phase=Pending")) == [NEW_POD]
    first = await cluster.core(lambda api: api.list_namespaced_pod("boutique", limit=2))
    assert first.metadata.remaining_item_count == 1
    token = first.metadata._continue
    assert await cluster.core(names(limit=2, _continue=token)) == ["redis-cart-0"]


async def test_events_of_one_object_can_be_asked_for(cluster: Cluster) -> None:
    events = await cluster.core(
        lambda api: api.list_namespaced_event(
            "boutique", field_selector=f"involvedObject.name={CART_POD}"
        )
    )
    [event] = events.items
    assert (event.reason, event.count, event.source.component) == ("BackOff", 9, "kubelet")
    assert event.last_timestamp - event.first_timestamp == timedelta(minutes=8)


async def test_workload_shows_its_roll_outs(cluster: Cluster) -> None:
    deployment = await cluster.apps(
        lambda api: api.read_namespaced_deployment("cartservice", "boutique")
    )
    assert deployment.status.unavailable_replicas == 1
    available = {row.type: row.status for row in deployment.status.conditions}["Available"]
    assert available == "False"
    sets = await cluster.apps(lambda api: api.list_namespaced_replica_set("boutique"))
    rolled = {
        item.metadata.annotations["deployment.kubernetes.io/revision"]: (
            item.spec.template.spec.containers[0].image,
            item.metadata.annotations.get("kubernetes.io/change-cause"),
        )
        for item in sets.items
    }
    assert rolled == {
        "1": ("boutique/cartservice:v0.10.4", None),
        "2": ("boutique/cartservice:v0.10.5", "faster carts"),
        "3": ("boutique/cartservice:v0.10.6", None),
    }
    stateful = await cluster.apps(lambda api: api.list_namespaced_stateful_set("boutique"))
    assert [item.metadata.name for item in stateful.items] == ["redis-cart"]


async def test_log_is_cut_as_the_query_says(cluster: Cluster) -> None:
    def log(**query: Any) -> Callable[[client.CoreV1Api], str]:
        return lambda api: api.read_namespaced_pod_log(CART_POD, "boutique", **query)

    whole = await cluster.core(log())
    assert len(whole.splitlines()) == 200
    assert TRACE in whole
    assert await cluster.core(log(tail_lines=2)) == "".join(whole.splitlines(keepends=True)[-2:])
    assert len(await cluster.core(log(limit_bytes=10))) == 10
    assert len((await cluster.core(log(since_seconds=180))).splitlines()) in (20, 21)
    stamped = await cluster.core(log(timestamps=True, tail_lines=1))
    assert stamped.split(" ", 1)[1] == whole.splitlines(keepends=True)[-1]
    before = await cluster.core(log(previous=True))
    assert len(before.splitlines()) == 3


async def test_log_that_the_api_cannot_give_is_refused_in_its_words(cluster: Cluster) -> None:
    def log(pod: str, **query: Any) -> Callable[[client.CoreV1Api], str]:
        return lambda api: api.read_namespaced_pod_log(pod, "boutique", **query)

    assert await cluster.refused(log("redis-cart-0")) == (
        400,
        "a container name must be specified for pod redis-cart-0, choose one of: [server exporter]",
    )
    assert await cluster.core(log("redis-cart-0", container="exporter")) == ""
    assert await cluster.refused(log("redis-cart-0", container="server", previous=True)) == (
        400,
        'previous terminated container "server" in pod "redis-cart-0" not found',
    )
    assert await cluster.refused(log(CART_POD, container="x")) == (
        400,
        f"container x is not valid for pod {CART_POD}",
    )
    assert await cluster.refused(log(NEW_POD)) == (
        400,
        f'container "server" in pod "{NEW_POD}" is waiting to start: '
        "trying and failing to pull image",
    )
    assert await cluster.refused(log("gone")) == (404, 'pods "gone" not found')
    code, message = await cluster.refused(log(CART_POD, tail_lines=-1))
    assert (code, "must be greater than or equal to 0" in message) == (422, True)


async def test_query_values_that_mean_nothing_are_refused(cluster: Cluster) -> None:
    def pods(**query: Any) -> Callable[[client.CoreV1Api], object]:
        return lambda api: api.list_namespaced_pod("boutique", **query)

    assert await cluster.refused(pods(field_selector="spec.colour=red")) == (
        400,
        "field label not supported: spec.colour",
    )
    code, message = await cluster.refused(pods(label_selector="app in (a"))
    assert (code, message.startswith("unable to parse requirement")) == (400, True)
    code, message = await cluster.refused(pods(_continue="nonsense"))
    assert (code, "continue key is not valid" in message) == (400, True)


@pytest.mark.parametrize(
    ("ask", "sentence"),
    [
        (
            lambda api: api.list_namespaced_secret("boutique"),
            'secrets is forbidden: User "{user}" cannot list resource "secrets" in API group "" '
            'in the namespace "boutique"',
        ),
        (
            lambda api: api.list_namespaced_pod("kube-system"),
            'pods is forbidden: User "{user}" cannot list resource "pods" in API group "" '
            'in the namespace "kube-system"',
        ),
        (
            lambda api: api.list_pod_for_all_namespaces(),
            'pods is forbidden: User "{user}" cannot list resource "pods" in API group "" '
            "at the cluster scope",
        ),
        (
            lambda api: api.delete_namespaced_pod("x", "boutique"),
            'pods "x" is forbidden: User "{user}" cannot delete resource "pods" in API group "" '
            'in the namespace "boutique"',
        ),
        (
            lambda api: api.delete_collection_namespaced_pod("boutique"),
            'pods is forbidden: User "{user}" cannot deletecollection resource "pods" '
            'in API group "" in the namespace "boutique"',
        ),
        (
            lambda api: api.read_namespaced_config_map("x", "boutique"),
            'configmaps "x" is forbidden: User "{user}" cannot get resource "configmaps" '
            'in API group "" in the namespace "boutique"',
        ),
        (
            lambda api: api.connect_post_namespaced_pod_exec("x", "boutique", command=["ls"]),
            'pods "x" is forbidden: User "{user}" cannot create resource "pods/exec" '
            'in API group "" in the namespace "boutique"',
        ),
    ],
)
async def test_what_the_role_does_not_allow_is_forbidden_in_rbacs_words(
    cluster: Cluster, ask: Callable[[client.CoreV1Api], object], *, sentence: str
) -> None:
    assert await cluster.refused(ask) == (403, sentence.format(user=USER))


async def test_what_the_scenario_denies_is_forbidden(tmp_path: Path) -> None:
    scenario = small_scenario()
    denied = scenario.cluster.model_copy(update={"denied": ("pods/log",)})
    async for cluster in serve(scenario.model_copy(update={"cluster": denied}), tmp_path):
        code, message = await cluster.refused(
            lambda api: api.read_namespaced_pod_log(CART_POD, "boutique")
        )
        assert (code, f'User "{USER}" cannot get resource "pods/log"' in message) == (403, True)
        pods = await cluster.core(lambda api: api.list_namespaced_pod("boutique"))
        assert len(pods.items) == 3


async def test_nobody_without_a_known_token_is_answered(cluster: Cluster) -> None:
    cluster.api.configuration.refresh_api_key_hook = None
    cluster.api.configuration.api_key = {"BearerToken": "Bearer somebody"}
    code, message = await cluster.refused(lambda api: api.list_namespaced_pod("boutique"))
    assert (code, message) == (401, "Unauthorized")
    cluster.api.configuration.api_key = {}
    code, message = await cluster.refused(lambda api: api.list_namespaced_pod("boutique"))
    assert (code, message) == (401, "Unauthorized")
    asked = cluster.log.read("kubernetes")
    assert [(line["status"], line["user"]) for line in asked] == [(401, None), (401, None)]


async def test_access_review_says_what_the_role_says(cluster: Cluster) -> None:
    def review(verb: str, resource: str) -> bool:
        attributes = client.V1ResourceAttributes(
            verb=verb, resource=resource, namespace="boutique", group=""
        )
        spec = client.V1SelfSubjectAccessReviewSpec(resource_attributes=attributes)
        answer = client.AuthorizationV1Api(cluster.api).create_self_subject_access_review(
            client.V1SelfSubjectAccessReview(spec=spec)
        )
        return bool(answer.status and answer.status.allowed)

    assert await asyncio.to_thread(review, "list", "pods")
    assert not await asyncio.to_thread(review, "list", "secrets")
    assert not await asyncio.to_thread(review, "delete", "pods")


def test_pod_with_a_log_that_does_not_exist_is_refused_when_built(tmp_path: Path) -> None:
    scenario = small_scenario()
    pods = (scenario.cluster.pods[0].model_copy(update={"log": "nowhere"}),)
    broken = scenario.cluster.model_copy(update={"pods": pods})
    with pytest.raises(ScenarioError, match="nowhere"):
        build_kubernetes(
            scenario.model_copy(update={"cluster": broken}),
            RequestLog(tmp_path / "r.jsonl"),
            tokens={},
        )
