"""What holds for every example, so that a newcomer finds them alike."""

import ast
import re
from pathlib import Path

import pytest

from tests.examples.playing import EXAMPLES

MAX_LINES = 60
NUMBERED = sorted(EXAMPLES.glob("[0-9]*.py"))
BESIDE = {"README.md", "laptop.py", "planned-work.yaml"}
"""What else may lie there: their table, what at least three of them share, and an incident."""
every_example = pytest.mark.parametrize("example", NUMBERED, ids=lambda path: path.stem)


def test_examples_are_numbered_without_a_gap_and_nothing_else_lies_there() -> None:
    numbers = [int(path.name[:2]) for path in NUMBERED]
    assert numbers == list(range(1, len(NUMBERED) + 1))
    assert all(re.fullmatch(r"\d\d(_[a-z]+)+\.py", path.name) for path in NUMBERED)
    there = {path.name for path in EXAMPLES.iterdir() if not path.name.startswith("__")}
    assert there == {path.name for path in NUMBERED} | BESIDE


@pytest.mark.parametrize("path", sorted(EXAMPLES.glob("*.py")), ids=lambda path: path.stem)
def test_an_example_fits_on_a_page(path: Path) -> None:
    assert len(path.read_text(encoding="utf-8").splitlines()) <= MAX_LINES


@every_example
def test_an_example_opens_with_what_one_will_see_and_its_command(example: Path) -> None:
    told = ast.get_docstring(ast.parse(example.read_text(encoding="utf-8"))) or ""
    first, command, *_ = told.split("\n\n")
    assert first.startswith("You will see ")
    assert command.strip() == f".venv/bin/python examples/{example.name}"


@every_example
def test_an_example_uses_public_names_only(example: Path) -> None:
    tree = ast.parse(example.read_text(encoding="utf-8"))
    nodes = list(ast.walk(tree))
    imported = [
        alias.name for node in nodes if isinstance(node, ast.ImportFrom) for alias in node.names
    ]
    asked = [node.attr for node in nodes if isinstance(node, ast.Attribute)]
    assert [name for name in imported + asked if name.startswith("_")] == []


def test_the_table_lists_the_examples_in_order() -> None:
    table = (EXAMPLES / "README.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| \[(\S+)\]\((\S+)\) \| .+ \| \d+ \|$", table, re.MULTILINE)
    assert rows == [(path.name, path.name) for path in NUMBERED]


@every_example
def test_an_example_is_run_by_the_tests(example: Path) -> None:
    tests = Path(__file__).with_name("test_examples.py").read_text(encoding="utf-8")
    assert f'play("{example.stem}", ' in tests


def test_what_examples_share_has_three_users_at_least() -> None:
    shared = ast.parse((EXAMPLES / "laptop.py").read_text(encoding="utf-8"))
    names = {node.name for node in shared.body if isinstance(node, ast.FunctionDef)}
    texts = [path.read_text(encoding="utf-8") for path in NUMBERED]
    users = {name: sum(f"{name}(" in text for text in texts) for name in names}
    assert {name: count for name, count in users.items() if count < 3} == {}
