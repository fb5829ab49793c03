"""docs/operations.md: every alert has its section, every command names what there is."""

import json
import re
import shlex
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml
from typer.core import TyperGroup
from typer.main import get_command

from cli.main import app
from tests.docs.pages import ROOT, Page

PAGE = Page(ROOT / "docs" / "operations.md")
K8S = ROOT / "deploy" / "k8s"
RULES = K8S / "components" / "prometheus" / "alerts.yaml"
COMMANDS = ("kubectl ", "nightshift ", "redis-cli ", "export ", "git ", "make ", "sh deploy/")
KINDS = {"deployment", "statefulset", "secret", "configmap", "scaledobject"}
VERBS = {
    *("annotate", "apply", "create", "delete", "drain", "exec", "get", "logs", "patch"),
    *("port-forward", "rollout", "scale", "wait"),
}
LONGEST_PASSAGE = 1500
"""Characters of what a person reads at night about one alert."""


@cache
def alerts() -> dict[str, str]:
    """Severity by the name of the alert."""
    spec = yaml.load(RULES.read_text(encoding="utf-8"), Loader=yaml.CSafeLoader)["spec"]
    rules = [rule for group in spec["groups"] for rule in group["rules"]]
    return {rule["alert"]: rule["labels"]["severity"] for rule in rules}


@cache
def sections() -> dict[str, str]:
    """What stands under each heading of an alert."""
    parts = re.split(r"^#{2,3} (.+)$", PAGE.text, flags=re.MULTILINE)[1:]
    found = dict(zip(parts[::2], parts[1::2], strict=True))
    return {name: text.strip() for name, text in found.items() if name.startswith("Nightshift")}


def test_every_alert_has_a_section_and_every_section_an_alert() -> None:
    assert sections().keys() == alerts().keys()


@pytest.mark.parametrize("name", alerts())
def test_a_section_says_how_bad_it_is_what_to_look_at_and_what_to_do(name: str) -> None:
    text = sections()[name]
    assert text.startswith(f"{alerts()[name].capitalize()}.")
    assert "Look" in text
    assert re.search(r"\bDo\b", text)
    assert len(text) <= LONGEST_PASSAGE


def test_links_to_a_heading_lead_to_one() -> None:
    headings = re.findall(r"^#+ (.+)$", PAGE.text, re.MULTILINE)
    slugs = {re.sub(r"[^a-z0-9 -]", "", each.lower()).replace(" ", "-") for each in headings}
    wanted = set(re.findall(r"\]\(#([^)]+)\)", PAGE.text))
    runbooks = re.findall(r"docs/operations\.md#(\S+)", RULES.read_text(encoding="utf-8"))
    assert len(runbooks) == len(alerts())
    assert wanted | set(runbooks) <= slugs


def commands() -> list[str]:
    """Every line of every block, and every command in the text."""
    spans = re.findall(r"`([^`\n]+)`", PAGE.text)
    return [
        *(line for block in PAGE.blocks for line in block.splitlines() if line.strip()),
        *(span for span in spans if span.startswith(COMMANDS)),
    ]


def test_blocks_hold_commands_and_nothing_else() -> None:
    assert [line for line in commands() if not line.startswith(COMMANDS)] == []


@pytest.mark.parametrize("line", [line for line in commands() if line.startswith("nightshift ")])
def test_a_command_of_nightshift_exists_with_its_options(line: str) -> None:
    words = shlex.split(line)[1:]
    words = words[: words.index(">")] if ">" in words else words
    command: Any = get_command(app)
    while isinstance(command, TyperGroup) and words and not words[0].startswith("-"):
        assert words[0] in command.commands, line
        command = command.commands[words.pop(0)]
    known = {name for each in command.params for name in (*each.opts, *each.secondary_opts)}
    assert {word for word in words if word.startswith("--")} <= known


@pytest.mark.parametrize("line", [line for line in commands() if "redis-cli " in line])
def test_a_command_of_redis_is_one_that_the_operator_may_give(line: str) -> None:
    words = [word for word in shlex.split(line.partition("redis-cli ")[2]) if word != "$TLS"]
    assert words[0] in ("-u", "--user")
    template = (K8S / "base" / "redis" / "users.acl.template").read_text(encoding="utf-8")
    operator = template.partition("user operator ")[2]
    assert f"+{words[2].lower()}" in operator.replace(")", " ").split()


