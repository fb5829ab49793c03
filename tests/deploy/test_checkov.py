"""checkov finds nothing that has no written reason (full lane, where checkov is on PATH).

`make validate` fetches it. Reasons stand in deploy/k8s/checkov.yaml, and in the Dockerfile and the
Terraform beside what they are about.
"""

import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.deploy.manifests import EVERYTHING, K8S, all_pinned, needs_kubectl, render
from tests.house.sources import ROOT
from tests.lane import Lane

CHECKOV = shutil.which("checkov")
UNPINNED = {"CKV_K8S_15", "CKV_K8S_43"}
"""What it finds while images have no digest: checkov.yaml says why that is so."""
pytestmark = [
    needs_kubectl,
    pytest.mark.timeout(900),
    pytest.mark.skipif(CHECKOV is None, reason="checkov is not on PATH: make validate"),
]


@pytest.fixture(autouse=True)
def in_the_full_lane(lane: Lane) -> None:
    """It takes a minute and more."""
    if not lane.full:
        pytest.skip("the full lane runs it: --full")


def checked(folder: Path, *kinds: str) -> tuple[set[str], int]:
    """What it found, and how many checks passed; nothing is fetched and nothing sent."""
    settings = ["--config-file", str(K8S / "checkov.yaml"), "--skip-download", "--output", "json"]
    done = subprocess.run(
        [CHECKOV or "checkov", "--directory", str(folder), "--framework", *kinds, *settings],
        capture_output=True,
        text=True,
        check=False,
        timeout=800,
    )
    reports: list[Any] = json.loads(done.stdout)
    every = reports if isinstance(reports, list) else [reports]
    failed = [each for report in every for each in report["results"]["failed_checks"]]
    assert [report["check_type"] for report in every] == sorted(kinds)
    found = {f"{each['check_id']} {each['resource']}" for each in failed}
    return found, sum(report["summary"]["passed"] for report in every)


def test_it_finds_nothing_in_what_any_kustomization_renders_nor_in_the_drill_s_policy(
    tmp_path: Path,
) -> None:
    (out := tmp_path / "rendered").mkdir()
    for name, objects in all_pinned(tmp_path).items():
        text = yaml.safe_dump_all(objects)
        (out / f"{name.replace('/', '-')}.yaml").write_text(text, encoding="utf-8")
    shutil.copy(ROOT / "deploy/drills/network-policy/manifest.yaml", out)
    found, passed = checked(out, "kubernetes")
    assert found == set()
    assert passed > 10_000, "it read nothing"


def test_as_users_render_them_it_finds_missing_digests_and_nothing_else(tmp_path: Path) -> None:
    for name in EVERYTHING:
        text = yaml.safe_dump_all(render(K8S / name))
        (tmp_path / f"{name.replace('/', '-')}.yaml").write_text(text, encoding="utf-8")
    found, _ = checked(tmp_path, "kubernetes")
    assert {each.partition(" ")[0] for each in found} == UNPINNED
    reasons = (K8S / "checkov.yaml").read_text(encoding="utf-8")
    assert all(each in reasons for each in UNPINNED)


@pytest.mark.parametrize(
    ("kind", "path", "least"), [("terraform", "aws", 50), ("dockerfile", "Dockerfile", 100)]
)
def test_it_finds_nothing_in_the_terraform_and_in_the_dockerfile(
    tmp_path: Path, kind: str, path: str, least: int
) -> None:
    given = ROOT / "deploy" / path
    copy = shutil.copytree if given.is_dir() else shutil.copy
    copy(given, tmp_path / path)
    found, passed = checked(tmp_path, kind)
    assert found == set()
    assert passed > least, "it read nothing"
