"""`nightshift scenarios`."""

import json
from pathlib import Path

import pytest

from simulator.scenario import scenario_names
from tests.cli.nightshift import run
from tests.simulator.scenario_file import small_file

pytestmark = pytest.mark.timeout(90)


def test_list_names_every_scenario_with_its_title(tmp_path: Path) -> None:
    end = run("scenarios", "list", folder=tmp_path)
    assert (end.code, end.errors) == (0, "")
    names = [line for line in end.output.splitlines() if not line.startswith(" ")]
    assert names == scenario_names()
    assert "The cart service throws for one product" in end.output


def test_list_fits_80_columns_where_there_is_no_terminal_and_any_width_that_is_asked_for(
    tmp_path: Path,
) -> None:
    for columns, most in (("", 80), ("50", 50)):
        end = run("scenarios", "list", folder=tmp_path, COLUMNS=columns)
        assert end.code == 0
        assert [line for line in end.output.splitlines() if len(line) > most] == []


def test_help_of_the_demo_names_every_scenario(tmp_path: Path) -> None:
    end = run("demo", "--help", folder=tmp_path)
    assert [name for name in scenario_names() if name not in end.output] == []


def test_check_says_what_is_wrong_with_each_file_and_exits_one(tmp_path: Path) -> None:
    wrong = small_file(tmp_path, ("line: 12", "line: 400"), ("[Redis]", "[free]"))
    end = run("scenarios", "check", "loud-ads", str(wrong), "missing.yaml", folder=tmp_path)
    assert end.code == 1
    assert end.output == "loud-ads: sound\n"
    first, second, third = end.errors.splitlines()
    assert first.startswith("small.yaml: expected.must_not_claim: ")
    assert second.startswith("small.yaml: script.diagnosis.code_location.line: ")
    assert third == "missing.yaml: there is no such file"


def test_what_a_terminal_would_obey_in_a_file_is_spelled_out(tmp_path: Path) -> None:
    (tmp_path / "odd.yaml").write_text('"\\e]0;owned\\a": 2\n')
    end = run("scenarios", "check", "odd.yaml", folder=tmp_path)
    assert end.code == 1
    assert "\x1b" not in end.errors
    assert r"\x1b]0;owned\x07" in end.errors


def test_check_of_a_sound_file_exits_zero(tmp_path: Path) -> None:
    end = run("scenarios", "check", str(small_file(tmp_path)), folder=tmp_path)
    assert (end.code, end.errors) == (0, "")
    assert end.output.endswith("small.yaml: sound\n")


def test_schema_is_json(tmp_path: Path) -> None:
    end = run("scenarios", "schema", folder=tmp_path)
    assert json.loads(end.output)["properties"]["base"]["enum"] == ["online-boutique"]
