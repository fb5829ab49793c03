"""What the server says it serves: versions, groups and the resources of each."""

from dataclasses import dataclass

from simulator.kubernetes.shapes import Object

METRICS_VERSION = "metrics.k8s.io/v1beta1"
_ALL = ("create", "delete", "deletecollection", "get", "list", "patch", "update", "watch")
SERVER_VERSION: Object = {
    "major": "1",
    "minor": "32",
    "gitVersion": "v1.32.4",
    "gitCommit": "simulator",
    "gitTreeState": "clean",
    "buildDate": "2025-04-22T16:03:58Z",
    "goVersion": "go1.23.6",
    "compiler": "gc",
    "platform": "linux/amd64",
}


@dataclass(frozen=True)
class _Resource:
    name: str
    kind: str
    short: tuple[str, ...] = ()
    namespaced: bool = True
    verbs: tuple[str, ...] = _ALL
    categories: tuple[str, ...] = ()


# What nobody may read is listed too: a client asks for it by name and has to be refused.
_RESOURCES = {
    "v1": (
        _Resource("configmaps", "ConfigMap", ("cm",)),
        _Resource("endpoints", "Endpoints", ("ep",)),
        _Resource("events", "Event", ("ev",)),
        _Resource("namespaces", "Namespace", ("ns",), namespaced=False),
        _Resource("nodes", "Node", ("no",), namespaced=False),
        _Resource("pods", "Pod", ("po",), categories=("all",)),
        _Resource("pods/exec", "PodExecOptions", verbs=("create", "get")),
        _Resource("pods/log", "Pod", verbs=("get",)),
        _Resource("resourcequotas", "ResourceQuota", ("quota",)),
        _Resource("secrets", "Secret"),
        _Resource("services", "Service", ("svc",), categories=("all",)),
    ),
    "apps/v1": (
        _Resource("controllerrevisions", "ControllerRevision"),
        _Resource("daemonsets", "DaemonSet", ("ds",), categories=("all",)),
        _Resource("deployments", "Deployment", ("deploy",), categories=("all",)),
        _Resource("deployments/scale", "Scale", verbs=("get", "patch", "update")),
        _Resource("replicasets", "ReplicaSet", ("rs",), categories=("all",)),
        _Resource("statefulsets", "StatefulSet", ("sts",), categories=("all",)),
    ),
    "authorization.k8s.io/v1": (
        _Resource("selfsubjectaccessreviews", "SelfSubjectAccessReview", (), False, ("create",)),
    ),
    "autoscaling/v2": (
        _Resource(
            "horizontalpodautoscalers", "HorizontalPodAutoscaler", ("hpa",), categories=("all",)
        ),
    ),
    "batch/v1": (
        _Resource("cronjobs", "CronJob", ("cj",), categories=("all",)),
        _Resource("jobs", "Job", categories=("all",)),
    ),
    "discovery.k8s.io/v1": (_Resource("endpointslices", "EndpointSlice"),),
    METRICS_VERSION: (_Resource("pods", "PodMetrics", verbs=("get", "list")),),
    "networking.k8s.io/v1": (_Resource("networkpolicies", "NetworkPolicy", ("netpol",)),),
}


def served(*, metrics: bool) -> frozenset[str]:
    """The group versions of a cluster, with or without a metrics server."""
    return frozenset(_RESOURCES) - (frozenset() if metrics else {METRICS_VERSION})


def versions() -> Object:
    """The answer to /api."""
    return {"kind": "APIVersions", "versions": ["v1"], "serverAddressByClientCIDRs": []}


def groups(group_versions: frozenset[str]) -> Object:
    """The answer to /apis."""
    found = []
    for group_version in sorted(group_versions - {"v1"}):
        name, version = group_version.split("/")
        entry = {"groupVersion": group_version, "version": version}
        found.append({"name": name, "versions": [entry], "preferredVersion": entry})
    return {"kind": "APIGroupList", "apiVersion": "v1", "groups": found}


def resources(group_version: str) -> Object:
    """The answer to /api/v1 and /apis/<group>/<version>."""
    return {
        "kind": "APIResourceList",
        "apiVersion": "v1",
        "groupVersion": group_version,
        "resources": [_entry(resource) for resource in _RESOURCES[group_version]],
    }


def kind_of(group_version: str, resource: str) -> str | None:
    """The kind of a served resource, or None."""
    for served in _RESOURCES[group_version]:
        if served.name == resource:
            return served.kind
    return None


def _entry(resource: _Resource) -> Object:
    entry: Object = {
        "name": resource.name,
        "singularName": "" if "/" in resource.name else resource.kind.lower(),
        "namespaced": resource.namespaced,
        "kind": resource.kind,
        "verbs": list(resource.verbs),
    }
    if resource.short:
        entry["shortNames"] = list(resource.short)
    if resource.categories:
        entry["categories"] = list(resource.categories)
    return entry
