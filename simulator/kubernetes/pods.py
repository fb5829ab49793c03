"""Pods as the API shows them: spec from the workload, status from the scenario."""

import uuid
from datetime import datetime, timedelta

from simulator.kubernetes.shapes import Object, metadata, stamp, uid
from simulator.kubernetes.templates import annotations, pod_template
from simulator.kubernetes.workloads import made_with, pod_owner
from simulator.scenario import ClusterSetup, ContainerEnd, PodSetup, WorkloadSetup

_WAITING_MESSAGES = {
    "CrashLoopBackOff": "back-off 5m0s restarting failed container={container} pod={pod}_{place}",
    "ImagePullBackOff": 'Back-off pulling image "{image}"',
    "ErrImagePull": 'failed to pull image "{image}"',
    "CreateContainerConfigError": "couldn't find a key that the container's settings name",
}
_NODES = 3


def pod_object(cluster: ClusterSetup, setup: PodSetup, *, now: datetime) -> Object:
    """The pod with spec and status, without `kind` and `apiVersion`."""
    workload = _workload(cluster, setup)
    created_at = now - setup.age
    head = metadata("Pod", setup.name, namespace=cluster.namespace, created_at=created_at)
    labels, owner = pod_owner(cluster, workload, pod=setup.name)
    head |= {"labels": labels} | annotations(workload)
    if owner:
        head["ownerReferences"] = [owner]
    spec = pod_template(workload, (setup.container, *setup.sidecars))
    spec["nodeName"] = node_of(cluster, setup)
    return {"metadata": head, "spec": spec, "status": _status(cluster, setup, now=now)}


def node_of(cluster: ClusterSetup, setup: PodSetup) -> str:
    """The name of the node that the pod was assigned to."""
    number = uuid.UUID(uid("Pod", cluster.namespace, name=setup.name)).int
    return setup.node or f"node-{number % _NODES + 1}"


def _workload(cluster: ClusterSetup, setup: PodSetup) -> WorkloadSetup:
    for workload in cluster.workloads:
        if workload.name == setup.workload:
            return made_with(cluster, workload, pod=setup.name)
    return WorkloadSetup(name=setup.workload, image=f"{setup.workload}:latest")


def _status(cluster: ClusterSetup, setup: PodSetup, *, now: datetime) -> Object:
    number = uuid.UUID(uid("Pod", cluster.namespace, name=setup.name)).int
    created_at = now - setup.age
    containers = [_container(cluster, setup, now=now)]
    containers += [_sidecar(cluster, name, started_at=created_at) for name in setup.sidecars]
    address = f"10.8.{number // 7 % 200}.{number // 1400 % 250 + 1}"
    return {
        "phase": setup.phase,
        "conditions": _conditions(setup, now),
        "hostIP": f"10.128.0.{number % _NODES + 1}",
        "podIP": address,
        "podIPs": [{"ip": address}],
        "startTime": stamp(created_at),
        "containerStatuses": containers,
        "qosClass": "Burstable",
    }


def _conditions(setup: PodSetup, now: datetime) -> list[Object]:
    created_at = now - setup.age
    changed_at = now - setup.last_end.age if setup.last_end else created_at
    unready: Object = {"reason": "ContainersNotReady"}
    unready["message"] = f"containers with unready status: [{setup.container}]"
    if setup.phase == "Succeeded":
        unready = {"reason": "PodCompleted"}
    ready = "True" if setup.ready else "False"
    rows = [
        ("Initialized", "True", created_at),
        ("Ready", ready, changed_at),
        ("ContainersReady", ready, changed_at),
        ("PodScheduled", "True", created_at),
    ]
    found = []
    for kind, status, since in rows:
        row: Object = {"type": kind, "status": status, "lastProbeTime": None}
        row["lastTransitionTime"] = stamp(since)
        found.append(row | unready if status == "False" else row)
    return found


def _container(cluster: ClusterSetup, setup: PodSetup, *, now: datetime) -> Object:
    workload = _workload(cluster, setup)
    place = f"{cluster.namespace}({uid('Pod', cluster.namespace, name=setup.name)})"
    facts = {"container": setup.container, "pod": setup.name, "image": workload.image}
    state, last_state = _states(setup, facts | {"place": place}, now=now)
    status: Object = {
        "name": setup.container,
        "state": state,
        "lastState": last_state,
        "ready": setup.ready,
        "restartCount": setup.restarts,
        "image": workload.image,
        "imageID": "",
        "started": "running" in state,
    }
    if "waiting" in state and not last_state:
        return status  # it never ran: neither image nor container has an id
    status["imageID"] = f"{workload.image}@sha256:{_digest(workload.image)}"
    return status | {"containerID": f"containerd://{_digest(setup.name)}"}


def _sidecar(cluster: ClusterSetup, name: str, *, started_at: datetime) -> Object:
    return {
        "name": name,
        "state": {"running": {"startedAt": stamp(started_at)}},
        "lastState": {},
        "ready": True,
        "restartCount": 0,
        "image": f"{name}:latest",
        "imageID": "",
        "containerID": f"containerd://{_digest(cluster.namespace + name)}",
        "started": True,
    }


def _states(setup: PodSetup, facts: dict[str, str], *, now: datetime) -> tuple[Object, Object]:
    ended = _ended(setup, setup.last_end, now=now) if setup.last_end else {}
    if setup.phase in ("Succeeded", "Failed"):
        end = ContainerEnd(reason="Completed", exit_code=0)
        if setup.phase == "Failed":
            end = ContainerEnd(reason="Error", exit_code=1)
        return ended or _ended(setup, end, now=now), {}
    waiting = setup.waiting or ("ContainerCreating" if setup.phase == "Pending" else None)
    if waiting:
        reason: Object = {"reason": waiting}
        if waiting in _WAITING_MESSAGES:
            reason["message"] = _WAITING_MESSAGES[waiting].format(**facts)
        return {"waiting": reason}, ended
    started_at = now - setup.age + timedelta(seconds=4)
    if setup.last_end:
        started_at = min(now, now - setup.last_end.age + timedelta(seconds=2))
    return {"running": {"startedAt": stamp(started_at)}}, ended


def _ended(setup: PodSetup, end: ContainerEnd, *, now: datetime) -> Object:
    finished_at = now - end.age
    started_at = max(now - setup.age, finished_at - end.ran)
    return {
        "terminated": {
            "exitCode": end.exit_code,
            "reason": end.reason,
            "startedAt": stamp(started_at),
            "finishedAt": stamp(finished_at),
            "containerID": f"containerd://{_digest(setup.name + end.reason)}",
        }
    }


def _digest(text: str) -> str:
    halves = (uid("digest", "first", name=text), uid("digest", "second", name=text))
    return "".join(halves).replace("-", "")
