"""Rows of the kubernetes server from objects as the API gives them: revisions, words, amounts."""

from datetime import UTC, datetime

import pytest
import yaml

from cli.stack import ROOT
from services.toolrunner.servers.network import Behind, policy_rows, service_rows
from services.toolrunner.servers.rollouts import Revision, flat, history_rows, revisions_of
from services.toolrunner.servers.rows import Fields, age
from services.toolrunner.servers.usage import amount, autoscaler_rows
from services.toolrunner.servers.versions import commit_in, deployed
from services.toolrunner.servers.workload import pod_rows
from simulator.kubernetes.access import READABLE

FULL = "3d95ae6c0b712f48d9c53e0a7f16b824c09de751"
REVISION = "org.opencontainers.image.revision"
VERSION = "app.kubernetes.io/version"


@pytest.mark.parametrize(
    ("image", "commit"),
    [
        (f"shop/cart:{FULL}", FULL),
        (f"registry:5000/shop/cart:sha-{FULL[:7]}", FULL[:7]),
        ("shop/cart:v1.2.3-14-g3d95ae6", "3d95ae6"),
        ("shop/cart:main_3d95ae6c", "3d95ae6c"),
        ("shop/cart:3d95ae6@sha256:" + "ab" * 32, "3d95ae6"),
        ("shop/cart@sha256:" + "ab12" * 16, ""),
        ("shop/cart:20260213", ""),
        ("shop/cart:v0.10.6", ""),
        ("shop/cart:defaced", ""),
        ("registry:5000/shop/3d95ae6", ""),
        ("shop/cart", ""),
    ],
)
def test_a_commit_is_found_in_tags_that_hold_one_and_in_no_others(image: str, commit: str) -> None:
    assert commit_in(image) == commit


@pytest.mark.parametrize(
    ("owners", "image", "told"),
    [
        ([{"metadata": {"annotations": {REVISION: FULL}}}], "a:3d95ae7", (FULL, REVISION)),
        ([{"metadata": {"labels": {REVISION: FULL}}}], "a:v1", (FULL, REVISION)),
        ([{"metadata": {"labels": {VERSION: "v1.4"}}}], "a:3d95ae7", ("3d95ae7", "image tag")),
        ([{}, {"metadata": {"labels": {VERSION: "v1.4"}}}], "a:v1", ("v1.4", VERSION)),
        ([{"metadata": {"annotations": {REVISION: "x; rm -rf /"}}}], "a:v1", None),
        ([{"metadata": {"annotations": {REVISION: "../../main"}}}], "a:v1", None),
    ],
)
def test_the_deployed_ref_is_the_surest_that_is_told_and_only_what_can_be_one(
    owners: list[Fields], image: str, told: tuple[str, str] | None
) -> None:
    expected = {} if told is None else {"ref": told[0], "ref_from": told[1]}
    assert deployed(owners, [image]) == expected


def test_a_template_is_flat_by_names_and_loses_nothing() -> None:
    template = {
        "containers": [
            {
                "name": "server",
                "command": ["run", "fast"],
                "env": [
                    {"name": "A", "value": "1"},
                    {"name": "B", "valueFrom": {"secretKeyRef": {"name": "s", "key": "k"}}},
                ],
                "volumeMounts": [
                    {"name": "v", "mountPath": "/a"},
                    {"name": "v", "mountPath": "/b"},
                ],
            }
        ],
        "volumes": [{"name": "v", "emptyDir": {}}],
        "hostNetwork": True,
    }
    assert flat(template) == {
        "containers.server.command": '["run", "fast"]',
        "containers.server.env.A": "1",
        "containers.server.env.B.valueFrom.secretKeyRef.key": "k",
        "containers.server.env.B.valueFrom.secretKeyRef.name": "s",
        "containers.server.volumeMounts.0.mountPath": "/a",
        "containers.server.volumeMounts.0.name": "v",
        "containers.server.volumeMounts.1.mountPath": "/b",
        "containers.server.volumeMounts.1.name": "v",
        "hostNetwork": "true",
        "volumes.v.emptyDir": "{}",
    }


def replica_set(number: int, *, owner: str = "u1", **notes: str) -> Fields:
    annotations = {"deployment.kubernetes.io/revision": str(number), **notes}
    head = {"name": f"shop-{number}", "ownerReferences": [{"uid": owner}]}
    labels = {"pod-template-hash": f"h{number}"}
    spec = {"containers": [{"name": "c", "image": "shop:v1"}]}
    return {
        "metadata": head | {"annotations": annotations},
        "spec": {"template": {"metadata": {"labels": labels}, "spec": spec}},
        "status": {"replicas": 1, "readyReplicas": 1} if number == 2 else {},
    }


def test_only_revisions_of_the_workload_itself_count_and_a_roll_back_is_seen() -> None:
    back = replica_set(12, **{"deployment.kubernetes.io/revision-history": "3,9"})
    kept = [replica_set(2), back, replica_set(40, owner="u2"), replica_set(11)]
    owner: Fields = {"metadata": {"uid": "u1"}}
    revisions = revisions_of(owner, kept)
    assert [revision.number for revision in revisions] == [12, 11, 2]
    lines = list(history_rows(owner, revisions))
    assert " was_also=3,9 " in lines[0]
    assert lines[2].startswith("revision 2 still running ready=1/1")
    assert lines[3:] == ["revision 12 has the pod template of revision 11"]


