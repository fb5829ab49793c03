"""A roll-out that is under way or stuck, as the API shows it: two replica sets, two images."""

from datetime import UTC, datetime, timedelta

import pytest

from simulator.kubernetes.objects import list_objects
from simulator.kubernetes.shapes import Object
from simulator.scenario import ClusterSetup, ContainerEnd, EventSetup, PodSetup, WorkloadSetup

NOW = datetime(2026, 2, 13, 10, 5, tzinfo=UTC)
OLD, NEW = "shop-5d8f7c6b94-d2r7v", "shop-6b9d5f7c84-w5h8k"


def cluster(*, changed: timedelta = timedelta(minutes=20), **new: object) -> ClusterSetup:
    """A pod of the previous roll-out that is ready, and one of the newest."""
    pod = {"name": NEW, "workload": "shop", "ready": False, "age": changed, **new}
    return ClusterSetup(
        workloads=(
            WorkloadSetup(
                name="shop",
                image="shop:v2",
                revision=7,
                changed=changed,
                port=8080,
                history=("shop:v0", "shop:v1", "shop:v2"),
            ),
        ),
        pods=(
            PodSetup(name=OLD, workload="shop", age=timedelta(days=9)),
            PodSetup.model_validate(pod),
        ),
    )


def pulling(changed: timedelta = timedelta(minutes=20)) -> ClusterSetup:
    return cluster(changed=changed, phase="Pending", waiting="ImagePullBackOff")


def named(setup: ClusterSetup, resource: str) -> dict[str, Object]:
    found = list_objects(setup, resource, now=NOW)
    return {str(dig(item, "metadata.name")): item for item in found}


def dig(item: object, path: str) -> object:
    """What stands at a dotted path, with numbers for places in lists."""
    for key in path.split("."):
        if isinstance(item, list):
            item = item[int(key)]
        else:
            item = item.get(key) if isinstance(item, dict) else None
    return item


def conditions(deployment: Object) -> dict[str, tuple[str, str]]:
    found = dig(deployment, "status.conditions")
    assert isinstance(found, list)
    return {row["type"]: (row["status"], row["reason"]) for row in found}


def test_each_pod_has_the_image_and_the_replica_set_of_its_own_roll_out() -> None:
    pods, sets = named(pulling(), "pods"), named(pulling(), "replicasets")
    images = {name: dig(pod, "spec.containers.0.image") for name, pod in pods.items()}
    assert images == {OLD: "shop:v1", NEW: "shop:v2"}
    assert [dig(pods[name], "metadata.ownerReferences.0.name") for name in (OLD, NEW)] == [
        "shop-5d8f7c6b94",
        "shop-6b9d5f7c84",
    ]
    assert dig(pods[OLD], "metadata.labels.pod-template-hash") == "5d8f7c6b94"
    replicas = {name: dig(each, "status.replicas") for name, each in sets.items()}
    assert replicas["shop-5d8f7c6b94"] == replicas["shop-6b9d5f7c84"] == 1
    assert sorted(map(str, replicas.values())) == ["0", "1", "1"]
    assert dig(sets["shop-5d8f7c6b94"], "status.readyReplicas") == 1
    assert dig(sets["shop-6b9d5f7c84"], "status.readyReplicas") is None


@pytest.mark.parametrize(
    ("minutes", "progress"),
    [(5, ("True", "ReplicaSetUpdated")), (20, ("False", "ProgressDeadlineExceeded"))],
)
def test_deployment_says_that_it_serves_and_how_the_roll_out_stands(
    minutes: int, progress: tuple[str, str]
) -> None:
    deployment = named(pulling(timedelta(minutes=minutes)), "deployments")["shop"]
    status = dig(deployment, "status")
    assert isinstance(status, dict)
    counts = {key: value for key, value in status.items() if key.endswith("eplicas")}
    assert counts == {
        "replicas": 2,
        "updatedReplicas": 1,
        "readyReplicas": 1,
        "availableReplicas": 1,
        "unavailableReplicas": 1,
    }
    assert conditions(deployment) == {
        "Available": ("True", "MinimumReplicasAvailable"),
        "Progressing": progress,
    }


