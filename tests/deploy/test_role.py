"""What the toolrunner's servers may do in the cluster, as an API server would work it out."""

import pytest

from tests.deploy.manifests import kind_of, needs_kubectl

pytestmark = [needs_kubectl, pytest.mark.xdist_group("manifests"), pytest.mark.timeout(60)]
WATCHED = "online-boutique"
ALLOWED = (
    "get pods",
    "list pods",
    "get pods/log",
    "list events",
    "list services",
    "list resourcequotas",
    "get apps/deployments",
    "list apps/statefulsets",
    "list apps/daemonsets",
    "list apps/replicasets",
    "get batch/jobs",
    "list batch/cronjobs",
    "list discovery.k8s.io/endpointslices",
    "list networking.k8s.io/networkpolicies",
    "list autoscaling/horizontalpodautoscalers",
    "list metrics.k8s.io/pods",
)
FORBIDDEN = (
    "get secrets",
    "list secrets",
    "watch secrets",
    "get configmaps",
    "list configmaps",
    "create pods/exec",
    "get pods/exec",
    "create pods/attach",
    "create pods/portforward",
    "get pods/proxy",
    "get services/proxy",
    "update pods/ephemeralcontainers",
    "patch pods/ephemeralcontainers",
    "get nodes/proxy",
    "list nodes",
    "list namespaces",
    "create pods",
    "delete pods",
    "deletecollection pods",
    "create pods/eviction",
    "patch apps/deployments",
    "delete apps/deployments",
    "update apps/deployments/scale",
    "create batch/jobs",
    "create events",
    "delete networking.k8s.io/networkpolicies",
    "create serviceaccounts/token",
    "impersonate serviceaccounts",
    "create rbac.authorization.k8s.io/rolebindings",
    "bind rbac.authorization.k8s.io/roles",
    "escalate rbac.authorization.k8s.io/roles",
    "watch pods",
    "list apps/controllerrevisions",
)


@pytest.mark.parametrize("asked", ALLOWED)
def test_it_may_read_what_its_tools_show(asked: str) -> None:
    assert may(asked, WATCHED)


@pytest.mark.parametrize("asked", FORBIDDEN)
def test_it_may_not(asked: str) -> None:
    assert not may(asked, WATCHED)


@pytest.mark.parametrize("namespace", ["nightshift", "default", "kube-system", ""])
def test_elsewhere_it_may_nothing(namespace: str) -> None:
    assert not any(may(asked, namespace) for asked in (*ALLOWED, *FORBIDDEN))


def may(asked: str, namespace: str) -> bool:
    """Whether any role that is bound to the toolrunner in the namespace allows it."""
    verb, _, resource = asked.partition(" ")
    group, _, kind = resource.partition("/") if group_stands(resource) else ("", "", resource)
    name = "overlays/online-boutique"
    bound = {
        binding["roleRef"]["name"]
        for binding in kind_of(name, "RoleBinding")
        if binding["metadata"]["namespace"] == namespace
        and {"kind": "ServiceAccount", "name": "toolrunner", "namespace": "nightshift"}
        in binding["subjects"]
    }
    rules = [
        rule
        for role in kind_of(name, "Role")
        if role["metadata"]["namespace"] == namespace and role["metadata"]["name"] in bound
        for rule in role["rules"]
    ]
    return any(
        allows(rule["verbs"], verb)
        and allows(rule["apiGroups"], group)
        and allows(rule["resources"], kind)
        for rule in rules
    )


def group_stands(resource: str) -> bool:
    first = resource.partition("/")[0]
    return "." in first or first in ("apps", "batch", "autoscaling")


def allows(listed: list[str], one: str) -> bool:
    return one in listed or "*" in listed
