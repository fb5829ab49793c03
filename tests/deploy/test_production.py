"""Production as its README says: no Jaeger of a trial, and Redis over TLS or somebody's own."""

from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.deploy.manifests import Object, needs_kubectl, pinned, render
from tests.deploy.test_component_examples import examples, one, upon

pytestmark = [needs_kubectl, pytest.mark.xdist_group("manifests"), pytest.mark.timeout(60)]
PRODUCTION = "overlays/production"


def settings(objects: list[Object], name: str) -> dict[str, str]:
    """What a generated ConfigMap holds."""
    (found,) = [
        each["data"]
        for each in objects
        if each["kind"] == "ConfigMap" and each["metadata"]["name"].rpartition("-")[0] == name
    ]
    return dict(found)


@pytest.mark.parametrize("with_jaeger", [True, False])
def test_no_jaeger_no_spans_and_no_link_whether_the_shop_s_overlay_has_one_or_not(
    tmp_path: Path, with_jaeger: bool
) -> None:
    folder = pinned(tmp_path)
    file = folder / "overlays/online-boutique/kustomization.yaml"
    text = file.read_text(encoding="utf-8")
    line = "  - ../../components/jaeger\n"
    assert line in text
    file.write_text(text if with_jaeger else text.replace(line, ""), encoding="utf-8")
    objects = render(folder / PRODUCTION)
    assert not [each for each in objects if "jaeger" in each["metadata"]["name"]]
    assert "OTEL_EXPORTER_OTLP_ENDPOINT" not in settings(objects, "bus-settings")
    assert "OTEL_EXPORTER_OTLP_ENDPOINT" not in settings(objects, "servers-settings")
    assert "NIGHTSHIFT_TRACE_URL" not in settings(objects, "notifier-settings")


@pytest.mark.parametrize("component", ["redis-tls", "external-redis", "otlp-collector"])
def test_what_the_readme_tells_to_add_may_stand_in_production_s_own_components(
    tmp_path: Path, component: str
) -> None:
    folder = pinned(tmp_path)
    file = folder / PRODUCTION / "kustomization.yaml"
    given = yaml.safe_load(file.read_text(encoding="utf-8"))
    given["components"].append(f"../../components/{component}")
    file.write_text(yaml.safe_dump(given), encoding="utf-8")
    objects = render(folder / PRODUCTION)
    kinds = {each["kind"] for each in objects}
    assert ("StatefulSet" in kinds) is (component != "external-redis")


def test_redis_over_tls_above_production_is_asked_by_keda_that_way(tmp_path: Path) -> None:
    (given,) = examples(PRODUCTION)
    assert {each["enableTLS"] for each in triggers(above(given, tmp_path))} == {"true"}


def test_a_redis_of_one_s_own_above_production_is_asked_by_keda_too(tmp_path: Path) -> None:
    (given,) = examples("components/external-redis")
    objects = above(given, tmp_path)
    assert not [each for each in objects if each["kind"] == "StatefulSet"]
    asked = triggers(objects)
    assert len(asked) == 13
    assert {each["address"] for each in asked} == {"redis.example:6379"}
    assert {each["enableTLS"] for each in asked} == {"true"}


def test_a_collector_elsewhere_is_let_through_and_cards_link_to_it(tmp_path: Path) -> None:
    (given,) = examples("components/otlp-collector")
    objects = above(given, tmp_path)
    (rule,) = one(objects, "NetworkPolicy", "otlp-collector")["spec"]["egress"]
    (peer,) = rule["to"]
    assert peer["namespaceSelector"]["matchLabels"] == {"kubernetes.io/metadata.name": "tracing"}
    for name in ("bus-settings", "servers-settings"):
        endpoint = settings(objects, name)["OTEL_EXPORTER_OTLP_ENDPOINT"]
        assert endpoint == "http://tempo.tracing.svc:4318"
    assert settings(objects, "notifier-settings")["NIGHTSHIFT_TRACE_URL"]


def above(given: Object, to: Path) -> list[Object]:
    """What an overlay of somebody's own upon production renders to, with every image pinned."""
    return upon(PRODUCTION, given, to)


def triggers(objects: list[Object]) -> list[dict[str, Any]]:
    """What KEDA is told of every trigger."""
    scaled = [each for each in objects if each["kind"] == "ScaledObject"]
    return [trigger["metadata"] for each in scaled for trigger in each["spec"]["triggers"]]