def test_a_change_without_end_is_cut_and_says_so() -> None:
    def revision(number: int, value: str) -> Revision:
        env = [{"name": f"V{place:03}", "value": value} for place in range(100)]
        return Revision(number, {}, {"spec": {"containers": [{"name": "c", "env": env}]}})

    lines = list(history_rows({}, [revision(2, "x" * 5000), revision(1, "y")]))
    assert lines[-1] == "and 20 more differences, not shown"
    assert max(map(len, lines)) < 500
    assert lines[3].endswith("x…")


def pod(name: str, *, port: int = 8080, **labels: str) -> Fields:
    containers = [{"name": "c", "ports": [{"containerPort": port}]}]
    return {"metadata": {"name": name, "labels": labels}, "spec": {"containers": containers}}


def service(target: object, **selector: str) -> Fields:
    ports = [{"port": 80, "targetPort": target, "protocol": "TCP", "nodePort": 30080}]
    return {"metadata": {"name": "s"}, "spec": {"ports": ports, "selector": selector}}


def test_a_target_port_that_no_pod_declares_is_said() -> None:
    lines = list(service_rows(service(8081, app="a"), Behind([pod("p", app="a")], [])))
    assert lines == [
        'service s ports="80->8081/TCP(node 30080)" selector=app=a endpoints_ready=0 '
        "endpoints_not_ready=0",
        "service s: its selector matches pods (1), but none of them is an endpoint",
        "service s: no pod declares its target port 8081; they declare 8080",
    ]
    fine = list(service_rows(service(8080, app="a"), Behind([pod("p", app="a")], None)))
    assert len(fine) == 1
    external: Fields = {"metadata": {"name": "x"}, "spec": {"externalName": "db.example"}}
    assert list(service_rows(external, Behind([], []))) == [
        "service x external_name=db.example selector=none endpoints_ready=0 endpoints_not_ready=0"
    ]


@pytest.mark.parametrize(
    ("spec", "said"),
    [
        ({"podSelector": {}}, ["is about all pods", "they may be reached by nobody"]),
        (
            {"podSelector": {}, "policyTypes": ["Egress"], "egress": [{}]},
            ["is about all pods", "they may reach anybody, on ports: any"],
        ),
        (
            {
                "podSelector": {"matchExpressions": [{"key": "tier", "operator": "Exists"}]},
                "ingress": [
                    {
                        "from": [{"namespaceSelector": {"matchLabels": {"team": "a"}}}],
                        "ports": [{"port": 80, "endPort": 90, "protocol": "UDP"}],
                    }
                ],
            },
            [
                "is about pods with tier Exists",
                "they may be reached by all pods of namespaces with team=a, on ports: UDP/80-90",
            ],
        ),
    ],
)
def test_a_policy_is_told_in_words(spec: dict[str, object], said: list[str]) -> None:
    lines = policy_rows({"metadata": {"name": "n"}, "spec": spec}, None)
    assert [line.removeprefix("network policy n: ") for line in lines] == said


@pytest.mark.parametrize(
    ("quantity", "value"),
    [("250m", 0.25), ("1", 1.0), ("128Mi", 2.0**27), ("4200000n", 0.0042), ("1e3", None)],
)
def test_quantities_are_numbers(quantity: str, value: float | None) -> None:
    found = amount(quantity)
    assert found == (pytest.approx(value) if value is not None else None)


def test_an_autoscaler_that_cannot_count_says_why() -> None:
    conditions = [
        {"type": "ScalingActive", "status": "False", "reason": "FailedGetResourceMetric"},
        {"type": "ScalingLimited", "status": "False", "reason": "DesiredWithinRange"},
    ]
    metric = {"type": "Pods", "pods": {"metric": {"name": "rps"}, "target": {"averageValue": "9"}}}
    scaler = {"metadata": {"name": "a"}, "status": {"conditions": conditions}}
    lines = list(autoscaler_rows(scaler | {"spec": {"metrics": [metric]}}))
    assert " target=rps:9" in lines[0]
    assert lines[1:] == [
        "autoscaler a condition ScalingActive=False reason=FailedGetResourceMetric"
    ]


@pytest.mark.parametrize(
    ("stamp", "told"),
    [
        ("2026-02-13T10:04:30Z", "30s"),
        ("2026-02-13T08:05:00Z", "2h"),
        ("2026-02-04T10:05:00Z", "9d"),
        ("2026-02-13T10:06:00Z", "0s"),
        ("yesterday", ""),
        ("", ""),
    ],
)
def test_an_age_is_in_its_largest_whole_unit(stamp: str, told: str) -> None:
    assert age(stamp, datetime(2026, 2, 13, 10, 5, tzinfo=UTC)) == told


def test_the_role_of_the_guide_is_the_one_that_the_simulated_cluster_gives() -> None:
    guide = (ROOT / "docs" / "kubernetes-server.md").read_text(encoding="utf-8")
    rules = yaml.safe_load(guide.partition("```yaml\n")[2].partition("```")[0])["rules"]
    assert {rule["apiGroups"][0]: set(rule["resources"]) for rule in rules} == READABLE
    assert all(rule["verbs"] == ["get", "list"] for rule in rules)


def test_an_init_container_that_failed_has_a_row() -> None:
    state = {"terminated": {"exitCode": 3, "reason": "Error"}}
    init = {"name": "migrate", "state": state, "restartCount": 2}
    shown: Fields = {"metadata": {"name": "p"}, "status": {"initContainerStatuses": [init]}}
    lines = list(pod_rows(shown))
    assert (
        "container migrate of pod p restarts=2 state=terminated reason=Error exit_code=3" in lines
    )
