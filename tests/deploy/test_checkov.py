"""checkov finds nothing that has no written reason (full lane, where checkov is on PATH)."""

import json
import shutil
import subprocess
from pathlib import Path

import pytest
import yaml

from tests.deploy.manifests import COMPOSED, K8S, copied, needs_kubectl, render
from tests.lane import Lane

pytestmark = [needs_kubectl, pytest.mark.timeout(900)]
CHECKOV = shutil.which("checkov")


@pytest.mark.skipif(CHECKOV is None, reason="checkov is not on PATH: pip install checkov")
def test_checkov_finds_nothing_without_a_written_reason(lane: Lane, tmp_path: Path) -> None:
    if not lane.full:
        pytest.skip("the full lane runs it: --full")
    folder = copied(tmp_path)
    images = folder / "images/kustomization.yaml"
    given = yaml.safe_load(images.read_text())
    for image in given["images"]:
        image["digest"] = f"sha256:{'0' * 64}"
    images.write_text(yaml.safe_dump(given))
    out = tmp_path / "rendered"
    out.mkdir()
    for name in (*COMPOSED, "overlays/production"):
        text = yaml.safe_dump_all(render(folder / name))
        (out / f"{Path(name).name}.yaml").write_text(text)
    settings = ["--config-file", str(K8S / "checkov.yaml"), "--output", "json"]
    done = subprocess.run(
        [CHECKOV or "checkov", "--directory", str(out), *settings],
        capture_output=True,
        text=True,
        check=False,
        timeout=800,
    )
    report = json.loads(done.stdout)
    found = {f"{each['check_id']} {each['resource']}" for each in failed(report)}
    assert not found
    assert report["summary"]["passed"] > 1_000, "it read nothing"


def failed(report: dict[str, dict[str, list[dict[str, str]]]]) -> list[dict[str, str]]:
    return report["results"]["failed_checks"]
