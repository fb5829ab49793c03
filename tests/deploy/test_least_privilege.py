"""Who may what: roles, tokens, secrets, and who reaches whom (T15, T17 to T19, T22)."""

import re
from ipaddress import ip_network

import pytest

from tests.deploy.manifests import (
    COMPOSED,
    EVERYTHING,
    SERVICES,
    Object,
    containers,
    kind_of,
    named,
    needs_kubectl,
    rendered,
    workloads,
)

pytestmark = [
    needs_kubectl,
    pytest.mark.xdist_group("manifests"),
    pytest.mark.timeout(60),
]
DENIED = [name for name in EVERYTHING if name != "base"]
READABLE = {
    "": {"pods", "pods/log", "events", "services", "resourcequotas"},
    "apps": {"deployments", "statefulsets", "daemonsets", "replicasets"},
    "batch": {"jobs", "cronjobs"},
    "discovery.k8s.io": {"endpointslices"},
    "networking.k8s.io": {"networkpolicies"},
    "autoscaling": {"horizontalpodautoscalers"},
    "metrics.k8s.io": {"pods"},
}
"""All that anybody of ours may read, and that in the watched namespace."""
INTERNET = "any address but link-local"
AGENT = "the agent of pod-identity"
COLLECTOR = "observability/opentelemetry-collector"
PRIVATE = "private addresses"
ONE_PLACE = {
    "169.254.170.23/32": AGENT,
    "fd00:ec2::23/128": AGENT,
    "169.254.20.10/32": "dns",
}
METADATA = [ip_network(each) for each in ("169.254.0.0/16", "fd00:ec2::/32", "fe80::/10")]
SHARED = {"to dns: 53", "to jaeger: 4318"}
EGRESS = {
    "ingest": {"to redis: 6379", f"to {INTERNET}: 443"} | SHARED,
    "reasoner": {"to redis: 6379", f"to {INTERNET}: 443"} | SHARED,
    "toolrunner": {
        "to redis: 6379",
        f"to {INTERNET}: 443, 6443",
        f"to {PRIVATE}: 8443, 16443",
    }
    | SHARED,
    "notifier": {"to redis: 6379", f"to {INTERNET}: 443"} | SHARED,
    "redis": set(),
    "jaeger": set(),
}
MORE_OUT = {
    f"to {INTERNET}: 6379, 6380, 26379",
    f"to {COLLECTOR}: 4318",
    "to egress/egress-proxy: 3128",
    f"to {PRIVATE}: 443, 6443, 8443, 16443",
}
"""What the composed components open for external Redis, collector and proxy."""
FOUR = "ingest+notifier+reasoner+toolrunner"
INGRESS = {
    "ingest": {"from monitoring/alertmanager: 8080", "from monitoring/prometheus: 8080"},
    "reasoner": {"from monitoring/prometheus: 8080"},
    "toolrunner": {"from monitoring/prometheus: 8080"},
    "notifier": {"from monitoring/prometheus: 8080"},
    "redis": {f"from {FOUR}: 6379", "from keda/keda-operator: 6379"},
    "jaeger": {f"from {FOUR}: 4318"},
}


@pytest.mark.parametrize("name", EVERYTHING)
def test_there_is_no_role_for_the_whole_cluster_and_no_wildcard(name: str) -> None:
    assert kind_of(name, "ClusterRole", "ClusterRoleBinding") == []
    for role in kind_of(name, "Role"):
        for rule in role["rules"]:
            assert set(rule) == {"apiGroups", "resources", "verbs"}
            assert set(rule["verbs"]) == {"get", "list"}
            for group in rule["apiGroups"]:
                assert set(rule["resources"]) <= READABLE[group]


@pytest.mark.parametrize("name", DENIED)
def test_the_toolrunner_reads_the_watched_namespace_and_no_other(name: str) -> None:
    (role,), (binding,) = kind_of(name, "Role"), kind_of(name, "RoleBinding")
    scope = named(name, "ConfigMap", "scope-settings")["data"]["NIGHTSHIFT_NAMESPACES"]
    assert role["metadata"]["namespace"] == binding["metadata"]["namespace"] == scope
    granted = {group: set(r["resources"]) for r in role["rules"] for group in r["apiGroups"]}
    assert granted == READABLE
    assert binding["roleRef"] == {
        "apiGroup": "rbac.authorization.k8s.io",
        "kind": "Role",
        "name": role["metadata"]["name"],
    }
    assert binding["subjects"] == [
        {"kind": "ServiceAccount", "name": "toolrunner", "namespace": "nightshift"}
    ]


@pytest.mark.parametrize("name", EVERYTHING)
def test_a_token_is_mounted_only_where_the_cluster_is_read(name: str) -> None:
    for account in kind_of(name, "ServiceAccount"):
        assert account["automountServiceAccountToken"] is False
    for workload, template in workloads(name).items():
        spec = template["spec"]
        assert spec["automountServiceAccountToken"] is False
        assert spec["serviceAccountName"] == workload
        tokens = [
            source["serviceAccountToken"]
            for volume in spec["volumes"]
            for source in volume.get("projected", {}).get("sources", [])
            if "serviceAccountToken" in source
        ]
        seconds = [token["expirationSeconds"] for token in tokens]
        assert seconds == ([3600] if workload == "toolrunner" else [])
    mounting = {
        where.rpartition("/")[2]
        for where, each in containers(name)
        for mount in each.get("volumeMounts", [])
        if mount["name"] == "cluster-token"
    }
    assert mounting in ({"servers"}, {"servers", "kubernetes-mcp-server"})


