"""docs/online-boutique.md and the drills' page: every command and every file on them is there."""

import json
import re
import shlex
from pathlib import Path

import pytest
import yaml
from typer.core import TyperGroup
from typer.main import get_command

from cli.main import app
from services.ingest.doors import DOORS
from tests.deploy.manifests import SERVICES, Object, needs_kubectl, render, rendered
from tests.deploy.shop import UPSTREAM
from tests.docs.pages import ROOT, Page

PAGE = Page(ROOT / "docs" / "online-boutique.md")
PAGES = [PAGE, Page(ROOT / "deploy" / "drills" / "README.md")]
WAYS = ("overlays/online-boutique", "overlays/trial")
CHANGE = "\n## From the trial to accounts\n"
FOREIGN = "../microservices-demo"
NIGHTSHIFT, PYTHON = ".venv/bin/nightshift", ".venv/bin/python"
PROGRAMS = {"kubectl", "make", "git", "kind", "podman", "docker", "buildah"}
PROGRAMS |= {"sed", "export", "sleep", "mkdir"}
PROGRAMS |= {NIGHTSHIFT, PYTHON}
VERBS = {
    *("apply", "auth", "create", "delete", "exec", "get", "patch", "port-forward", "rollout"),
    *("scale", "wait"),
}
PATH = re.compile(r"\b(?:deploy|docs|simulator|tests)/[\w./-]*\w")
NAMED = re.compile(r"\b(deployment|statefulset|service)[ /]([a-z][a-z-]*)")
pytestmark = [needs_kubectl, pytest.mark.xdist_group("manifests"), pytest.mark.timeout(60)]
every_page = pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)


def lines(page: Page) -> list[str]:
    """The commands of its blocks, each on one line; blocks that name a language are files."""
    fences = re.findall(r"^```(\w*)\n(.*?)^```$", page.text, re.MULTILINE | re.DOTALL)
    blocks = [block for language, block in fences if not language]
    return [line for block in blocks for line in block.replace("\\\n", " ").splitlines() if line]


def words(line: str) -> list[str]:
    """What the shell would run first, without what it fills in or hands on."""
    plain = re.sub(r"\$\([^()]*\)|\$\w+", "FILLED", line)
    return shlex.split(plain.partition(" | ")[0].removesuffix(" &"))


@every_page
def test_every_program_is_one_that_the_page_asks_for(page: Page) -> None:
    for line in lines(page):
        for part in line.split(" | "):
            program = shlex.split(re.sub(r"\$\(.*\)", "FILLED", part))[0]
            assert program in {*PROGRAMS, "ctr"} or part.startswith("base64 -d)"), line


@every_page
def test_every_line_of_nightshift_is_a_command_with_its_options(page: Page) -> None:
    found = [words(line)[1:] for line in lines(page) if line.startswith(NIGHTSHIFT)]
    spans = re.findall(rf"`{re.escape(NIGHTSHIFT)} ([^`]+)`", page.text)
    assert found
    for name, *arguments in [*found, *map(shlex.split, spans)]:
        group = get_command(app)
        assert isinstance(group, TyperGroup)
        command = group.commands[name]
        with command.make_context(name, arguments) as context:
            assert context.command is command


@every_page
def test_every_target_of_make_and_every_module_is_there(page: Page) -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    for line in lines(page):
        program, *rest = words(line)
        if program == "make":
            assert re.search(rf"^{rest[0]}:", makefile, re.MULTILINE), line
            variables = {each.partition("=")[0] for each in rest[1:]}
            assert variables <= {"BASE_IMAGE", "TARGETS"}, line
        for module in re.findall(r"python -m ([\w.]+)", line):
            assert (ROOT / f"{module.replace('.', '/')}.py").is_file(), line


@every_page
def test_every_file_that_is_named_is_there_or_made_by_the_page(page: Page) -> None:
    made = {"deploy/k8s/overlays/mine", "deploy/k8s/overlays/mine/kustomization.yaml"}
    for path in set(PATH.findall(page.text)) - made:
        assert (ROOT / path).exists() or (ROOT / "docs" / path).exists(), path
    for line in lines(page):
        given = words(line)
        for option in {"-f", "-k", "--patch-file", "--file"} & set(given):
            path = given[given.index(option) + 1]
            if not path.startswith(("https://", FOREIGN)) and path not in made:
                wanted = Path.is_dir if option == "-k" else Path.is_file
                assert wanted(ROOT / path), line


@every_page
def test_every_line_of_kubectl_names_what_runs(page: Page) -> None:
    ours = {
        (each["kind"].lower(), each["metadata"]["name"]) for way in WAYS for each in rendered(way)
    }
    shop = {("deployment", name) for name in UPSTREAM}
    for line in (each for each in lines(page) if each.startswith("kubectl ")):
        given = words(line)[1:]
        namespace = given[1] if given[0] == "-n" else ""
        verb = given[2] if namespace else given[0]
        assert verb in VERBS, line
        known = {"nightshift": ours, "online-boutique": shop}.get(namespace, set())
        for kind, name in NAMED.findall(line):
            assert (kind, name) in known, line


