"""Every guard that is switched off turns its attacks red, so the cases are not blind to it."""

import json
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from cli.stack import ROOT, clean_environment
from tests.lane import Figures, Lane
from tests.redteam.controls import CONTROLS, Control

pytestmark = [pytest.mark.timeout(300), pytest.mark.xdist_group("redteam")]
COPIED = ("bus", "services", "simulator", "cli")
CASES = 2
FORBIDDEN = 1
"""The command's exit code when a case fails; a run that broke down has others."""


@pytest.fixture(scope="module")
def tree(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A copy of the product in which a guard may be switched off."""
    copy = tmp_path_factory.mktemp("unguarded")
    for name in COPIED:
        ignored = shutil.ignore_patterns("__pycache__", ".*")
        shutil.copytree(ROOT / name, copy / name, ignore=ignored)
    yield copy
    shutil.rmtree(copy)


def chosen(lane: Lane) -> list[Control]:
    """All of them in the full lane, one that is quick, by the seed, in the sample."""
    quick = [control for control in CONTROLS if not control.is_slow]
    return list(lane.pick([lane.random("controls").choice(quick)], list(CONTROLS)))


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """One test for each chosen control."""
    if "control" in metafunc.fixturenames:
        options = metafunc.config.option
        controls = chosen(Lane(full=options.full, seed=options.seed))
        names = [control.guard.replace(" ", "-") for control in controls]
        metafunc.parametrize("control", controls, ids=names)


def attacked(tree: Path, control: Control) -> "subprocess.CompletedProcess[str]":
    """The control's attacks, run in the copy."""
    words = ["--channel", control.channel, "--goal", control.goal, "--sample", f"{CASES}"]
    words += ["--template", control.template] if control.template else []
    return subprocess.run(
        [sys.executable, "-m", "cli.main", "redteam", *words, "--seed", "1", "--json"],
        cwd=tree,
        env=clean_environment() | {"PYTHONPATH": str(tree)},
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )


def test_a_guard_that_is_switched_off_turns_its_attacks_red(
    tree: Path, control: Control, figures: Figures
) -> None:
    path = tree / control.file
    whole = path.read_text(encoding="utf-8")
    path.write_text(whole.replace(control.old, control.new), encoding="utf-8")
    try:
        ended = attacked(tree, control)
    finally:
        path.write_text(whole, encoding="utf-8")
    assert ended.returncode == FORBIDDEN, ended.stdout[-2000:] + ended.stderr[-2000:]
    verdicts = json.loads(ended.stdout)["verdicts"]
    effects = [{effect["what"] for effect in verdict["effects"]} for verdict in verdicts]
    seen = [control.effect in found for found in effects]
    figures.add("controls", control.guard, f"{sum(seen)} of {len(seen)} red", "all")
    assert seen == [True] * (1 if control.template else CASES), effects


@pytest.mark.parametrize("guard", CONTROLS, ids=lambda each: each.guard.replace(" ", "-"))
def test_a_guard_has_its_place_exactly_once(guard: Control) -> None:
    assert (ROOT / guard.file).read_text(encoding="utf-8").count(guard.old) == 1
