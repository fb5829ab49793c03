"""A cluster with something of everything that the kubernetes server reads, and with its faults."""

from datetime import timedelta

from simulator.scenario import (
    AutoscalerSetup,
    BeforeSetup,
    ClusterSetup,
    LogSetup,
    PodSetup,
    Scenario,
    ServiceSetup,
    WorkloadSetup,
    load_scenario,
)

COMMIT, COMMIT_BEFORE = "3d95ae6c0b712f48d9c53e0a7f16b824c09de751", "7b20c9ef" + "0" * 32
CHECKOUT_POD = "checkout-7d9c6b8f54-s8w3d"
WORKLOADS = (
    WorkloadSetup(
        name="checkout",
        image="shop/checkout:v2",
        revision=4,
        changed=timedelta(minutes=31),
        history=("shop/checkout:v1 first", "shop/checkout:v2 calmer"),
        port=5050,
        env={"CATALOG": "catalog:3350", "MODE": "fast"},
        secrets={"DB_PASSWORD": "shop-db/password"},
        cpu_limit="200m",
        requests={"cpu": "100m"},
        commit=COMMIT,
        before=BeforeSetup(env={"CATALOG": "catalog:3550"}, added=("MODE",), commit=COMMIT_BEFORE),
        autoscaler=AutoscalerSetup(most=3, wanted=3, now=190),
    ),
    WorkloadSetup(name="catalog", image="shop/catalog:main-4be07d1", port=3550),
    WorkloadSetup(
        name="store",
        image="redis:7",
        kind="StatefulSet",
        port=6379,
        revision=2,
        history=("redis:6",),
    ),
    WorkloadSetup(name="agent", image="agent:1", kind="DaemonSet", replicas=3, ready=2),
    WorkloadSetup(name="report", image="shop/report:v1", kind="CronJob", schedule="0 3 * * *"),
    WorkloadSetup(name="migrate", image="shop/migrate:v1", kind="Job", failed=7),
)
PODS = (
    PodSetup(name=CHECKOUT_POD, workload="checkout", memory="120Mi", log="lines"),
    PodSetup(name="catalog-5f7c9d8b64-h2s9k", workload="catalog", ready=False),
    PodSetup(name="store-0", workload="store", sidecars=("exporter",)),
)
POLICIES: dict[str, dict[str, object]] = {
    "catalog": {
        "podSelector": {"matchLabels": {"app": "catalog"}},
        "ingress": [
            {
                "from": [
                    {"podSelector": {"matchLabels": {"app": "checkout"}}},
                    {"namespaceSelector": {}, "podSelector": {"matchLabels": {"app": "probe"}}},
                ],
                "ports": [{"protocol": "TCP", "port": 3550}],
            }
        ],
    },
    "closed": {
        "podSelector": {
            "matchExpressions": [{"key": "app", "operator": "In", "values": ["store"]}]
        },
        "policyTypes": ["Ingress", "Egress"],
        "egress": [
            {"to": [{"ipBlock": {"cidr": "10.0.0.0/8", "except": ["10.9.0.0/16"]}}]},
        ],
    },
}


def full_cluster(**changes: object) -> Scenario:
    """The scenario of that cluster, with those parts of the cluster otherwise."""
    cluster = ClusterSetup(
        workloads=WORKLOADS,
        pods=PODS,
        services=(ServiceSetup(name="orders", port=80, target=8080, selector={"app": "order"}),),
        network_policies=POLICIES,
        quotas={"most": {"pods": "19/20"}},
        logs={"lines": LogSetup(lines=100, span=timedelta(minutes=100), background=("beat",))},
    )
    scenario = load_scenario("cart-loafers")
    return scenario.model_copy(update={"cluster": cluster.model_copy(update=changes)})
