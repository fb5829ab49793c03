"""Every pod is hardened alike, says what it needs, and can be asked how it is."""

import pytest

from bus.settings import BusSettings
from tests.deploy.manifests import (
    EVERYTHING,
    SERVICES,
    Object,
    container,
    containers,
    kind_of,
    named,
    needs_kubectl,
    workloads,
)
from tests.house.sources import ROOT

pytestmark = [
    needs_kubectl,
    pytest.mark.xdist_group("manifests"),
    pytest.mark.timeout(60),
    pytest.mark.parametrize("name", EVERYTHING),
]


def test_the_namespace_enforces_the_restricted_standard(name: str) -> None:
    labels = named(name, "Namespace", "nightshift")["metadata"]["labels"]
    for mode in ("enforce", "audit", "warn"):
        assert labels[f"pod-security.kubernetes.io/{mode}"] == "restricted"


def test_every_pod_keeps_that_standard(name: str) -> None:
    for workload, template in workloads(name).items():
        spec = template["spec"]
        security = spec["securityContext"]
        assert security["runAsNonRoot"] is True, workload
        assert security["runAsUser"] >= 10_000, workload
        assert security["seccompProfile"] == {"type": "RuntimeDefault"}, workload
        assert not {"hostNetwork", "hostPID", "hostIPC"} & spec.keys(), workload
        kinds = {kind for volume in spec["volumes"] for kind in volume if kind != "name"}
        assert kinds <= {"configMap", "emptyDir", "projected", "secret"}, workload
    for where, each in containers(name):
        security = each["securityContext"]
        assert security["allowPrivilegeEscalation"] is False, where
        assert security["readOnlyRootFilesystem"] is True, where
        assert security["capabilities"] == {"drop": ["ALL"]}, where
        assert not security.get("privileged"), where
        assert not any("hostPort" in port for port in each.get("ports", [])), where


def test_every_container_has_requests_and_limits(name: str) -> None:
    for where, each in containers(name):
        for kind in ("requests", "limits"):
            assert each["resources"][kind].keys() == {"cpu", "memory"}, where


def test_what_a_container_writes_to_has_a_bound(name: str) -> None:
    for workload, template in workloads(name).items():
        for volume in template["spec"]["volumes"]:
            assert "sizeLimit" in volume.get("emptyDir", {"sizeLimit": ""}), workload
    for where, each in containers(name):
        for mount in each.get("volumeMounts", []):
            writable = mount["name"] in ("tmp", "store") or where.endswith("redis/users")
            assert writable or mount.get("readOnly") is True, f"{where} {mount['name']}"


def test_services_are_asked_on_the_paths_that_they_have(name: str) -> None:
    for service in SERVICES:
        each = container(name, service, service)
        assert path_of(each["startupProbe"]) == "/healthz"
        assert path_of(each["livenessProbe"]) == "/healthz"
        assert path_of(each["readinessProbe"]) == "/readyz"
        assert {port["name"]: port["containerPort"] for port in each["ports"]} == {
            "http": BusSettings.model_fields["http_port"].default
        }
        # Readiness asks Redis for at most 2 s, and further checks beside.
        assert each["readinessProbe"]["timeoutSeconds"] >= 5
        # A start waits for Redis, 60 s by our setting, and then loads: until then it is let be.
        startup = each["startupProbe"]
        assert startup["periodSeconds"] * startup["failureThreshold"] >= 120


def test_a_service_starts_by_its_module_whatever_the_image_would_start(name: str) -> None:
    for service in SERVICES:
        each = container(name, service, service)
        assert each["command"] == ["python", "-m", f"services.{service}"]
        assert (ROOT / "services" / service / "__main__.py").is_file()
    servers = container(name, "toolrunner", "servers")
    assert servers["command"] == ["python", "-m", "services.toolrunner.servers"]
    assert servers["restartPolicy"] == "Always"


def path_of(probe: Object) -> str:
    assert probe["httpGet"]["port"] == "http"
    return str(probe["httpGet"]["path"])


def test_every_container_that_stays_has_probes(name: str) -> None:
    for workload, template in workloads(name).items():
        spec = template["spec"]
        stays = [*spec["containers"]]
        stays += [each for each in spec.get("initContainers", []) if each.get("restartPolicy")]
        for each in stays:
            if each["name"] == "kubernetes-mcp-server":
                continue  # its README says why
            probes = {"startupProbe", "readinessProbe", "livenessProbe"}
            assert probes <= each.keys(), f"{workload}/{each['name']}"


def test_a_pod_gets_the_time_that_draining_takes(name: str) -> None:
    drain = BusSettings.model_fields["drain_seconds"].default
    close = 3 + 3 + 2  # tasks, the last export of spans, HTTP
    for service in SERVICES:
        spec = workloads(name)[service]["spec"]
        hook = container(name, service, service).get("lifecycle", {}).get("preStop")
        before = int(hook["exec"]["command"][1]) if hook else 0
        after = 8 if service == "toolrunner" else 0  # the servers beside it, which end after it
        assert spec["terminationGracePeriodSeconds"] >= before + drain + close + after, service


def test_replicas_stand_apart_and_nodes_can_be_drained(name: str) -> None:
    budgets = {
        each["spec"]["selector"]["matchLabels"]["app.kubernetes.io/name"]: each["spec"]
        for each in kind_of(name, "PodDisruptionBudget")
    }
    for service in SERVICES:
        assert budgets[service]["maxUnavailable"] == 1
        affinity = workloads(name)[service]["spec"]["affinity"]["podAntiAffinity"]
        (preferred,) = affinity["preferredDuringSchedulingIgnoredDuringExecution"]
        assert preferred["podAffinityTerm"] == {
            "topologyKey": "kubernetes.io/hostname",
            "labelSelector": {"matchLabels": {"app.kubernetes.io/name": service}},
        }


def test_selectors_find_their_pods(name: str) -> None:
    labels = {key: template["metadata"]["labels"] for key, template in workloads(name).items()}
    for each in kind_of(name, "Deployment", "StatefulSet"):
        wanted = each["spec"]["selector"]["matchLabels"].items()
        assert wanted <= labels[each["metadata"]["name"]].items()
    for each in kind_of(name, "Service"):
        wanted = each["spec"]["selector"].items()
        assert any(wanted <= found.items() for found in labels.values())


def test_somebody_else_s_container_keeps_none_of_ours_from_starting(name: str) -> None:
    """An init container whose image cannot be pulled keeps its whole pod in `Init`."""
    for workload, template in workloads(name).items():
        spec = template["spec"]
        first = {each["image"].split(":")[0] for each in spec.get("initContainers", [])}
        own = {each["image"].split(":")[0] for each in spec["containers"][:1]}
        assert first <= own, workload
        # What stands first `kubectl logs` shows, and production names the store to.
        assert spec["containers"][0]["name"] in (workload, "slack", "model"), workload
