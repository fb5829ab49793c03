"""What the manifests render to, by kubectl's own kustomize; each one once a process."""

import os
import shutil
import subprocess
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.house.sources import ROOT

K8S = ROOT / "deploy" / "k8s"
SERVICES = ("ingest", "reasoner", "toolrunner", "notifier")
OVERLAYS = ("base", "overlays/local", "overlays/online-boutique", "overlays/trial")
COMPOSED = ("tests/keda-and-tls", "tests/hpa-and-external-redis")
EVERYTHING = (*OVERLAYS, *COMPOSED)
COMPONENTS = tuple(sorted(path.name for path in (K8S / "components").iterdir()))
NEEDS = {
    "egress-by-name": ("network-policies",),
    "egress-proxy": ("network-policies",),
    "external-redis": ("network-policies",),
    "redis-tls": ("keda-scaling",),
}
"""What stands before a component where it is put upon the base alone."""
KUBECTL = shutil.which("kubectl")
Object = dict[str, Any]

needs_kubectl = pytest.mark.skipif(KUBECTL is None, reason="kubectl is not on PATH")


class NotRendered(Exception):
    """Kustomize refused; the text is what it said."""


def render(folder: Path) -> list[Object]:
    """The objects of a kustomization. Raises NotRendered."""
    done = subprocess.run(
        [KUBECTL or "kubectl", "kustomize", str(folder)],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
        env={"PATH": os.environ["PATH"], "HOME": str(folder)},
    )
    if done.returncode:
        raise NotRendered(done.stderr)
    return [each for each in yaml.load_all(done.stdout, Loader=yaml.CSafeLoader) if each]


@cache
def rendered(name: str) -> list[Object]:
    """The objects of one of ours, by its path below deploy/k8s."""
    return render(K8S / name)


def kind_of(name: str, *kinds: str) -> list[Object]:
    """Its objects of those kinds."""
    return [each for each in rendered(name) if each["kind"] in kinds]


def named(name: str, kind: str, called: str) -> Object:
    """The one object of that kind and name; generated names count without their hash."""
    found = [
        each
        for each in kind_of(name, kind)
        if each["metadata"]["name"] == called
        or each["metadata"]["name"].rpartition("-")[0] == called
    ]
    assert len(found) == 1, f"{name} has {len(found)} of {kind}/{called}"
    return found[0]


def workloads(name: str) -> dict[str, Object]:
    """Pod templates by the name of what makes them."""
    found = kind_of(name, "Deployment", "StatefulSet", "DaemonSet", "Job", "CronJob")
    return {each["metadata"]["name"]: each["spec"]["template"] for each in found}


def containers(name: str) -> Iterator[tuple[str, Object]]:
    """Every container, those before the others too: `workload/container`, container."""
    for workload, template in workloads(name).items():
        spec = template["spec"]
        for container in (*spec.get("initContainers", []), *spec["containers"]):
            yield f"{name}: {workload}/{container['name']}", container


def container(name: str, workload: str, called: str) -> Object:
    """One container."""
    spec = workloads(name)[workload]["spec"]
    every = (*spec.get("initContainers", []), *spec["containers"])
    (found,) = [each for each in every if each["name"] == called]
    return dict(found)


def copied(to: Path) -> Path:
    """The manifests, for a test that changes them."""
    return Path(shutil.copytree(K8S, to / "k8s"))


def pinned(to: Path) -> Path:
    """The manifests with a digest, a made-up one, behind every image."""
    folder = copied(to)
    file = folder / "images/kustomization.yaml"
    given = yaml.safe_load(file.read_text(encoding="utf-8"))
    for image in given["images"]:
        image["digest"] = f"sha256:{'0' * 64}"
    file.write_text(yaml.safe_dump(given), encoding="utf-8")
    return folder


def alone(component: str, to: Path, *, k8s: Path = K8S) -> Path:
    """A kustomization of the base and that component, with no more than it needs."""

    def path(inner: str) -> str:
        return os.path.relpath(k8s / inner, to)

    names = (*NEEDS.get(component, ()), component)
    to.mkdir(exist_ok=True)
    kustomization = {
        "resources": [path("base")],
        "components": [path(f"components/{each}") for each in names],
    }
    (to / "kustomization.yaml").write_text(yaml.safe_dump(kustomization), encoding="utf-8")
    return to


def all_pinned(to: Path) -> dict[str, list[Object]]:
    """The objects of every kustomization that there is, each component alone too, by its name."""
    folder = pinned(to)
    found = {name: render(folder / name) for name in (*EVERYTHING, "overlays/production")}
    for each in COMPONENTS:
        found[f"components/{each}"] = render(alone(each, to / each, k8s=folder))
    return found
