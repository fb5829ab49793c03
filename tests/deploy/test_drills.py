"""Each drill changes what it says and nothing else, of what Online Boutique really has."""

import json
import re
import shlex
import shutil
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml

from bus.events import Diagnosis
from cli.evaluation.scoring import Answer, score
from cli.evaluation.wording import mentions
from cli.inside.story import TurnSeen
from cli.publishing.file import parcels_of
from cli.publishing.parcels import PATHS, Post
from cli.publishing.target import Target
from deploy.drills.grade import DRILLS, expectation
from services.ingest.adapters.catalog_file import known_services
from services.ingest.alertmanager import read
from services.ingest.incident import incident_of
from services.ingest.naming import service_of
from services.ingest.trigger import Raised
from services.toolrunner.servers.rollouts import flat
from tests.cli.inside.test_pages import story
from tests.deploy.kubernetes_schemas import faults, needs_validator
from tests.deploy.manifests import K8S, KUBECTL, Object, needs_kubectl, render
from tests.deploy.shop import deployments
from tests.house.sources import ROOT

pytestmark = [needs_kubectl, pytest.mark.xdist_group("manifests"), pytest.mark.timeout(60)]
NAMES = sorted(path.parent.name for path in DRILLS.glob("*/incident.json"))
PAGE = (DRILLS / "README.md").read_text(encoding="utf-8")
CATALOGUE = K8S / "overlays/online-boutique/services.toml"
TEMPLATE = "spec.template.spec.containers.server"
CHANGES = {
    "cart-redis-gone": ("redis-cart", {"spec.replicas": "0"}),
    "memory-limit": (
        "adservice",
        {
            f"{TEMPLATE}.resources.limits.memory": "40Mi",
            f"{TEMPLATE}.resources.requests.memory": "40Mi",
        },
    ),
    "bad-image-tag": (
        "recommendationservice",
        {
            f"{TEMPLATE}.image": "us-central1-docker.pkg.dev/google-samples/microservices-demo/"
            "recommendationservice:v0.0.0-drill"
        },
    ),
    "wrong-variable": (
        "checkoutservice",
        {f"{TEMPLATE}.env.SHIPPING_SERVICE_ADDR": "shippingsvc:50051"},
    ),
}
"""Deployment, and all that differs in it afterwards."""
every_drill = pytest.mark.parametrize("name", NAMES)


@cache
def struck(folder: Path) -> dict[tuple[str, str], Object]:
    """The shop with every drill at once: kustomize fails where a patch has no target."""
    (folder / "shop.yaml").write_text(yaml.safe_dump_all(deployments()))
    patches = [{"patch": (DRILLS / name / "manifest.yaml").read_text()} for name in CHANGES]
    (folder / "policy.yaml").write_text((DRILLS / "network-policy/manifest.yaml").read_text())
    kustomization = {
        "resources": ["shop.yaml", "policy.yaml"],
        "patches": patches,
    }
    (folder / "kustomization.yaml").write_text(yaml.safe_dump(kustomization))
    return {(each["kind"], each["metadata"]["name"]): each for each in render(folder)}


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> dict[tuple[str, str], Object]:
    return struck(tmp_path_factory.mktemp("shop"))


def test_there_are_five_and_the_page_tells_each_with_its_two_commands() -> None:
    assert set(NAMES) == {*CHANGES, "network-policy"}
    assert re.findall(r"^## (\S+)$", PAGE, re.MULTILINE) == [*CHANGES, "network-policy"]
    for name in NAMES:
        cause, undo = commands(name)
        file = f"deploy/drills/{name}/manifest.yaml"
        given = shlex.split(cause)[3:]
        if name in CHANGES:
            assert given == ["patch", "-f", file, "--patch-file", file]
            assert CHANGES[name][0] in undo
        else:
            assert given == ["apply", "-f", file]
            assert shlex.split(undo)[3:] == ["delete", "-f", file]


def section(name: str) -> str:
    return PAGE.partition(f"\n## {name}\n")[2].partition("\n## ")[0]


def commands(name: str) -> list[str]:
    block = section(name).partition("```\n")[2].partition("```")[0]
    lines = block.splitlines()
    assert all(line.startswith("kubectl -n online-boutique ") for line in lines), name
    return lines


@pytest.mark.parametrize("name", CHANGES)
def test_a_patch_changes_what_it_says_and_nothing_else(
    name: str, shop: dict[tuple[str, str], Object]
) -> None:
    workload, wanted = CHANGES[name]
    (before,) = [each for each in deployments() if each["metadata"]["name"] == workload]
    old, new = flat(before), flat(shop["Deployment", workload])
    changed = {path: new.get(path) for path in {*old, *new} if old.get(path) != new.get(path)}
    assert changed == wanted


@pytest.mark.parametrize("name", CHANGES)
def test_kubectl_makes_the_same_of_a_manifest_that_it_is_given_twice(
    name: str, shop: dict[tuple[str, str], Object], tmp_path: Path
) -> None:
    workload, file = CHANGES[name][0], DRILLS / name / "manifest.yaml"
    whole = yaml.safe_load(file.read_text())
    assert whole["metadata"] == {"name": workload}, "no namespace: the command says it"
    (before,) = [each for each in deployments() if each["metadata"]["name"] == workload]
    (tmp_path / "shop.yaml").write_text(yaml.safe_dump(before))
    given = ["-f", str(tmp_path / "shop.yaml"), "--patch-file", str(file)]
    command = [KUBECTL or "", "patch", "--local", "-o", "json", *given]
    done = subprocess.run(command, capture_output=True, check=True)
    assert flat(json.loads(done.stdout)) == flat(shop["Deployment", workload])


