"""The overlay beside Online Boutique, and the one for a trial: what they say of the shop is so."""

import json
import tomllib
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from services.ingest.adapters.catalog_file import known_services
from services.notifier.routing import routes_from
from services.notifier.settings import Settings as NotifierSettings
from services.reasoner.service_catalogue import names_in, service_catalogue
from services.reasoner.settings import Settings as ReasonerSettings
from simulator.scenario import load_scenario
from simulator.standing_in import PORT, standing_in
from tests.deploy.manifests import (
    K8S,
    Object,
    container,
    copied,
    kind_of,
    named,
    needs_kubectl,
    render,
    rendered,
    workloads,
)
from tests.deploy.shop import UPSTREAM, calls
from tests.deploy.shop import workloads as in_the_shop
from tests.deploy.test_least_privilege import ways
from tests.deploy.test_variables import config_map

pytestmark = [needs_kubectl, pytest.mark.xdist_group("manifests"), pytest.mark.timeout(60)]
SHOP, TRIAL = "overlays/online-boutique", "overlays/trial"
CATALOGUE = K8S / SHOP / "services.toml"
MOST_BYTES = 200_000
"""`kubectl apply` notes an object in one of its annotations, which hold 256 KiB together."""
STANDS_IN = {"slack": "notifier", "model": "reasoner"}


def catalogue() -> dict[str, Object]:
    found: dict[str, Object] = tomllib.loads(CATALOGUE.read_text())["services"]
    return found


def test_the_catalogue_has_what_the_shop_has_with_its_folders_and_what_calls_what() -> None:
    listed = catalogue()
    assert sorted(listed) == sorted(UPSTREAM) == sorted(each["name"] for each in in_the_shop())
    assert {name: set(each.get("calls", [])) for name, each in listed.items()} == calls()
    paths = {name: each.get("path") for name, each in listed.items()}
    assert paths.pop("redis-cart") is None
    assert paths == {name: f"src/{name}" for name in paths}
    settings = named(SHOP, "ConfigMap", "repository-settings")["data"]
    assert settings["NIGHTSHIFT_REPOSITORY"] == "GoogleCloudPlatform/microservices-demo"


def test_the_form_of_a_log_is_that_of_the_shops_logs() -> None:
    logs = load_scenario("payment-image-tag").cluster.logs
    for name, each in catalogue().items():
        if name == "adservice":
            continue  # upstream's log4j2.xml writes JSON with a `level`; the simulator text
        lines = [*logs[name].background, *(placed.text for placed in logs[name].placed)]
        form = "JSON severity" if '"severity":' in lines[0] else "text"
        assert each["logs"] == form, name


def test_all_three_that_read_the_catalogue_take_it() -> None:
    text = CATALOGUE.read_text()
    assert set(known_services(CATALOGUE)) == set(UPSTREAM)
    assert names_in(service_catalogue(text)) == set(UPSTREAM)
    assert routes_from(text, "C0123456789").channel_of_service("frontend") == "C0123456789"


def test_the_watched_namespace_is_said_once(tmp_path: Path) -> None:
    """It stood in three places, and a shop in `default` was watched with a Role elsewhere."""
    folder = copied(tmp_path) / SHOP
    file = folder / "kustomization.yaml"
    text = file.read_text()
    assert text.count("NAMESPACES=online-boutique") == 1
    file.write_text(text.replace("NAMESPACES=online-boutique", "NAMESPACES=default"))
    objects = render(folder)
    found = [each for each in objects if each["kind"] in ("Role", "RoleBinding")]
    assert [each["metadata"]["namespace"] for each in found] == ["default", "default"]
    said = [each["data"]["NIGHTSHIFT_NAMESPACES"] for each in objects if is_scope(each)]
    assert said == ["default"]


def is_scope(each: Object) -> bool:
    return bool(each["kind"] == "ConfigMap" and "NIGHTSHIFT_NAMESPACES" in each["data"])


def test_the_addresses_to_be_changed_are_the_real_ones() -> None:
    said = {
        name: named(SHOP, "ConfigMap", f"{service}-settings")["data"][name]
        for service, name in (("notifier", "SLACK_API_URL"), ("reasoner", "ANTHROPIC_BASE_URL"))
    }
    assert said == {
        "SLACK_API_URL": NotifierSettings.model_fields["slack_api_url"].default,
        "ANTHROPIC_BASE_URL": ReasonerSettings.model_fields["anthropic_base_url"].default,
    }


@pytest.mark.parametrize("name", [SHOP, TRIAL, "tests/keda-and-tls"])
def test_every_object_is_small_enough_to_be_applied(name: str) -> None:
    for each in rendered(name):
        assert len(json.dumps(each)) < MOST_BYTES, each["metadata"]["name"]


@pytest.mark.parametrize(("kind", "service"), STANDS_IN.items())
def test_in_a_trial_the_service_and_nobody_else_reaches_what_stands_in(
    kind: str, service: str
) -> None:
    address = named(TRIAL, "ConfigMap", f"{service}-settings")["data"][
        {"slack": "SLACK_API_URL", "model": "ANTHROPIC_BASE_URL"}[kind]
    ]
    host, port = urlsplit(address).hostname, urlsplit(address).port
    stand_in = f"{kind}-stand-in"
    labels = workloads(TRIAL)[stand_in]["metadata"]["labels"]
    assert (host, port) == (stand_in, PORT)
    (entry,) = named(TRIAL, "Service", stand_in)["spec"]["ports"]
    assert entry["port"] == PORT
    assert container(TRIAL, stand_in, kind)["ports"] == [{"name": "http", "containerPort": PORT}]
    assert ways(TRIAL, labels, "ingress") == {f"from {service}: {PORT}"}
    assert ways(TRIAL, labels, "egress") == set()
    assert reaching(labels) == {service}


def reaching(labels: dict[str, str]) -> set[str]:
    """Which services the policies of components/stand-ins let out to a pod with those labels."""
    found = set()
    for each in kind_of(TRIAL, "NetworkPolicy"):
        if each["metadata"]["name"].startswith("stand-ins-of-"):
            ((peer,),) = (rule["to"] for rule in each["spec"]["egress"])
            (wanted,) = peer["podSelector"]["matchExpressions"]
            assert "outside-of-all" in wanted["values"]
            if labels.get(wanted["key"]) in wanted["values"]:
                found.add(each["spec"]["podSelector"]["matchLabels"]["app.kubernetes.io/name"])
    return found


@pytest.mark.parametrize(("kind", "service"), STANDS_IN.items())
def test_what_stands_in_takes_the_secrets_of_the_service_and_starts_with_them(
    kind: str, service: str
) -> None:
    each = container(TRIAL, f"{kind}-stand-in", kind)
    given = {one["name"]: one["valueFrom"]["secretKeyRef"] for one in each["env"]}
    of_service = {one["name"]: one for one in container(TRIAL, service, service)["env"]}
    for name, reference in given.items():
        theirs = of_service[name]["valueFrom"]["secretKeyRef"]
        assert {**reference, "optional": True} == theirs
    variables = dict.fromkeys(given, "C0123456789")
    for source in each.get("envFrom", []):
        found = config_map(TRIAL, source["configMapRef"]["name"])
        assert found is not None
        variables |= found["data"]
    assert standing_in(kind, variables).routes
    assert each["command"] == ["python", "-m", "simulator.standing_in", kind]