@pytest.mark.parametrize("name", EVERYTHING)
def test_secrets_are_references_and_each_service_names_only_its_own(name: str) -> None:
    assert kind_of(name, "Secret") == []
    theirs: dict[str, set[str]] = {}
    for where, each in containers(name):
        workload = where.split(": ")[1].split("/")[0]
        for variable in each.get("env", []):
            reference = variable.get("valueFrom", {}).get("secretKeyRef")
            if reference:
                theirs.setdefault(workload, set()).add(f"{reference['name']}/{reference['key']}")
            elif re.search("TOKEN|PASSWORD|SECRET|_KEY", variable["name"]):
                pytest.fail(f"{where}: {variable['name']} is given as text")
    for workload in SERVICES:
        own = {
            f"redis-users/{workload}-password",
            "redaction/key",
            f"envelope-keys/{workload}",
            f"external-redis/{workload}-url",
        }
        strange = {key for key in theirs[workload] if key not in own}
        assert {key.partition("/")[0] for key in strange} == {workload}


@pytest.mark.parametrize("name", DENIED)
def test_nothing_is_allowed_that_no_file_allows(name: str) -> None:
    deny = named(name, "NetworkPolicy", "deny-all")
    assert deny["metadata"]["namespace"] == "nightshift"
    assert deny["spec"] == {"podSelector": {}, "policyTypes": ["Ingress", "Egress"]}
    for each in kind_of(name, "Deployment", "StatefulSet", "NetworkPolicy"):
        assert each["metadata"]["namespace"] == "nightshift"


def test_each_pod_reaches_what_it_needs_and_is_reached_by_whom_it_should() -> None:
    name = "overlays/online-boutique"
    for workload, template in workloads(name).items():
        labels = template["metadata"]["labels"]
        assert ways(name, labels, "egress") == EGRESS[workload], workload
        assert ways(name, labels, "ingress") == INGRESS[workload], workload


@pytest.mark.parametrize("name", COMPOSED)
def test_components_open_no_more_than_they_say(name: str) -> None:
    for workload, template in workloads(name).items():
        labels = template["metadata"]["labels"]
        more_in = ways(name, labels, "ingress") - INGRESS[workload]
        more_out = ways(name, labels, "egress") - EGRESS[workload]
        door = {"from ingress-nginx/ingress-nginx: 8080"} if workload == "ingest" else set()
        assert more_in == door, workload
        assert more_out <= MORE_OUT | agent_for(workload), workload


def agent_for(workload: str) -> set[str]:
    """Where pod-identity gives out credentials, to the two that ask AWS."""
    return {f"to {AGENT}: 80"} if workload in ("ingest", "toolrunner") else set()


@pytest.mark.parametrize("name", COMPOSED)
def test_the_outside_reaches_one_path_each(name: str) -> None:
    paths = [
        (path["path"], path["pathType"], path["backend"]["service"]["name"])
        for each in kind_of(name, "Ingress")
        for rule in each["spec"]["rules"]
        for path in rule["http"]["paths"]
    ]
    assert sorted(paths) == [
        ("/slack/events", "Exact", "ingest"),
        ("/triggers/logs", "Exact", "ingest"),
        ("/triggers/sns", "Exact", "ingest"),
    ]
    assert all(each["spec"]["tls"] for each in kind_of(name, "Ingress"))
    assert {each["spec"]["type"] for each in kind_of(name, "Service")} == {"ClusterIP"}


@pytest.mark.parametrize("name", EVERYTHING)
def test_nothing_is_fetched_when_a_pod_starts(name: str) -> None:
    for where, each in containers(name):
        words = " ".join([*each.get("command", []), *each.get("args", [])])
        assert not re.search(r"\b(npx|uvx|pip|curl|wget|apt|git)\b", words), where
        assert not each["image"].endswith(":latest"), where


def ways(name: str, labels: dict[str, str], way: str) -> set[str]:
    """What policies allow a pod with those labels, in words."""
    found = set()
    for policy in (each["spec"] for each in rendered(name) if each["kind"] == "NetworkPolicy"):
        if selects(policy["podSelector"], labels):
            for rule in policy.get(way, []):
                found |= said(rule, way)
    return found


def selects(selector: Object, labels: dict[str, str]) -> bool:
    exact = selector.get("matchLabels", {}).items() <= labels.items()
    return exact and all(
        labels.get(each["key"]) in each["values"] for each in selector.get("matchExpressions", [])
    )


def said(rule: Object, way: str) -> set[str]:
    word = {"egress": "to", "ingress": "from"}[way]
    ports = ", ".join(dict.fromkeys(str(port["port"]) for port in rule["ports"]))
    return {f"{word} {peer_of(peer)}: {ports}" for peer in rule[word]}


def peer_of(peer: Object) -> str:
    if block := peer.get("ipBlock"):
        return ONE_PLACE.get(block["cidr"]) or blocks(block)
    pods = peer["podSelector"]
    values = [*pods.get("matchLabels", {}).values()]
    values += [value for each in pods.get("matchExpressions", []) for value in each["values"]]
    names = "+".join(sorted(values))
    space = peer.get("namespaceSelector", {}).get("matchLabels", {}).values()
    if names == "kube-dns+node-local-dns" and list(space) == ["kube-system"]:
        return "dns"
    return "/".join([*space, names])


def blocks(block: Object) -> str:
    """A range of addresses in a word; nobody's metadata service may be in it."""
    whole = ip_network(block["cidr"])
    without = [ip_network(each) for each in block.get("except", [])]
    for service in METADATA:
        assert service.network_address not in whole or service in without, block
    return PRIVATE if whole.is_private and whole.prefixlen else INTERNET