@pytest.mark.parametrize("line", [line for line in commands() if line.startswith("kubectl ")])
def test_a_command_of_kubectl_names_what_the_manifests_have(line: str) -> None:
    words = shlex.split(line.removesuffix(" &"))[1:]
    if words[0] == "-n":
        assert words[1] == "nightshift"
        words = words[2:]
    assert words[0] in VERBS
    if "-k" in words:
        assert (ROOT / words[words.index("-k") + 1] / "kustomization.yaml").is_file()
        return
    if "-f" in words:
        assert (ROOT / words[words.index("-f") + 1]).is_file()
        return
    for kind, name in named(words):
        assert name in there_is()[kind], line
    if "-p" in words and "secret" in words:
        (key,) = json.loads(words[words.index("-p") + 1])["stringData"]
        assert f"key: {key}" in text_of("base")


def named(words: list[str]) -> Iterator[tuple[str, str]]:
    """Kind and name of everything that a command is about."""
    kind = ""
    for word in words:
        if "/" in word and word.partition("/")[0] in KINDS:
            yield word.partition("/")[0], word.partition("/")[2]
        elif word in KINDS:
            kind = word
        elif word.startswith("-") or "=" in word or word.endswith("-"):
            kind = ""
        elif kind and word != "generic":
            yield kind, word


@cache
def there_is() -> dict[str, set[str]]:
    """Names by kind, from the files themselves."""
    found: dict[str, set[str]] = {kind: set() for kind in KINDS}
    for path in (*(K8S / "base").glob("*.yaml"), *(K8S / "components").glob("*/*.yaml")):
        for each in yaml.load_all(path.read_text(encoding="utf-8"), Loader=yaml.CSafeLoader):
            if isinstance(each, dict) and (kind := str(each.get("kind")).lower()) in KINDS:
                found[kind].add(each["metadata"]["name"])
    found["secret"] |= set(re.findall(r"secretKeyRef: \{name: ([a-z-]+)", text_of("base")))
    found["secret"] |= set(re.findall(r"secretName: ([a-z-]+)", text_of("components")))
    maps = text_of("base") + text_of("overlays")
    found["configmap"] |= set(re.findall(r"configMapRef: \{name: ([a-z-]+)", maps))
    found["configmap"] |= set(re.findall(r"configMap:\n\s+name: ([a-z-]+)", maps))
    found["configmap"] |= set(re.findall(r"configMap: \{name: ([a-z-]+)", maps))
    return found


@cache
def text_of(folder: str) -> str:
    """All manifests below a folder, as text."""
    files: list[Path] = sorted((K8S / folder).rglob("*.yaml"))
    return "\n".join(path.read_text(encoding="utf-8") for path in files)


def test_sizes_are_those_of_the_benchmark() -> None:
    measured = (ROOT / "docs" / "benchmarks.md").read_text(encoding="utf-8")
    section = measured.partition("\n## footprint\n")[2].partition("\n## ")[0]
    sizing = PAGE.text.partition("\n## Sizing\n")[2].partition("\n## ")[0]
    for service in ("ingest", "reasoner", "notifier", "toolrunner and its servers"):
        (row,) = [cells for cells in rows_of(sizing) if cells[0] == service]
        told = {cell for cells in rows_of(section) for cell in cells if kin(service, cells[0])}
        figures = set(re.findall(r"\d+(?:\.\d+)?", " ".join(row[1:])))
        assert figures <= told, service


def rows_of(text: str) -> list[list[str]]:
    """The cells of each row of its tables."""
    lines = [line for line in text.split("\n") if line.startswith("| ")]
    return [[cell.strip() for cell in line.split("|")[1:-1]] for line in lines]


def kin(service: str, row: str) -> bool:
    """Whether a row of the benchmark is about that service, its extra or its pod."""
    return row in (service, service.split()[0]) or (" " in service and row == "its pod, both")