def test_both_ways_make_every_secret_that_a_pod_cannot_start_without() -> None:
    common, accounts, without = (
        secrets_in(PAGE.text.partition(start)[2].partition(end)[0])
        for start, end in (
            ("## 3. The secrets", "**With accounts.**"),
            ("**With accounts.**", "**Without accounts**"),
            ("**Without accounts** the", "## 4."),
        )
    )
    for way, made in zip(WAYS, (common | accounts, common | without), strict=True):
        optional = {f"{name}/{key}" for name, key in references(way, optional=True)}
        needed = {f"{name}/{key}" for name, key in references(way, optional=False)}
        needed |= {"reasoner/anthropic-api-key", "notifier/slack-bot-token"}
        needed |= {"notifier/slack-channel"}  # optional to the pod, not to the service
        assert needed <= made <= needed | optional, way
        doors = {name.removesuffix("_token").replace("_", "-") for name in DOORS}
        assert any(f"ingest/{door}-token" in made for door in doors), "ingest needs a door"


def secrets_in(text: str) -> set[str]:
    """`secret/key` of everything that the text creates."""
    found = set()
    for line in text.replace("\\\n", " ").splitlines():
        if created := re.search(r"create secret generic (\S+)", line):
            found |= {
                f"{created[1]}/{key}" for key in re.findall(r"--from-literal=([\w-]+)=", line)
            }
        if patched := re.search(r"patch secret (\S+) -p '(\{.*\})'", line):
            found |= {f"{patched[1]}/{key}" for key in json.loads(patched[2])["stringData"]}
    return found


def test_with_accounts_ingest_hears_what_people_press_on_the_card() -> None:
    for start, end in (("**With accounts.**", "**Without accounts**"), (CHANGE, "\n## ")):
        made = secrets_in(PAGE.text.partition(start)[2].partition(end)[0])
        assert "ingest/slack-app-token" in made, start
        assert {"reasoner/anthropic-api-key", "notifier/slack-bot-token"} <= made, start


def test_the_change_to_accounts_deletes_what_the_trial_alone_has_and_nothing_else() -> None:
    trial, shop = (
        {(each["kind"].lower(), each["metadata"]["name"]) for each in rendered(way)}
        for way in reversed(WAYS)
    )
    section = PAGE.text.partition(CHANGE)[2].partition("\n## ")[0]
    deleted: set[tuple[str, str]] = set()
    for line in section.splitlines():
        if line.startswith("kubectl delete -k deploy/k8s/"):
            below = render(ROOT / line.split()[-1])
            deleted |= {(each["kind"].lower(), each["metadata"]["name"]) for each in below}
        elif "delete deployment," in line:
            kinds, *names = line.partition(" delete ")[2].split()
            deleted |= {(kind, name) for kind in kinds.split(",") for name in names}
    assert f"kubectl apply -k deploy/k8s/{WAYS[0]}\n" in section
    assert deleted == {each for each in trial - shop if each[0] != "configmap"}


def references(way: str, *, optional: bool) -> set[tuple[str, str]]:
    return {
        (reference["name"], reference["key"])
        for each in rendered(way)
        if each["kind"] in ("Deployment", "StatefulSet")
        for container in containers_of(each)
        for variable in container.get("env", [])
        if (reference := variable.get("valueFrom", {}).get("secretKeyRef"))
        and bool(reference.get("optional")) is optional
    }


def containers_of(each: Object) -> list[Object]:
    spec = each["spec"]["template"]["spec"]
    return [*spec.get("initContainers", []), *spec["containers"]]


def test_the_overlay_of_ones_own_is_made_of_folders_that_are_there() -> None:
    (text,) = re.findall(r"^```yaml\n(.*?)^```$", PAGE.text, re.MULTILINE | re.DOTALL)
    found = yaml.safe_load(text)
    for kind in ("resources", "components"):
        found[kind] = [
            str((ROOT / "deploy/k8s/overlays/mine" / path).resolve()) for path in found[kind]
        ]
        assert all(Path(path).is_dir() for path in found[kind])
    assert "keda-scaling" in found["components"][0]


def test_the_room_that_is_asked_for_is_what_the_manifests_request() -> None:
    figure = r"(\d+\.\d+)"
    told = re.search(
        rf"Nightshift {figure} CPUs and {figure} GiB, without accounts {figure} and {figure}",
        PAGE.text,
    )
    assert told
    said = [float(each) for each in told.groups()]
    for way, (cpus, gib) in zip(WAYS, (said[:2], said[2:]), strict=True):
        found = requested(way)
        assert abs(found[0] - cpus) < 0.01, way
        assert abs(found[1] - gib) < 0.1, way


def requested(way: str) -> tuple[float, float]:
    """CPUs and GiB of all its pods, those of containers that stay."""
    cpus = mebibytes = 0
    for each in rendered(way):
        if each["kind"] not in ("Deployment", "StatefulSet"):
            continue
        for container in containers_of(each):
            if container["name"] == "users":
                continue  # ends before the other starts
            asked = container["resources"]["requests"]
            cpus += each["spec"]["replicas"] * int(asked["cpu"].removesuffix("m"))
            mebibytes += each["spec"]["replicas"] * int(asked["memory"].removesuffix("Mi"))
    return cpus / 1000, mebibytes / 1024


def test_the_address_of_the_model_and_of_slack_are_settings_of_these_services() -> None:
    table = PAGE.text.partition("| stands in for |")[2].partition("\n\n")[0]
    maps = {
        each["metadata"]["name"].rpartition("-")[0]
        for each in rendered(WAYS[0])
        if each["kind"] == "ConfigMap"
    }
    named = set(re.findall(r"`(\w+-settings)`", table))
    assert named <= maps
    assert {f"{service}-settings" for service in SERVICES if service != "toolrunner"} <= named
