"""One run of the sample, which its tests share."""

from pathlib import Path

import pytest

from cli.redteaming.verdict import RunVerdict
from tests.cli.nightshift import start
from tests.lane import Lane

SAMPLE = 64
SECONDS = 600
STRINGS = Path(__file__).parents[3] / "shared" / "cases" / "injection"
"""Texts of others, where they lie beside the project."""


@pytest.fixture(scope="session")
def sample(lane: Lane, tmp_path_factory: pytest.TempPathFactory) -> RunVerdict:
    """What became of the sample, through the command as a person uses it."""
    folder = tmp_path_factory.mktemp("redteam")
    words = ["--sample", f"{SAMPLE}", "--seed", f"{lane.seed}", "--at-once", "12", "--json"]
    words += ["--strings", str(STRINGS)] if STRINGS.is_dir() else []
    process = start("redteam", *words, folder=folder)
    output, errors = process.communicate(timeout=SECONDS)
    assert process.returncode in (0, 1), output[-2000:] + errors[-2000:]
    run = RunVerdict.model_validate_json(output, extra="ignore")
    assert process.returncode == (0 if run.holds else 1)
    return run
