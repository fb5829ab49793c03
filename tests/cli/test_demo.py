"""`nightshift demo`."""

import re
from pathlib import Path

import pytest

from benchmarks.cost import LEAST_OUTPUT, MOST_CALLS, MOST_USD
from tests.cli.conftest import DemoRun
from tests.cli.nightshift import run

SHOWN = (
    "Root cause: ",
    "RedisCartStore.cs",
    "Evidence ",
    "Proposed fix",
    "Confidence: high",
    " turns · ",
    " tool calls · ",
    " tokens in ",
    " tokens out · ",
    " · $",
    "[scripted]",
    ", one root",
    "services: ingest, notifier, reasoner, toolrunner",
)
pytestmark = pytest.mark.timeout(180)


def test_demo_speaks_at_once_and_ends_as_diagnosed(demo_run: DemoRun) -> None:
    assert demo_run.code == 0, demo_run.output + demo_run.errors
    assert demo_run.first_read.startswith("   0.0 s  Nightshift demo:")
    assert "\n" in demo_run.first_read
    assert demo_run.ran_on
    assert demo_run.errors == ""
    assert demo_run.output.endswith(" s  done\n")


def test_demo_shows_what_a_newcomer_came_for(demo_run: DemoRun) -> None:
    assert [words for words in SHOWN if words not in demo_run.output] == []


def test_the_demos_diagnosis_costs_what_is_promised(demo_run: DemoRun) -> None:
    """The sample of `python -m benchmarks cost`: the same incident, counted by the same rules."""
    found = re.search(r"· (\d+) turns · .* · ([\d,]+) tokens out · \$([\d.]+) ·", demo_run.output)
    assert found is not None
    assert int(found[1]) <= MOST_CALLS
    assert int(found[2].replace(",", "")) >= LEAST_OUTPUT
    assert float(found[3]) <= MOST_USD


@pytest.mark.parametrize("command", ["demo", "up"])
def test_unknown_scenario_is_one_sentence(command: str, tmp_path: Path) -> None:
    end = run(command, "nothing-like-it", folder=tmp_path)
    assert end.code == 1
    (sentence,) = end.errors.splitlines()
    assert sentence.startswith(f"nightshift {command}: ")
    assert "nothing-like-it" in sentence
    assert "cart-loafers" in sentence
