"""Objects against Kubernetes' own schemas, by `kubernetes-validate`: `make validate` fetches it."""

import shutil
import subprocess
from collections.abc import Iterable
from pathlib import Path

import pytest
import yaml

from tests.deploy.manifests import Object

VALIDATOR = shutil.which("kubernetes-validate")
OTHERS = {
    *("ScaledObject", "TriggerAuthentication", "PodMonitor", "PrometheusRule"),
    "CiliumNetworkPolicy",
}
"""Kinds of other people's, of which it has no schema."""
SECONDS = 250

needs_validator = pytest.mark.skipif(
    VALIDATOR is None, reason="kubernetes-validate is not on PATH: make validate"
)


def faults(objects: Iterable[Object], folder: Path, *, version: str = "") -> list[str]:
    """What it says against them, strictly; without a version, for the newest that it knows."""
    texts = {yaml.dump(each, Dumper=yaml.CSafeDumper) for each in objects if checkable(each)}
    (file := folder / "objects.yaml").write_text("---\n".join(sorted(texts)), encoding="utf-8")
    asked = ["--kubernetes-version", version] if version else []
    command = [VALIDATOR or "kubernetes-validate", "--strict", *asked, str(file)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=SECONDS)
    said = (done.stdout + done.stderr).splitlines()
    passed = [line for line in said if line.startswith("INFO ") and " passed for " in line]
    if done.returncode == 0:
        assert len(passed) == len(texts) > 0, said
    return [line for line in said if line not in passed]


def checkable(each: Object) -> bool:
    """It has a schema of this kind."""
    return each["kind"] not in OTHERS