def test_the_policy_is_about_pods_of_the_shop_and_leaves_the_frontend_out(
    shop: dict[tuple[str, str], Object],
) -> None:
    spec = shop["NetworkPolicy", "productcatalogservice-callers"]["spec"]
    labels = [each["spec"]["template"]["metadata"]["labels"] for each in deployments()]
    (rule,) = spec["ingress"]
    callers = [peer["podSelector"]["matchLabels"] for peer in rule["from"]]
    assert spec["podSelector"]["matchLabels"] == {"app": "productcatalogservice"}
    assert [each in labels for each in (spec["podSelector"]["matchLabels"], *callers)] == [True] * 3
    assert {"app": "frontend"} not in callers
    (port,) = rule["ports"]
    (catalogue,) = [each for each in deployments() if each["metadata"]["name"].startswith("produ")]
    assert flat(catalogue)[f"{TEMPLATE}.env.PORT"] == str(port["port"])


@needs_validator
def test_the_shop_is_valid_with_every_drill_in_it(
    shop: dict[tuple[str, str], Object], tmp_path: Path
) -> None:
    struck = [shop["Deployment", workload] for workload, _ in CHANGES.values()]
    policy = shop["NetworkPolicy", "productcatalogservice-callers"]
    assert faults([*struck, policy], tmp_path) == []


@every_drill
def test_its_alert_goes_through_the_door_and_opens_an_incident_of_its_service(name: str) -> None:
    body = sent(name)
    (found,) = read(body, clean=str)
    assert isinstance(found, Raised)
    service = service_of(found.alarm, known_services(CATALOGUE))
    assert service == body["alerts"][0]["labels"]["service"]
    assert f"publish --service {service}`" in PAGE or service in section(name)
    at = found.alarm.changed_at
    assert at is not None
    assert abs(datetime.now(UTC) - at) < timedelta(minutes=1), "else it is the same alarm again"
    assert incident_of(found, service).severity in ("critical", "warning")


def test_the_command_for_another_namespace_changes_every_alert_and_nothing_else(
    tmp_path: Path,
) -> None:
    (line,) = {each for each in PAGE.splitlines() if each.startswith("sed -i ")}
    assert f"\n{line}\n" in (ROOT / "docs/online-boutique.md").read_text(encoding="utf-8")
    _, _, script, files = shlex.split(line)
    sed = shutil.which("sed") or "sed"
    assert sorted(ROOT.glob(files)) == [DRILLS / name / "incident.json" for name in NAMES]
    for name in NAMES:
        before = (DRILLS / name / "incident.json").read_text(encoding="utf-8")
        (tmp_path / name).write_text(before, encoding="utf-8")
        subprocess.run([sed, "-i", script, name], check=True, cwd=tmp_path)
        after = (tmp_path / name).read_text(encoding="utf-8")
        assert after == before.replace("online-boutique", "default")
        assert '"namespace": "default"' in after


def test_no_two_alerts_are_the_same_problem() -> None:
    found = [(body["alerts"][0]["labels"]["alertname"]) for body in map(sent, NAMES)]
    assert len(set(found)) == len(NAMES)


@cache
def sent(name: str) -> Any:
    """The body that `nightshift publish --file` posts."""
    target = Target({"NIGHTSHIFT_ALERTMANAGER_TOKEN": "given"}, "http://127.0.0.1:9")
    (parcel,) = parcels_of(str(DRILLS / name / "incident.json"), target, queue=False)
    assert isinstance(parcel, Post)
    assert parcel.path == PATHS["alertmanager"]
    return json.loads(parcel.body)


@every_drill
def test_what_it_should_say_is_right_and_its_alert_gives_nothing_away(name: str) -> None:
    wanted = expectation(name)
    said = re.search(r"\nWhat it should say: (.+?)\n(?:\n|\Z)", section(name), re.DOTALL)
    assert said
    words = " ".join(said[1].split())
    right = Diagnosis(verdict="fault", summary=words, root_cause=words, component=wanted.component)
    assert score(wanted, Answer(outcome="diagnosed", diagnosis=right)).reasons == ()
    alert = json.dumps(sent(name))
    assert not [word for word in wanted.any_words if mentions(alert, word)]
    for claim in wanted.must_not_claim:
        wrong = right.model_copy(update={"root_cause": f"{words} {claim}."})
        assert score(wanted, Answer(outcome="diagnosed", diagnosis=wrong)).grade == "wrong", claim


def test_grading_takes_what_show_prints_and_says_what_is_missing() -> None:
    shown = story(TurnSeen(turn=1)).model_dump_json()
    code, said = graded("memory-limit", shown)
    assert (code, said.startswith("wrong\ndoes not speak of 'adservice'\n")) == (1, True), said
    right = {"summary": "adservice: OOMKilled at its limit of 40Mi"}
    told = json.loads(shown) | {"diagnosis": json.loads(shown)["diagnosis"] | right}
    assert graded("memory-limit", json.dumps(told)) == (0, "right\n")
    assert graded("no-such-drill", shown)[0] == 2
    under_way = json.loads(shown) | {"outcome": None, "state": "turn_due"}
    assert graded("memory-limit", json.dumps(under_way)) == (3, "")


def graded(drill: str, shown: str) -> tuple[int, str]:
    """The exit code and the output of the page's command, with that on its standard input."""
    command = [sys.executable, "-m", "deploy.drills.grade", drill]
    ended = subprocess.run(
        command, input=shown, cwd=ROOT, capture_output=True, text=True, timeout=30, check=False
    )
    return ended.returncode, ended.stdout


def test_every_file_that_the_page_names_is_there() -> None:
    for path in re.findall(r"\bdeploy/drills/[\w./-]+\.(?:yaml|json)", PAGE):
        assert (ROOT / path).is_file(), path
