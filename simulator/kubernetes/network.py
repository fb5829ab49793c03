"""Services, what stands behind them, and network policies."""

import uuid
from datetime import datetime, timedelta

from simulator.kubernetes.pods import pod_object
from simulator.kubernetes.shapes import Object, dig, metadata, uid
from simulator.kubernetes.templates import listening_port
from simulator.kubernetes.workloads import owner_of
from simulator.scenario import ClusterSetup, PodSetup, ServiceSetup

_AGE = timedelta(days=90)


def services(cluster: ClusterSetup, now: datetime) -> list[Object]:
    """Those of the workloads that listen, and those that the scenario says itself."""
    return [_service(cluster, setup, now=now) for setup in _setups(cluster)]


def endpoint_slices(cluster: ClusterSetup, now: datetime) -> list[Object]:
    """One for each service: the pods that its selector means, ready or not."""
    return [_slice(cluster, setup, now=now) for setup in _setups(cluster)]


def network_policies(cluster: ClusterSetup, now: datetime) -> list[Object]:
    """Those of the scenario, with the policy types that the API adds."""
    found: list[Object] = []
    for name, spec in cluster.network_policies.items():
        head = metadata("NetworkPolicy", name, namespace=cluster.namespace, created_at=now - _AGE)
        kinds = ["Ingress", *(["Egress"] if "egress" in spec else [])]
        found.append({"metadata": head, "spec": {"policyTypes": kinds} | spec})
    return found


def _setups(cluster: ClusterSetup) -> list[ServiceSetup]:
    found = {
        workload.name: ServiceSetup(
            name=workload.name,
            port=workload.service_port or port,
            target=port,
            selector={"app": workload.name},
        )
        for workload in cluster.workloads
        if (port := listening_port(workload) or workload.service_port)
    }
    return list((found | {setup.name: setup for setup in cluster.services}).values())


def _service(cluster: ClusterSetup, setup: ServiceSetup, *, now: datetime) -> Object:
    head = metadata("Service", setup.name, namespace=cluster.namespace, created_at=now - _AGE)
    head["labels"] = {"app": setup.name}
    number = uuid.UUID(uid("Service", cluster.namespace, name=setup.name)).int
    address = f"10.96.{number % 200 + 1}.{number // 200 % 250 + 1}"
    port: Object = {"name": "main", "protocol": "TCP", "port": setup.port}
    return {
        "metadata": head,
        "spec": {
            "type": "ClusterIP",
            "clusterIP": address,
            "clusterIPs": [address],
            "ports": [port | {"targetPort": setup.target or setup.port}],
            "selector": setup.selector,
            "sessionAffinity": "None",
        },
        "status": {"loadBalancer": {}},
    }


def _slice(cluster: ClusterSetup, setup: ServiceSetup, *, now: datetime) -> Object:
    ends = [
        end
        for pod in cluster.pods
        if pod.phase in ("Pending", "Running")
        for end in [_endpoint(cluster, pod, setup=setup, now=now)]
        if end
    ]
    suffix = uid("EndpointSlice", cluster.namespace, name=setup.name)[:5]
    head = metadata(
        "EndpointSlice",
        f"{setup.name}-{suffix}",
        namespace=cluster.namespace,
        created_at=now - _AGE,
    )
    head["labels"] = {
        "app": setup.name,
        "endpointslice.kubernetes.io/managed-by": "endpointslice-controller.k8s.io",
        "kubernetes.io/service-name": setup.name,
    }
    head["ownerReferences"] = [owner_of("Service", setup.name, namespace=cluster.namespace)]
    port = {"name": "main", "port": setup.target or setup.port, "protocol": "TCP"}
    # Without an endpoint the controller leaves both out, which Go writes as null.
    return {
        "metadata": head,
        "addressType": "IPv4",
        "endpoints": ends or None,
        "ports": [port] if ends else None,
    }


def _endpoint(
    cluster: ClusterSetup, pod: PodSetup, *, setup: ServiceSetup, now: datetime
) -> Object:
    """The pod as an endpoint; empty where the service does not mean it or it has no address."""
    shown = pod_object(cluster, pod, now=now)
    labels = dig(shown, "metadata.labels")
    if not isinstance(labels, dict) or not setup.selector.items() <= labels.items():
        return {}
    target = {"kind": "Pod", "namespace": cluster.namespace, "name": pod.name}
    return {
        "addresses": [dig(shown, "status.podIP")],
        "conditions": {"ready": pod.ready, "serving": pod.ready, "terminating": False},
        "nodeName": dig(shown, "spec.nodeName"),
        "targetRef": target | {"uid": dig(shown, "metadata.uid")},
    }
