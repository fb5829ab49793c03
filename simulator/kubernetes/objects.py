"""The cluster's objects as the API shows them; ages count back from the moment of the request."""

from collections.abc import Callable
from datetime import datetime, timedelta

from simulator.kubernetes.network import endpoint_slices, network_policies, services
from simulator.kubernetes.pods import pod_object
from simulator.kubernetes.revisions import controller_revisions, cron_job, daemon_set, job
from simulator.kubernetes.scaling import autoscalers, pod_metrics, quotas
from simulator.kubernetes.shapes import Object, dig, metadata, stamp, uid
from simulator.kubernetes.workloads import replica_sets, workload_object
from simulator.scenario import ClusterSetup, EventSetup

_Builder = Callable[[ClusterSetup, datetime], list[Object]]

_OWN_KINDS = {
    "Pod": "v1",
    "Service": "v1",
    "Namespace": "v1",
    "Node": "v1",
    "Deployment": "apps/v1",
    "StatefulSet": "apps/v1",
    "ReplicaSet": "apps/v1",
    "DaemonSet": "apps/v1",
    "Job": "batch/v1",
    "CronJob": "batch/v1",
    "HorizontalPodAutoscaler": "autoscaling/v2",
}
_REPORTERS = {
    "Pod": "kubelet",
    "Deployment": "deployment-controller",
    "StatefulSet": "statefulset-controller",
    "ReplicaSet": "replicaset-controller",
    "DaemonSet": "daemonset-controller",
    "Job": "job-controller",
    "CronJob": "cronjob-controller",
    "HorizontalPodAutoscaler": "horizontal-pod-autoscaler",
}
_SCHEDULER_REASONS = {"Scheduled", "FailedScheduling", "Preempted"}


def list_objects(
    cluster: ClusterSetup, resource: str, *, now: datetime, group: str | None = None
) -> list[Object]:
    """Every object of one resource in the scenario's namespace, by name; none of an unknown one.

    Without a group it is the first one that has such a resource.
    """
    groups = [known for known, name in _BUILDERS if name == resource and group in (None, known)]
    found = _BUILDERS[groups[0], resource](cluster, now) if groups else []
    return sorted(found, key=lambda item: str(dig(item, "metadata.name")))


def _pods(cluster: ClusterSetup, now: datetime) -> list[Object]:
    return [pod_object(cluster, pod, now=now) for pod in cluster.pods]


def _of_kind(kind: str, build: Callable[..., Object]) -> _Builder:
    return lambda cluster, now: [
        build(cluster, workload, now=now) for workload in cluster.workloads if workload.kind == kind
    ]


def _replica_sets(cluster: ClusterSetup, now: datetime) -> list[Object]:
    wanted = [workload for workload in cluster.workloads if workload.kind == "Deployment"]
    return [item for workload in wanted for item in replica_sets(cluster, workload, now=now)]


def _controller_revisions(cluster: ClusterSetup, now: datetime) -> list[Object]:
    wanted = [each for each in cluster.workloads if each.kind in ("StatefulSet", "DaemonSet")]
    return [item for each in wanted for item in controller_revisions(cluster, each, now=now)]


def _jobs(cluster: ClusterSetup, now: datetime) -> list[Object]:
    wanted = [each for each in cluster.workloads if each.kind in ("Job", "CronJob")]
    return [job(cluster, each, now=now) for each in wanted]


def _events(cluster: ClusterSetup, now: datetime) -> list[Object]:
    return [_event(cluster, index, now=now) for index in range(len(cluster.events))]


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


_BUILDERS: dict[tuple[str, str], _Builder] = {
    ("", "pods"): _pods,
    ("", "events"): _events,
    ("", "services"): services,
    ("", "resourcequotas"): quotas,
    ("apps", "deployments"): _of_kind("Deployment", workload_object),
    ("apps", "statefulsets"): _of_kind("StatefulSet", workload_object),
    ("apps", "daemonsets"): _of_kind("DaemonSet", daemon_set),
    ("apps", "replicasets"): _replica_sets,
    ("apps", "controllerrevisions"): _controller_revisions,
    ("batch", "jobs"): _jobs,
    ("batch", "cronjobs"): _of_kind("CronJob", cron_job),
    ("discovery.k8s.io", "endpointslices"): endpoint_slices,
    ("networking.k8s.io", "networkpolicies"): network_policies,
    ("autoscaling", "horizontalpodautoscalers"): autoscalers,
    ("metrics.k8s.io", "pods"): pod_metrics,
}
