"""The objects against Kubernetes' own schemas, where the package with them is installed."""

import pytest

from tests.deploy.manifests import EVERYTHING, needs_kubectl, rendered

pytestmark = [needs_kubectl, pytest.mark.xdist_group("manifests"), pytest.mark.timeout(300)]
OTHERS = {"ScaledObject", "TriggerAuthentication", "PodMonitor", "PrometheusRule"}
"""Kinds of other people's, of which it has no schema."""


@pytest.mark.parametrize("version", ["1.30", "newest"])
@pytest.mark.parametrize("name", EVERYTHING)
def test_every_object_is_valid(name: str, version: str) -> None:
    package = pytest.importorskip(
        "kubernetes_validate", reason="kubernetes-validate is not installed"
    )
    wanted = package.latest_version() if version == "newest" else version
    for each in rendered(name):
        if each["kind"] not in OTHERS:
            package.validate(each, wanted, strict=True)
