"""The cluster's objects as the API shows them; ages count back from the moment of the request."""

import uuid
from collections.abc import Callable
from datetime import datetime, timedelta

from simulator.kubernetes.pods import pod_object
from simulator.kubernetes.shapes import Object, dig, metadata, stamp, uid
from simulator.kubernetes.workloads import listening_port, replica_sets, workload_object
from simulator.scenario import ClusterSetup, EventSetup, WorkloadSetup

_OWN_KINDS = {
    "Pod": "v1",
    "Service": "v1",
    "Endpoints": "v1",
    "Namespace": "v1",
    "Node": "v1",
    "Deployment": "apps/v1",
    "StatefulSet": "apps/v1",
    "ReplicaSet": "apps/v1",
}
_REPORTERS = {
    "Pod": "kubelet",
    "Deployment": "deployment-controller",
    "StatefulSet": "statefulset-controller",
    "ReplicaSet": "replicaset-controller",
}
_SCHEDULER_REASONS = {"Scheduled", "FailedScheduling", "Preempted"}


def list_objects(cluster: ClusterSetup, resource: str, *, now: datetime) -> list[Object]:
    """Every object of one resource in the scenario's namespace, by name; none of an unknown one."""
    found = _BUILDERS[resource](cluster, now) if resource in _BUILDERS else []
    return sorted(found, key=lambda item: str(dig(item, "metadata.name")))


def _pods(cluster: ClusterSetup, now: datetime) -> list[Object]:
    return [pod_object(cluster, pod, now=now) for pod in cluster.pods]


def _deployments(cluster: ClusterSetup, now: datetime) -> list[Object]:
    wanted = [workload for workload in cluster.workloads if workload.kind == "Deployment"]
    return [workload_object(cluster, workload, now=now) for workload in wanted]


def _stateful_sets(cluster: ClusterSetup, now: datetime) -> list[Object]:
    wanted = [workload for workload in cluster.workloads if workload.kind == "StatefulSet"]
    return [workload_object(cluster, workload, now=now) for workload in wanted]


def _replica_sets(cluster: ClusterSetup, now: datetime) -> list[Object]:
    wanted = [workload for workload in cluster.workloads if workload.kind == "Deployment"]
    return [item for workload in wanted for item in replica_sets(cluster, workload, now=now)]


def _namespace(cluster: ClusterSetup, now: datetime) -> Object:
    name = cluster.namespace
    head = metadata("Namespace", name, namespace="", created_at=now - timedelta(days=90))
    head["labels"] = {"kubernetes.io/metadata.name": name}
    status = {"phase": "Active"}
    return {
        "metadata": head,
        "spec": {"finalizers": ["kubernetes"]},
        "status": status,
    }


def _event(cluster: ClusterSetup, index: int, *, now: datetime) -> Object:
    setup = cluster.events[index]
    last_at = now - setup.age
    # One a minute is the rate that Kubernetes folds repeats to at its fastest.
    first_at = last_at - timedelta(minutes=setup.count - 1)
    if setup.first is not None:
        first_at = now - setup.first
    suffix = uid("Event", cluster.namespace, name=f"{index}")[:16].replace("-", "")
    name = f"{setup.object_name}.{suffix}"
    reporter = _reporter(setup)
    return {
        "metadata": metadata("Event", name, namespace=cluster.namespace, created_at=first_at),
        "involvedObject": _involved(cluster, setup),
        "reason": setup.reason,
        "message": setup.message,
        "source": {"component": reporter},
        "firstTimestamp": stamp(first_at),
        "lastTimestamp": stamp(last_at),
        "count": setup.count,
        "type": setup.type,
        "eventTime": None,
        "reportingComponent": reporter,
        "reportingInstance": "",
    }


def _reporter(setup: EventSetup) -> str:
    if setup.source:
        return setup.source
    if setup.reason in _SCHEDULER_REASONS:
        return "default-scheduler"
    return _REPORTERS.get(setup.object_kind, "event-source")


def _involved(cluster: ClusterSetup, setup: EventSetup) -> Object:
    involved: Object = {
        "kind": setup.object_kind,
        "namespace": cluster.namespace,
        "name": setup.object_name,
        "uid": uid(setup.object_kind, cluster.namespace, name=setup.object_name),
        "apiVersion": _OWN_KINDS.get(setup.object_kind, "v1"),
        "resourceVersion": "1",
    }
    containers = [pod.container for pod in cluster.pods if pod.name == setup.object_name]
    if setup.object_kind == "Pod" and containers and _reporter(setup) == "kubelet":
        involved["fieldPath"] = f"spec.containers{{{containers[0]}}}"
    return involved


def _port(workload: WorkloadSetup) -> int:
    return listening_port(workload) or 80


def _service(cluster: ClusterSetup, workload: WorkloadSetup, *, now: datetime) -> Object:
    head = metadata(
        "Service", workload.name, namespace=cluster.namespace, created_at=now - timedelta(days=90)
    )
    head["labels"] = {"app": workload.name}
    number = uuid.UUID(uid("Service", cluster.namespace, name=workload.name)).int
    address = f"10.96.{number % 200 + 1}.{number // 200 % 250 + 1}"
    port = {"name": "main", "protocol": "TCP", "port": _port(workload)}
    return {
        "metadata": head,
        "spec": {
            "type": "ClusterIP",
            "clusterIP": address,
            "clusterIPs": [address],
            "ports": [port | {"targetPort": _port(workload)}],
            "selector": {"app": workload.name},
            "sessionAffinity": "None",
        },
        "status": {"loadBalancer": {}},
    }


def _endpoints(cluster: ClusterSetup, workload: WorkloadSetup, *, now: datetime) -> Object:
    created_at = now - timedelta(days=90)
    head = metadata("Endpoints", workload.name, namespace=cluster.namespace, created_at=created_at)
    head["labels"] = {"app": workload.name}
    ready: list[Object] = []
    waiting: list[Object] = []
    for setup in cluster.pods:
        if setup.workload != workload.name or setup.phase not in ("Pending", "Running"):
            continue
        pod = pod_object(cluster, setup, now=now)
        if not dig(pod, "status.podIP"):
            continue
        target = {"kind": "Pod", "namespace": cluster.namespace, "name": setup.name}
        address = {
            "ip": dig(pod, "status.podIP"),
            "nodeName": dig(pod, "spec.nodeName"),
            "targetRef": target | {"uid": dig(pod, "metadata.uid")},
        }
        (ready if setup.ready else waiting).append(address)
    subset: Object = {"ports": [{"name": "main", "port": _port(workload), "protocol": "TCP"}]}
    if ready:
        subset["addresses"] = ready
    if waiting:
        subset["notReadyAddresses"] = waiting
    return {"metadata": head} | ({"subsets": [subset]} if ready or waiting else {})


_BUILDERS: dict[str, Callable[[ClusterSetup, datetime], list[Object]]] = {
    "pods": _pods,
    "deployments": _deployments,
    "statefulsets": _stateful_sets,
    "replicasets": _replica_sets,
    "events": lambda cluster, now: [
        _event(cluster, index, now=now) for index in range(len(cluster.events))
    ],
    "services": lambda cluster, now: [
        _service(cluster, workload, now=now) for workload in cluster.workloads
    ],
    "endpoints": lambda cluster, now: [
        _endpoints(cluster, workload, now=now) for workload in cluster.workloads
    ],
    "namespaces": lambda cluster, now: [_namespace(cluster, now)],
}
