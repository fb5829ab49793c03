"""What a README tells people to write into an overlay renders, and does what it says."""

import re
from pathlib import Path

import pytest
import yaml

from tests.deploy.manifests import (
    COMPOSED,
    K8S,
    Object,
    copied,
    named,
    needs_kubectl,
    pinned,
    render,
)

pytestmark = [needs_kubectl, pytest.mark.xdist_group("manifests"), pytest.mark.timeout(60)]
NETWORK = "components/network-policies"
USUAL = "kube-prometheus-stack"


def examples(folder: str) -> list[Object]:
    """The YAML in its README, without the indent that a list gives it."""
    text = (K8S / folder / "README.md").read_text(encoding="utf-8")
    found = re.findall(r"^( *)```yaml\n(.*?)^ *```$", text, re.MULTILINE | re.DOTALL)
    return [
        yaml.safe_load("".join(line[len(indent) :] for line in body.splitlines(keepends=True)))
        for indent, body in found
    ]


def upon(below: str, given: Object, to: Path) -> list[Object]:
    """What an overlay of somebody's own renders to, above one of ours."""
    folder = (pinned if below == "overlays/production" else copied)(to)
    (own := folder / "overlays" / "own").mkdir()
    kustomization = {"resources": [f"../../{below}"]} | given
    (own / "kustomization.yaml").write_text(yaml.safe_dump(kustomization), encoding="utf-8")
    return render(own)


def one(objects: list[Object], kind: str, name: str) -> Object:
    (found,) = [e for e in objects if e["kind"] == kind and e["metadata"]["name"] == name]
    return found


@pytest.mark.parametrize(
    ("number", "peer", "port"),
    [
        (0, {"ipBlock": {"cidr": "172.20.0.10/32"}}, 53),
        (
            1,
            {
                "namespaceSelector": {
                    "matchLabels": {"kubernetes.io/metadata.name": "openshift-dns"}
                }
            },
            5353,
        ),
    ],
    ids=["EKS Auto Mode", "OpenShift"],
)
def test_names_are_asked_elsewhere_where_an_overlay_says_so(
    tmp_path: Path, number: int, peer: Object, port: int
) -> None:
    objects = upon("overlays/online-boutique", examples(NETWORK)[number], tmp_path)
    (rule,) = one(objects, "NetworkPolicy", "dns")["spec"]["egress"]
    assert peer in rule["to"]
    assert {each["port"] for each in rule["ports"]} == {53, port}


def test_a_prometheus_of_another_release_takes_up_both_objects(tmp_path: Path) -> None:
    (given,) = examples("components/prometheus")
    kinds = ("PodMonitor", "PrometheusRule")
    objects = upon(
        "overlays/online-boutique",
        given | {"components": ["../../components/prometheus"]},
        tmp_path,
    )
    for kind in kinds:
        assert named(COMPOSED[0], kind, "nightshift")["metadata"]["labels"]["release"] == USUAL
        assert one(objects, kind, "nightshift")["metadata"]["labels"]["release"] == "monitoring"


def test_the_address_for_alertmanager_is_a_service_port_and_path_that_there_is() -> None:
    text = (K8S / "components/prometheus/README.md").read_text(encoding="utf-8")
    (port,) = named("base", "Service", "ingest")["spec"]["ports"]
    assert f"`http://ingest.nightshift.svc:{port['port']}/triggers/alertmanager`" in text


def test_a_model_behind_another_name_is_an_overlay_s_patch(tmp_path: Path) -> None:
    (given,) = examples("components/egress-by-name")
    objects = upon("overlays/online-boutique", given, tmp_path)
    (rule,) = one(objects, "CiliumNetworkPolicy", "reasoner")["spec"]["egress"]
    assert rule["toFQDNs"] == [{"matchName": "bedrock-runtime.eu-west-1.amazonaws.com"}]


def test_a_proxy_is_named_to_the_four_and_to_the_servers(tmp_path: Path) -> None:
    (given,) = examples("components/egress-proxy")
    objects = upon("overlays/online-boutique", given, tmp_path)
    told = {
        each["metadata"]["name"].rpartition("-")[0]: each["data"]
        for each in objects
        if "HTTPS_PROXY" in each.get("data", {})
    }
    assert told.keys() == {"bus-settings", "servers-settings"}
    assert "NO_PROXY" in told["servers-settings"]
    assert one(objects, "NetworkPolicy", "egress-proxy")


def test_one_more_right_for_stateful_sets_goes_where_the_others_of_apps_are(tmp_path: Path) -> None:
    (given,) = examples("overlays/online-boutique")
    role = one(upon("overlays/online-boutique", given, tmp_path), "Role", "nightshift-reader")
    (apps,) = [rule for rule in role["rules"] if rule["apiGroups"] == ["apps"]]
    assert "controllerrevisions" in apps["resources"]


def test_beside_the_door_for_sns_public_addresses_give_out_the_issuers_of_certificates(
    tmp_path: Path,
) -> None:
    given = {"components": ["../../components/sns-http"]}
    objects = upon("overlays/online-boutique", given, tmp_path)
    (rule,) = one(objects, "NetworkPolicy", "sns-issuers")["spec"]["egress"]
    assert [each["port"] for each in rule["ports"]] == [80]
    blocks = [each["ipBlock"] for each in rule["to"]]
    reached = {block["cidr"]: set(block.get("except", [])) for block in blocks}
    assert set(reached) == {"0.0.0.0/0", "2000::/3"}
    assert {"10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16"} <= reached["0.0.0.0/0"]
