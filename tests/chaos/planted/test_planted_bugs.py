"""Every planted bug turns its test red, in a copy of the tree; without it the test is green."""

import shutil
import subprocess
import sys
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest

from cli.stack import ROOT, clean_environment
from tests.chaos.planted.bug import PlantedBug
from tests.chaos.planted.bugs import BUGS
from tests.lane import Figures, Lane

pytestmark = pytest.mark.timeout(300)
COPIED = (
    *("bus", "services", "simulator", "cli", "benchmarks", "tests", "docs"),
    *("pyproject.toml", "README.md"),
)
SAMPLE = 1
FAILED = 1
"""pytest's exit code when tests ran and some failed; a broken run has others."""


@pytest.fixture(scope="module")
def tree(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A copy of the project in which a bug may be planted."""
    copy = tmp_path_factory.mktemp("planted")
    ignored = shutil.ignore_patterns("__pycache__", ".*")
    for name in COPIED:
        source = ROOT / name
        if source.is_dir():
            shutil.copytree(source, copy / name, ignore=ignored)
        else:
            shutil.copy(source, copy / name)
    yield copy
    shutil.rmtree(copy)


def run(tree: Path, *tests: str, seconds: float = 240) -> "subprocess.CompletedProcess[str]":
    """Those tests, run in the copy up to the first that fails, within that time."""
    command = [sys.executable, "-m", "pytest", "-x", "-q", "-p", "no:cacheprovider", *tests]
    environment = clean_environment() | {"PYTHONPATH": str(tree), "PYTHONDONTWRITEBYTECODE": "1"}
    ended = partial(subprocess.run, command, cwd=tree, env=environment, capture_output=True)
    return ended(text=True, timeout=seconds, check=False)


def chosen(lane: Lane) -> list[PlantedBug]:
    """All bugs in the full lane, some of them by the seed in the sample."""
    return list(lane.pick(lane.random("planted bugs").sample(BUGS, SAMPLE), BUGS))


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """One test for each chosen bug."""
    if "planted" in metafunc.fixturenames:
        options = metafunc.config.option
        bugs = chosen(Lane(full=options.full, seed=options.seed))
        metafunc.parametrize("planted", bugs, ids=[bug.name.replace(" ", "-") for bug in bugs])


def test_planted_bug_turns_its_test_red(tree: Path, planted: PlantedBug, figures: Figures) -> None:
    path = tree / planted.file
    whole = path.read_text(encoding="utf-8")
    path.write_text(whole.replace(planted.old, planted.new), encoding="utf-8")
    try:
        with_bug = run(tree, planted.test)
    finally:
        path.write_text(whole, encoding="utf-8")
    figures.add("planted bugs", planted.name, "red" if with_bug.returncode else "not seen", "red")
    assert with_bug.returncode == FAILED, with_bug.stdout[-2000:] + with_bug.stderr[-2000:]


@pytest.mark.timeout(1_300)
def test_the_tests_are_green_without_the_bugs(tree: Path, lane: Lane) -> None:
    result = run(tree, *sorted({bug.test for bug in chosen(lane)}), seconds=1_200)
    assert result.returncode == 0, result.stdout[-3000:]


@pytest.mark.parametrize("bug", BUGS, ids=lambda bug: bug.name.replace(" ", "-"))
def test_planted_bug_has_its_place_exactly_once(bug: PlantedBug) -> None:
    assert (ROOT / bug.file).read_text(encoding="utf-8").count(bug.old) == 1
    path, _, name = bug.test.partition("::")
    assert (ROOT / path).exists()
    if name:
        assert f"def {name.partition('[')[0]}(" in (ROOT / path).read_text(encoding="utf-8")
