"""The pod and the claim of a restore fit the Redis that they are for."""

from pathlib import Path

import pytest
import yaml

from tests.deploy.kubernetes_schemas import faults, needs_validator
from tests.deploy.manifests import Object, named, needs_kubectl, render
from tests.house.sources import ROOT

pytestmark = [needs_kubectl, pytest.mark.xdist_group("manifests"), pytest.mark.timeout(60)]
RESTORE = ROOT / "deploy" / "restore"
OVERLAY = "overlays/online-boutique"


def pod() -> Object:
    (found,) = render(RESTORE)
    return found


def redis() -> Object:
    spec: Object = named(OVERLAY, "StatefulSet", "redis")["spec"]
    return spec


def manifest(name: str) -> Object:
    found: Object = yaml.safe_load((RESTORE / name).read_text(encoding="utf-8"))
    return found


def test_the_pod_is_as_harmless_as_redis_and_its_files_are_redis_s() -> None:
    ours, theirs = pod()["spec"], redis()["template"]["spec"]
    (one,) = ours["containers"]
    (other,) = theirs["containers"]
    for field in ("securityContext", "automountServiceAccountToken", "enableServiceLinks"):
        assert ours[field] == theirs[field], field
    for field in ("securityContext", "image"):
        assert one[field] == other[field], field
    assert one["resources"]["limits"].keys() == {"cpu", "memory"}


def test_the_pod_holds_redis_s_volume_where_redis_has_it_and_is_not_taken_for_redis() -> None:
    claim = f"{redis()['volumeClaimTemplates'][0]['metadata']['name']}-redis-0"
    (volume,) = pod()["spec"]["volumes"]
    assert volume["persistentVolumeClaim"] == {"claimName": claim}
    (mounted,) = pod()["spec"]["containers"][0]["volumeMounts"]
    theirs = redis()["template"]["spec"]["containers"][0]["volumeMounts"]
    assert mounted in theirs
    service = named(OVERLAY, "Service", "redis")["spec"]["selector"]
    policy = named(OVERLAY, "NetworkPolicy", "redis")["spec"]["podSelector"]["matchLabels"]
    for labels in (redis()["selector"]["matchLabels"], service, policy):
        assert not labels.items() <= pod()["metadata"]["labels"].items()


def test_a_claim_from_a_snapshot_is_the_one_that_redis_would_make() -> None:
    template = redis()["volumeClaimTemplates"][0]
    claim, snapshot = manifest("claim-from-snapshot.yaml"), manifest("snapshot.yaml")
    source = claim["spec"].pop("dataSource")
    assert claim["spec"] == template["spec"]
    assert claim["metadata"]["name"] == f"{template['metadata']['name']}-redis-0"
    assert (source["kind"], source["name"]) == (snapshot["kind"], snapshot["metadata"]["name"])
    assert snapshot["apiVersion"].startswith(source["apiGroup"])
    asked = snapshot["spec"]["source"]["persistentVolumeClaimName"]
    assert asked == claim["metadata"]["name"]
    namespaces = {each["metadata"]["namespace"] for each in (pod(), claim, snapshot)}
    assert namespaces == {"nightshift"}


@needs_validator
def test_pod_and_claim_are_valid(tmp_path: Path) -> None:
    assert faults([pod(), manifest("claim-from-snapshot.yaml")], tmp_path) == []
