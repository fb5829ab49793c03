"""What pods use, quotas, and autoscalers."""

import re
from datetime import datetime, timedelta

from simulator.kubernetes.pods import pod_object
from simulator.kubernetes.shapes import Object, dig, metadata, stamp
from simulator.scenario import AutoscalerSetup, ClusterSetup, PodSetup, WorkloadSetup

_AGE = timedelta(days=90)
_MEASURED_AGO = timedelta(seconds=12)
_UNITS = {"Ki": 1, "Mi": 1024, "Gi": 1024**2}


def pod_metrics(cluster: ClusterSetup, now: datetime) -> list[Object]:
    """What each running container uses; a pod of which none runs is not measured."""
    found: list[Object] = []
    for pod in cluster.pods:
        if pod.phase != "Running" or pod.waiting:
            continue
        shown = pod_object(cluster, pod, now=now)
        workload = _workload_of(cluster, pod)
        head: Object = {"name": pod.name, "namespace": cluster.namespace}
        head |= {"creationTimestamp": stamp(now), "labels": dig(shown, "metadata.labels")}
        cpu = pod.cpu or f"{_cpu(workload) // 5}m"
        memory = pod.memory or f"{_memory(workload) // 3}Ki"
        parts = [{"name": pod.container, "usage": {"cpu": cpu, "memory": memory}}]
        parts += [{"name": name, "usage": {"cpu": "1m", "memory": "9Mi"}} for name in pod.sidecars]
        measured = {"timestamp": stamp(now - _MEASURED_AGO), "window": "15.03s"}
        found.append({"metadata": head} | measured | {"containers": parts})
    return found


def quotas(cluster: ClusterSetup, now: datetime) -> list[Object]:
    """The quotas with what is used of each."""
    found = []
    for name, limits in cluster.quotas.items():
        used = {resource: text.partition("/")[0] for resource, text in limits.items()}
        hard = {resource: text.partition("/")[2] for resource, text in limits.items()}
        head = metadata("ResourceQuota", name, namespace=cluster.namespace, created_at=now - _AGE)
        status: Object = {"hard": hard, "used": used}
        found.append({"metadata": head, "spec": {"hard": hard}, "status": status})
    return found


def autoscalers(cluster: ClusterSetup, now: datetime) -> list[Object]:
    """One for each workload that has one, by its CPU."""
    return [
        _autoscaler(cluster, workload, now=now)
        for workload in cluster.workloads
        if workload.autoscaler
    ]


def _autoscaler(cluster: ClusterSetup, workload: WorkloadSetup, *, now: datetime) -> Object:
    setup = workload.autoscaler
    if setup is None:
        return {}
    head = metadata(
        "HorizontalPodAutoscaler", workload.name, namespace=cluster.namespace, created_at=now - _AGE
    )
    target = {"kind": workload.kind, "name": workload.name, "apiVersion": "apps/v1"}
    wanted: Object = {"type": "Utilization", "averageUtilization": setup.target}
    current: Object = {"averageUtilization": setup.now, "averageValue": "20m"}
    return {
        "metadata": head,
        "spec": {
            "scaleTargetRef": target,
            "minReplicas": setup.least,
            "maxReplicas": setup.most,
            "metrics": [{"type": "Resource", "resource": {"name": "cpu", "target": wanted}}],
        },
        "status": {
            "currentReplicas": workload.replicas,
            "desiredReplicas": setup.wanted,
            "currentMetrics": [
                {"type": "Resource", "resource": {"name": "cpu", "current": current}}
            ],
            "conditions": _conditions(setup, now - workload.changed),
        },
    }


def _conditions(setup: AutoscalerSetup, since: datetime) -> list[Object]:
    limited = setup.wanted >= setup.most
    rows = [
        ("AbleToScale", "True", "ReadyForNewScale", "recommended size matches current size"),
        (
            "ScalingActive",
            "True",
            "ValidMetricFound",
            "the HPA was able to calculate a replica count",
        ),
        (
            "ScalingLimited",
            "True" if limited else "False",
            "TooManyReplicas" if limited else "DesiredWithinRange",
            "the desired replica count is more than the maximum replica count"
            if limited
            else "the desired count is within the acceptable range",
        ),
    ]
    changed: Object = {"lastTransitionTime": stamp(since)}
    return [
        {"type": kind, "status": status, "reason": reason, "message": message} | changed
        for kind, status, reason, message in rows
    ]


def _workload_of(cluster: ClusterSetup, pod: PodSetup) -> WorkloadSetup:
    known = [workload for workload in cluster.workloads if workload.name == pod.workload]
    return known[0] if known else WorkloadSetup(name=pod.workload, image="")


def _cpu(workload: WorkloadSetup) -> int:
    """Milli-CPUs that the workload's container may use."""
    found = re.fullmatch(r"(\d+)m", workload.cpu_limit or "")
    return int(found[1]) if found else 100


def _memory(workload: WorkloadSetup) -> int:
    """Kibibytes that the workload's container may use."""
    found = re.fullmatch(r"(\d+)(Ki|Mi|Gi)", workload.memory_limit)
    return int(found[1]) * _UNITS[found[2]] if found else 128 * 1024
