"""Online Boutique as objects: the simulator's shop, in the shape of its release v0.10."""

from collections.abc import Iterator
from functools import cache

import yaml

from simulator.scenario import SCENARIOS
from tests.deploy.manifests import Object

BASE = SCENARIOS / "bases" / "online-boutique.yaml"
CONTAINERS = {"loadgenerator": "main", "redis-cart": "redis"}
"""What upstream calls a container where it is not `server`."""
UPSTREAM = (
    "adservice",
    "cartservice",
    "checkoutservice",
    "currencyservice",
    "emailservice",
    "frontend",
    "loadgenerator",
    "paymentservice",
    "productcatalogservice",
    "recommendationservice",
    "redis-cart",
    "shippingservice",
)
"""The Deployments of upstream's release/kubernetes-manifests.yaml, looked up by hand."""


@cache
def workloads() -> list[Object]:
    """The simulator's description of each."""
    read = yaml.load(BASE.read_text(encoding="utf-8"), Loader=yaml.CSafeLoader)
    found: list[Object] = read["cluster"]["workloads"]
    return found


def calls() -> dict[str, set[str]]:
    """What each calls, by the addresses in its variables."""
    names = {each["name"] for each in workloads()}
    return {
        each["name"]: {
            host
            for value in each.get("env", {}).values()
            if (host := str(value).partition(":")[0]) in names
        }
        for each in workloads()
    }


def deployments() -> Iterator[Object]:
    """Each as the Deployment that upstream has."""
    for each in workloads():
        labels = {"app": each["name"]}
        limits = {"cpu": each["cpu_limit"], "memory": each.get("memory_limit", "128Mi")}
        container = {
            "name": CONTAINERS.get(each["name"], "server"),
            "image": each["image"],
            "env": [{"name": name, "value": value} for name, value in each.get("env", {}).items()],
            "resources": {"requests": each["requests"], "limits": limits},
        }
        yield {
            "apiVersion": "apps/v1",
            "kind": "Deployment",
            "metadata": {"name": each["name"]},
            "spec": {
                "selector": {"matchLabels": labels},
                "template": {"metadata": {"labels": labels}, "spec": {"containers": [container]}},
            },
        }
