"""What the read-only role lists, path by path, as the API server gives it; and nothing else."""

from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import pytest
import pytest_asyncio

from simulator.kubernetes import build_kubernetes
from simulator.kubernetes.access import READABLE
from simulator.kubernetes.discovery import served as served_by
from simulator.request_log import RequestLog
from simulator.serving import served
from tests.toolrunner.full_cluster import COMMIT_BEFORE, full_cluster

ONE_LOOP = pytest.mark.asyncio(loop_scope="module")
TOKEN = "-".join(("token", "of", "the", "tests"))
VERSIONS = {
    group_version.rpartition("/")[0]: group_version for group_version in served_by(metrics=True)
}
RESOURCES = [
    (group, name) for group, names in READABLE.items() for name in sorted(names) if "/" not in name
]
ALONE = ("secrets", "configmaps", "endpoints", "pods/x/exec", "pods/x/portforward", "pods/x/proxy")
WRITES = ("POST", "PUT", "PATCH", "DELETE")
FORBIDDEN = [
    *(("GET", f"/api/v1/namespaces/boutique/{name}") for name in ALONE),
    *(("GET", path) for path in ("/api/v1/nodes", "/api/v1/pods", "/api/v1/nodes/n/proxy/logs")),
    *(("GET", path) for path in ("/api/v1/namespaces", "/api/v1/namespaces/boutique")),
    ("GET", "/apis/rbac.authorization.k8s.io/v1/namespaces/boutique/roles"),
    ("POST", "/api/v1/namespaces/boutique/pods/x/exec"),
    ("POST", "/api/v1/namespaces/boutique/serviceaccounts/x/token"),
    ("PATCH", "/api/v1/namespaces/boutique/pods/x/ephemeralcontainers"),
    *((verb, "/apis/apps/v1/namespaces/boutique/deployments/checkout") for verb in WRITES),
    *((verb, "/apis/batch/v1/namespaces/boutique/jobs/migrate") for verb in WRITES),
    ("GET", "/api/v1/namespaces/boutique/pods?watch=true"),
    ("DELETE", "/api/v1/namespaces/boutique/pods"),
    ("GET", "/apis/metrics.k8s.io/v1beta1/nodes"),
]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def addresses(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[list[str]]:
    """A cluster with everything, and one without a metrics server and with two denials."""
    log = RequestLog(tmp_path_factory.mktemp("resources") / "requests.jsonl")
    denied = {"metrics_server": False, "denied": ("jobs", "pods.metrics.k8s.io")}
    apps = [
        build_kubernetes(world, log, tokens={TOKEN: "reader"})
        for world in (full_cluster(), full_cluster(metrics_server=False), full_cluster(**denied))
    ]
    async with served(apps[0]) as first, served(apps[1]) as second, served(apps[2]) as third:
        yield [first, second, third]


async def asked(address: str, path: str, *, method: str = "GET", **query: str) -> tuple[int, Any]:
    headers = {"Authorization": f"Bearer {TOKEN}"}
    async with (
        aiohttp.ClientSession() as session,
        session.request(method, f"{address}{path}", params=query, headers=headers) as answer,
    ):
        is_json = "json" in answer.headers["content-type"]
        return answer.status, await (answer.json() if is_json else answer.text())


def path_of(group: str, resource: str) -> str:
    root = f"/apis/{VERSIONS[group]}" if group else "/api/v1"
    return f"{root}/namespaces/boutique/{resource}"


@ONE_LOOP
@pytest.mark.parametrize(("group", "resource"), RESOURCES)
async def test_each_resource_is_discovered_listed_and_got(
    addresses: list[str], group: str, resource: str
) -> None:
    root, path = path_of(group, resource).partition("/namespaces/")[0], path_of(group, resource)
    _, discovered = await asked(addresses[0], root)
    (entry,) = [each for each in discovered["resources"] if each["name"] == resource]
    assert {"get", "list"} <= set(entry["verbs"])
    status, listed = await asked(addresses[0], path)
    assert (status, listed["kind"]) == (200, f"{entry['kind']}List")
    assert listed["apiVersion"] == (VERSIONS[group] if group else "v1")
    assert not [item for item in listed["items"] if "kind" in item]
    status, missing = await asked(addresses[0], f"{path}/nobody")
    assert (status, missing["kind"], missing["reason"]) == (404, "Status", "NotFound")
    if resource == "events":
        return
    name = listed["items"][0]["metadata"]["name"]
    status, one = await asked(addresses[0], f"{path}/{name}")
    assert (status, one["kind"], one["metadata"]["name"]) == (200, entry["kind"], name)
    _, narrowed = await asked(addresses[0], path, fieldSelector=f"metadata.name={name}")
    assert [item["metadata"]["name"] for item in narrowed["items"]] == [name]


@ONE_LOOP
@pytest.mark.parametrize(("method", "path"), FORBIDDEN)
async def test_what_the_role_does_not_list_is_forbidden(
    addresses: list[str], method: str, path: str
) -> None:
    plain, _, query = path.partition("?")
    words = dict([query.split("=")]) if query else {}
    status, answer = await asked(addresses[0], plain, method=method, **words)
    assert (status, answer["reason"]) == (403, "Forbidden")


@ONE_LOOP
async def test_a_group_that_is_not_served_is_no_page(addresses: list[str]) -> None:
    path = path_of("metrics.k8s.io", "pods")
    for address, where in ((addresses[1], path), (addresses[0], path.replace("v1beta1", "v2"))):
        assert await asked(address, where) == (404, "404 page not found\n")
    _, groups = await asked(addresses[1], "/apis")
    assert "metrics.k8s.io" not in [group["name"] for group in groups["groups"]]
    status, unknown = await asked(addresses[0], "/apis/apps/v1/namespaces/boutique/foos")
    assert (status, unknown["reason"]) == (403, "Forbidden")


@ONE_LOOP
async def test_pods_are_denied_apart_from_their_metrics(addresses: list[str]) -> None:
    status, refused = await asked(addresses[2], path_of("metrics.k8s.io", "pods"))
    assert (status, refused["message"]) == (
        403,
        'pods.metrics.k8s.io is forbidden: User "reader" cannot list resource "pods" in API group '
        '"metrics.k8s.io" in the namespace "boutique"',
    )
    assert (await asked(addresses[2], path_of("", "pods")))[0] == 200
    assert (await asked(addresses[2], path_of("batch", "jobs")))[0] == 403
    assert (await asked(addresses[2], path_of("batch", "cronjobs")))[0] == 200


@ONE_LOOP
async def test_lists_come_in_pages_and_metrics_all_at_once(addresses: list[str]) -> None:
    path = path_of("apps", "controllerrevisions")
    names, token = [], ""
    while True:
        _, page = await asked(
            addresses[0], path, limit="1", **({"continue": token} if token else {})
        )
        names += [item["metadata"]["name"] for item in page["items"]]
        token = page["metadata"].get("continue", "")
        if not token:
            break
    assert len(set(names)) == len(names) == 3
    _, metrics = await asked(addresses[0], path_of("metrics.k8s.io", "pods"), limit="1")
    assert len(metrics["items"]) == 3
    assert metrics["items"][0]["containers"][0]["usage"].keys() == {"cpu", "memory"}
    _, missing = await asked(addresses[0], path_of("metrics.k8s.io", "pods") + "/x")
    assert missing["message"] == 'podmetrics.metrics.k8s.io "boutique/x" not found'


@ONE_LOOP
async def test_labels_lead_from_a_service_to_its_slice_and_from_a_workload_to_its_revisions(
    addresses: list[str],
) -> None:
    label = "kubernetes.io/service-name=checkout"
    _, slices = await asked(
        addresses[0], path_of("discovery.k8s.io", "endpointslices"), labelSelector=label
    )
    (found,) = slices["items"]
    assert found["endpoints"][0]["targetRef"]["name"].startswith("checkout-")
    assert found["ports"] == [{"name": "main", "port": 5050, "protocol": "TCP"}]
    _, empty = await asked(
        addresses[0],
        path_of("discovery.k8s.io", "endpointslices"),
        labelSelector="kubernetes.io/service-name=orders",
    )
    assert (empty["items"][0]["endpoints"], empty["items"][0]["ports"]) == (None, None)
    _, sets = await asked(
        addresses[0], path_of("apps", "replicasets"), labelSelector="app=checkout"
    )
    notes = [item["spec"]["template"]["metadata"]["annotations"] for item in sets["items"]]
    assert COMMIT_BEFORE in [note["org.opencontainers.image.revision"] for note in notes]
    _, revisions = await asked(
        addresses[0], path_of("apps", "controllerrevisions"), labelSelector="app=store"
    )
    assert [item["revision"] for item in revisions["items"]] in ([1, 2], [2, 1])
    assert revisions["items"][0]["data"]["spec"]["template"]["$patch"] == "replace"
