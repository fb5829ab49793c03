"""The shell completes commands, options, incidents and services."""

import shutil
import subprocess
from pathlib import Path

import pytest

from tests.cli.inside.conftest import Inside
from tests.cli.nightshift import NIGHTSHIFT, environment, run

pytestmark = [pytest.mark.xdist_group("inside"), pytest.mark.timeout(120)]
VARIABLE = "_NIGHTSHIFT_COMPLETE"


def test_bash_completes_an_incident_by_what_redis_holds(inside: Inside) -> None:
    bash = shutil.which("bash")
    assert bash
    script = f"""
        eval "$({VARIABLE}=source_bash nightshift)"
        COMP_WORDS=(nightshift show open-) COMP_CWORD=2
        _nightshift_completion nightshift
        printf '%s\\n' "${{COMPREPLY[@]}}"
    """
    path = f"{NIGHTSHIFT.parent}:/usr/bin:/bin"
    variables = environment(REDIS_URL=inside.desk.stack.redis_url, PATH=path)
    end = subprocess.run([bash, "-c", script], env=variables, capture_output=True, text=True)
    assert (end.stdout.split(), end.stderr) == (["open-one", "open-two"], "")


@pytest.mark.parametrize(
    ("shell", "asked"),
    [
        ("zsh", {"_TYPER_COMPLETE_ARGS": "nightshift do"}),
        (
            "fish",
            {"_TYPER_COMPLETE_ARGS": "nightshift do", "_TYPER_COMPLETE_FISH_ACTION": "get-args"},
        ),
    ],
)
def test_other_shells_get_a_script_and_their_answers(
    shell: str, asked: dict[str, str], tmp_path: Path
) -> None:
    script = run(folder=tmp_path, **{VARIABLE: f"source_{shell}"})
    assert (script.code, script.errors) == (0, "")
    assert f"{VARIABLE}=complete_{shell}" in script.output
    answer = run(folder=tmp_path, **{VARIABLE: f"complete_{shell}"}, **asked)
    assert "doctor" in answer.output
    assert answer.errors == ""


def test_redis_that_is_away_completes_nothing_and_says_nothing(tmp_path: Path) -> None:
    asked = {"COMP_WORDS": "nightshift show x", "COMP_CWORD": "2", VARIABLE: "complete_bash"}
    end = run(folder=tmp_path, REDIS_URL="redis://127.0.0.1:9/0", **asked)
    assert (end.output.strip(), end.errors) == ("", "")
