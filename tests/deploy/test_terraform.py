"""deploy/aws as Terraform reads it, and, where there is no Terraform, as far as text tells."""

import re
from pathlib import Path

import pytest

from tests.deploy.terraform import AWS, blocks_of, module
from tests.deploy.terraform_binary import begin, copied_module, needs_terraform, run
from tests.lane import Lane

EXAMPLE = AWS / "example"
pytestmark = pytest.mark.timeout(60)


@needs_terraform
def test_terraform_would_write_the_files_as_they_are() -> None:
    done = run(AWS, "fmt", "-check", "-diff", "-recursive")
    assert done.returncode == 0, done.stdout + done.stderr


@needs_terraform
@pytest.mark.timeout(600)
@pytest.mark.parametrize("root", [".", "example"])
def test_terraform_finds_it_valid(lane: Lane, tmp_path: Path, root: str) -> None:
    if not lane.full:
        pytest.skip("the full lane runs it: --full")
    folder = copied_module(tmp_path) / root
    begin(folder)
    found = run(folder, "validate")
    assert found.returncode == 0, found.stderr
    assert "Warning" not in found.stdout


@pytest.mark.parametrize("folder", [AWS, EXAMPLE], ids=["module", "example"])
def test_names_are_declared_and_used(folder: Path) -> None:
    text = "\n".join(path.read_text(encoding="utf-8") for path in sorted(folder.glob("*.tf")))
    bare = re.sub(r"^\s*#.*$", "", text, flags=re.MULTILINE)
    assert set(re.findall(r"\bvar\.(\w+)", bare)) == declared("variable", bare)
    made = {f"{kind}.{name}" for kind, name in blocks_of(text)}
    named = set(re.findall(r"\b(aws_\w+\.\w+)", re.sub(r'"[^"$]*"', '""', bare)))
    assert named <= made
    inside = "\n".join(re.findall(r"^locals \{\n(.*?)^\}", bare, re.MULTILINE | re.DOTALL))
    locals_ = set(re.findall(r"^  (\w+) += ", inside, re.MULTILINE))
    assert set(re.findall(r"\blocal\.(\w+)", bare)) == locals_


def test_the_example_gives_the_module_what_it_takes_and_shows_what_it_gives() -> None:
    text = "\n".join(path.read_text(encoding="utf-8") for path in sorted(EXAMPLE.glob("*.tf")))
    (call,) = re.findall(r'^module "nightshift" \{\n(.*?)^\}', text, re.MULTILINE | re.DOTALL)
    given = set(re.findall(r"^  (\w+) += ", call, re.MULTILINE)) - {"source"}
    variables = re.findall(r'^variable "(\w+)" \{\n(.*?)^\}', module(), re.MULTILINE | re.DOTALL)
    assert given <= {name for name, _ in variables}
    assert {name for name, body in variables if "default" not in body} <= given
    shown = set(re.findall(r"module\.nightshift\.(\w+)", text))
    assert shown <= declared("output", module())


def test_versions_have_an_upper_bound() -> None:
    for text in (module(), (EXAMPLE / "main.tf").read_text(encoding="utf-8")):
        bounds = re.findall(r'version += "([^"]+)"', text)
        assert len(bounds) == 2
        assert all(re.fullmatch(r">= [\d.]+, < [\d.]+", each) for each in bounds)


def declared(kind: str, text: str) -> set[str]:
    return set(re.findall(rf'^{kind} "(\w+)"', text, re.MULTILINE))
