"""docs/eks.md: its commands name what AWS, the module and the manifests have."""

import re
import shlex
import tomllib

import pytest
import yaml

from bus.events import Alarm
from services.ingest.naming import service_of
from services.ingest.severity import severity_of
from tests.deploy.terraform import AWS, blocks_of, module
from tests.docs.aws_lines import Line
from tests.docs.pages import ROOT, Page

PAGE = Page(ROOT / "docs" / "eks.md")
EXAMPLE = "\n".join(
    path.read_text(encoding="utf-8") for path in sorted((AWS / "example").glob("*.tf"))
)
OF_THE_CLI = {"--query", "--output"}
"""Options of every `aws` command, which no operation has."""
NO_OPERATION = ("aws eks update-kubeconfig",)


def lines(program: str) -> list[str]:
    found = [line for line in PAGE.commands if line.startswith(f"{program} ")]
    spans = re.findall(rf"`({program} [^`\n]+)`", PAGE.text)
    return sorted({*found, *spans})


@pytest.mark.parametrize("text", lines("aws"))
def test_every_aws_command_is_one_with_its_options(text: str) -> None:
    if text.startswith(NO_OPERATION):
        return
    words, kept = shlex.split(text), []
    while words:
        word = words.pop(0)
        if word in OF_THE_CLI:
            words.pop(0)
        else:
            kept.append(word)
    assert Line.of(shlex.join(kept)).arguments({}) is not None


def test_what_the_page_names_is_what_the_example_makes() -> None:
    assert set(re.findall(r"-var (\w+)=", PAGE.text)) <= names("variable", EXAMPLE)
    assert set(re.findall(r"output -raw (\w+)", PAGE.text)) <= names("output", EXAMPLE)
    assert 'alarm_name          = "frontend-errors"' in EXAMPLE
    assert "/aws/containerinsights/${var.cluster_name}/application" in EXAMPLE
    known = names("variable", module()) | names("output", module())
    named = set(re.findall(r"`([a-z]+(?:_[a-z]+)+)(?: = [^`]+)?`", PAGE.text))
    assert named <= known | {"alarm_actions", "ok_actions", "log_processed"}
    roles = set(re.findall(r"--role-name (nightshift-\w+)", PAGE.text))
    assert roles == {"nightshift-ingest"}


def test_the_alarm_of_the_example_is_a_critical_one_about_the_frontend() -> None:
    (block,) = [each for key, each in blocks_of(EXAMPLE).items() if "metric_alarm" in key[0]]
    name, description = (block.literals[f"alarm_{each}"][1:-1] for each in ("name", "description"))
    shop = ROOT / "deploy/k8s/overlays/online-boutique/services.toml"
    known = list(tomllib.loads(shop.read_text(encoding="utf-8"))["services"])
    alarm = Alarm(name=name, description=description, metric=name)
    assert service_of(alarm, known) == "frontend"
    assert severity_of(alarm) == "critical"
    assert {"alarm_actions", "ok_actions"} <= set(re.findall(r"^  (\w+) +=", block.body, re.M))


def test_the_plan_adds_as_many_as_the_page_says() -> None:
    (said,) = re.findall(r"Plan: (\d+) to add", PAGE.text)
    made = re.findall(r'^resource "(\w+)" "\w+" \{\n(.*?)^\}', module(), re.MULTILINE | re.DOTALL)
    alone = [kind for kind, body in made if "count" not in body and "for_each" not in body]
    topic = [kind for kind, body in made if "count = var.send_by_topic" in body]
    logs = [kind for kind, body in made if "count = length(var.log_groups)" in body]
    example = re.findall(r'^resource "', EXAMPLE, re.MULTILINE)
    roles = 2
    assert int(said) == len([*alone, *topic, *logs, *example]) + roles


def test_every_service_that_kubectl_is_asked_about_is_in_the_manifests() -> None:
    asked = set(re.findall(r"-n nightshift .*?(?:deployment|service)/(\w+)", PAGE.text))
    asked |= set(re.findall(r"app\.kubernetes\.io/name=(\w+)", PAGE.text))
    files = [
        *ROOT.glob("deploy/k8s/base/*.yaml"),
        *ROOT.glob("deploy/k8s/components/jaeger/*.yaml"),
    ]
    known = {
        each["metadata"]["name"]
        for path in files
        for each in yaml.safe_load_all(path.read_text(encoding="utf-8"))
        if each["kind"] in ("Deployment", "Service")
    }
    assert asked
    assert asked <= known


def names(kind: str, text: str) -> set[str]:
    return set(re.findall(rf'^{kind} "(\w+)"', text, re.MULTILINE))