def test_container_that_never_ran_has_neither_id() -> None:
    status = dig(named(pulling(), "pods")[NEW], "status.containerStatuses.0")
    assert isinstance(status, dict)
    assert status["imageID"] == ""
    assert "containerID" not in status
    assert status["started"] is False


def test_container_that_ran_and_waits_again_has_both() -> None:
    end = ContainerEnd(reason="OOMKilled", exit_code=137)
    setup = cluster(restarts=3, waiting="CrashLoopBackOff", last_end=end)
    pod = named(setup, "pods")[NEW]
    status = dig(pod, "status.containerStatuses.0")
    assert isinstance(status, dict)
    assert str(status["imageID"]).startswith("shop:v2@sha256:")
    uid = dig(pod, "metadata.uid")
    assert status["state"]["waiting"]["message"] == (
        f"back-off 5m0s restarting failed container=server pod={NEW}_boutique({uid})"
    )


def test_a_stuck_roll_out_is_stuck_since_its_deadline() -> None:
    deployment = named(pulling(timedelta(minutes=20)), "deployments")["shop"]
    found = dig(deployment, "status.conditions")
    assert isinstance(found, list)
    since = {row["type"]: row["lastTransitionTime"] for row in found}
    assert since == {"Available": "2026-02-13T09:45:00Z", "Progressing": "2026-02-13T09:55:00Z"}


def test_pod_runs_where_it_is_said_to_and_its_last_run_took_as_long_as_is_said() -> None:
    end = ContainerEnd(
        reason="Error", exit_code=1, age=timedelta(minutes=2), ran=timedelta(seconds=90)
    )
    pod = named(cluster(node="node-9", waiting="CrashLoopBackOff", last_end=end), "pods")[NEW]
    assert dig(pod, "spec.nodeName") == "node-9"
    last = dig(pod, "status.containerStatuses.0.lastState.terminated")
    assert isinstance(last, dict)
    assert (last["startedAt"], last["finishedAt"]) == (
        "2026-02-13T10:01:30Z",
        "2026-02-13T10:03:00Z",
    )


def test_requests_and_limits_are_those_of_the_workload() -> None:
    workload = WorkloadSetup(
        name="shop", image="shop:v2", cpu_limit="200m", requests={"memory": "64Mi"}
    )
    deployment = named(ClusterSetup(workloads=(workload,)), "deployments")["shop"]
    assert dig(deployment, "spec.template.spec.containers.0.resources") == {
        "limits": {"cpu": "200m", "memory": "128Mi"},
        "requests": {"memory": "64Mi"},
    }


@pytest.mark.parametrize(
    ("first", "seen"), [(None, "2026-02-13T10:00:00Z"), (30, "2026-02-13T09:35:00Z")]
)
def test_event_that_repeats_was_first_seen_when_it_says_or_one_a_minute(
    first: int | None, seen: str
) -> None:
    event = EventSetup(
        reason="BackOff",
        object_name=NEW,
        message="m",
        count=3,
        age=timedelta(minutes=3),
        first=timedelta(minutes=first) if first else None,
        source="somebody",
    )
    setup = pulling().model_copy(update={"events": (event,)})
    (shown,) = list_objects(setup, "events", now=NOW)
    assert (shown["firstTimestamp"], shown["lastTimestamp"]) == (seen, "2026-02-13T10:02:00Z")
    assert dig(shown, "source.component") == "somebody"


def test_port_of_a_workload_is_the_one_it_says() -> None:
    pod = named(pulling(), "pods")[OLD]
    assert dig(pod, "spec.containers.0.ports.0.containerPort") == 8080
