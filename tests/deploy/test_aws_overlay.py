"""The overlay that Terraform prints: it renders, and pods get queue, region and role by it."""

import re
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

import boto3
import pytest
from pydantic_settings import BaseSettings

from bus.settings import variable_of
from services.ingest.settings import Settings as IngestSettings
from services.toolrunner.servers.settings import ServersSettings
from tests.deploy.manifests import COMPOSED, Object, copied, needs_kubectl, render, workloads
from tests.deploy.terraform import ACCOUNT, AWS, REGION, TOPIC, filled, module

pytestmark = [needs_kubectl, pytest.mark.xdist_group("manifests"), pytest.mark.timeout(60)]
ROLES = {
    "ingest": f"arn:aws:iam::{ACCOUNT}:role/nightshift-ingest",
    "toolrunner": f"arn:aws:iam::{ACCOUNT}:role/nightshift-cloudwatch",
}
SETTINGS = {
    "ingest-settings": {
        "NIGHTSHIFT_QUEUE_URL": f"https://sqs.{REGION}.amazonaws.com/{ACCOUNT}/nightshift-alarms",
        "NIGHTSHIFT_ALARM_PREFIX": "shop-",
        "NIGHTSHIFT_CATCH_UP_TOPICS": TOPIC,
        "AWS_REGION": REGION,
    },
    "servers-settings": {"AWS_REGION": REGION},
    "scope-settings": {"NIGHTSHIFT_LOG_GROUPS": "/aws/containerinsights/shop/application,/shop/*"},
}
ROLE_ARN = "eks.amazonaws.com/role-arn"
SKIPPED = "eks.amazonaws.com/skip-containers"
KEYS = {"AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"}


@cache
def overlay(identity: str) -> list[Object]:
    """What the printed overlay renders to."""
    ingest, scope = SETTINGS["ingest-settings"], SETTINGS["scope-settings"]
    given = {
        "overlay": "online-boutique",
        "identity": identity,
        "queue_url": ingest["NIGHTSHIFT_QUEUE_URL"],
        "alarm_prefix": ingest["NIGHTSHIFT_ALARM_PREFIX"],
        "catch_up_topics": ingest["NIGHTSHIFT_CATCH_UP_TOPICS"],
        "log_groups": scope["NIGHTSHIFT_LOG_GROUPS"],
        "region": REGION,
    }
    text = filled("overlay.yaml.tftpl", **given)
    if identity == "irsa":
        roles = {"ingest_role_arn": ROLES["ingest"], "cloudwatch_role_arn": ROLES["toolrunner"]}
        text += filled("overlay-roles.yaml.tftpl", **roles)
    with TemporaryDirectory() as folder:
        place = copied(Path(folder)) / "overlays" / "eks"
        place.mkdir()
        (place / "kustomization.yaml").write_text(text, encoding="utf-8")
        return render(place)


def one(objects: list[Object], kind: str, name: str) -> Object:
    """The one of that kind whose name begins so."""
    (found,) = [
        each
        for each in objects
        if each["kind"] == kind and re.fullmatch(rf"{name}(-[a-z0-9]+)?", each["metadata"]["name"])
    ]
    return found


@pytest.mark.parametrize("identity", ["irsa", "pod-identity"])
def test_the_config_maps_hold_what_terraform_made(identity: str) -> None:
    for name, given in SETTINGS.items():
        found = one(overlay(identity), "ConfigMap", name)["data"]
        assert given.items() <= found.items()


def test_the_printed_settings_are_those_of_the_overlay_and_services_read_them() -> None:
    text = module().partition("  settings = {\n")[2].partition("\n  }\n")[0]
    told = {
        name: set(re.findall(r"^ +([A-Z][A-Z_]+) +=", body, re.MULTILINE))
        for name, body in re.findall(
            r"^    ([a-z-]+) = \{\n(.*?)^    \}", text, re.MULTILINE | re.DOTALL
        )
    }
    assert told == {name: set(given) for name, given in SETTINGS.items()}
    read: dict[str, type[BaseSettings]] = {
        "ingest-settings": IngestSettings,
        "servers-settings": ServersSettings,
        "scope-settings": ServersSettings,
    }
    for name, kind in read.items():
        assert told[name] <= {variable_of(kind, field) for field in kind.model_fields}


def test_with_irsa_each_service_account_names_its_own_role_and_no_other_has_one() -> None:
    accounts = [each for each in overlay("irsa") if each["kind"] == "ServiceAccount"]
    notes = {each["metadata"]["name"]: each["metadata"].get("annotations", {}) for each in accounts}
    named = {name: found[ROLE_ARN] for name, found in notes.items() if ROLE_ARN in found}
    assert named == ROLES
    for name in ROLES:
        assert notes[name]["eks.amazonaws.com/token-expiration"] == "3600"
        assert notes[name]["eks.amazonaws.com/sts-regional-endpoints"] == "true"


def test_with_pod_identity_no_role_is_named_and_the_agent_is_reached() -> None:
    objects = overlay("pod-identity")
    assert ROLE_ARN not in str(objects)
    policy = one(objects, "NetworkPolicy", "pod-identity")["spec"]
    reached = [peer["ipBlock"]["cidr"] for rule in policy["egress"] for peer in rule["to"]]
    assert reached == ["169.254.170.23/32", "fd00:ec2::23/128"]


@pytest.mark.parametrize("name", COMPOSED)
def test_only_ingest_and_the_servers_are_given_a_role_and_keys_cannot_come_before_it(
    name: str,
) -> None:
    for workload, template in workloads(name).items():
        spec = template["spec"]
        every = [*spec.get("initContainers", []), *spec["containers"]]
        assert not KEYS & {each["name"] for one in every for each in one.get("env", [])}, workload
        skipped = template["metadata"].get("annotations", {}).get(SKIPPED, "").split(",")
        if workload in ROLES:
            given = {each["name"] for each in every} - set(skipped)
            assert given == {"ingest": {"ingest"}, "toolrunner": {"servers"}}[workload]


def test_the_sdk_takes_the_role_that_eks_gives_and_keys_would_come_before_it(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    token = tmp_path / "token"
    token.write_text("signed by the cluster")
    for name in (*KEYS, "AWS_PROFILE", "AWS_SESSION_TOKEN", "AWS_DEFAULT_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    for name, value in {
        "HOME": str(tmp_path),
        "AWS_ROLE_ARN": ROLES["ingest"],
        "AWS_WEB_IDENTITY_TOKEN_FILE": str(token),
        "AWS_REGION": REGION,
        "AWS_DEFAULT_REGION": REGION,
    }.items():
        monkeypatch.setenv(name, value)
    assert way() == "assume-role-with-web-identity"
    for name in KEYS:
        monkeypatch.setenv(name, "left in a secret")
    assert way() == "env"


def way() -> str:
    """How boto3 comes by its credentials."""
    found = boto3.session.Session().get_credentials()
    assert found is not None
    return str(found.method)


def test_the_module_has_a_page_for_its_files() -> None:
    readme = (AWS / "README.md").read_text(encoding="utf-8")
    files = {path.name for path in AWS.iterdir() if not path.name.startswith(".")}
    for name in files - {"README.md", "versions.tf"}:
        assert f"`{name}" in readme, name
