"""Case folders that nobody has seen before are read, and broken ones say what is wrong."""

import json
import os
import shutil
from pathlib import Path

import pytest

from cli.evaluation.jobs import choose
from simulator.cases import read_cases

OWN = Path(__file__).parents[1] / "fixtures" / "cases"
SHARED = Path(__file__).parents[3] / "shared" / "cases" / "incidents"
CASE = "own-wrong-variable"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with one good case and a copy of it that is to be broken."""
    for name in ("broken", "good"):
        shutil.copytree(OWN / CASE, tmp_path / name)
    return tmp_path


def test_own_cases_are_read_whole() -> None:
    cases, problems = read_cases(OWN)
    assert problems == []
    assert len(cases) >= 3
    assert {case.expected.verdict for case in cases} == {"fault", "healthy"}
    assert all(case.evidence and case.opening.summary for case in cases)


@pytest.mark.skipif(not SHARED.is_dir(), reason="the cases do not lie beside the project")
def test_cases_of_others_are_read_without_a_problem() -> None:
    cases, problems = read_cases(SHARED)
    assert problems == []
    assert len(cases) == len([path for path in SHARED.iterdir() if path.is_dir()])
    assert [case.name for case in cases if not case.opening.service] == []


def test_one_case_may_be_named_itself() -> None:
    cases, problems = read_cases(OWN / CASE)
    assert ([case.name for case in cases], problems) == ([CASE], [])


BREAKS = {
    "no expected.json": (("expected.json", None), "expected.json: is missing"),
    "no trigger": (("trigger.json", None), "trigger.json: is missing"),
    "half a file": (("expected.json", '{"verdict": "fau'), "expected.json: is not JSON"),
    "a list": (("expected.json", "[1]"), "expected.json: the file: must be a mapping, such"),
    "another verdict": (
        ("expected.json", '{"verdict": "broken"}'),
        'verdict: must be "fault" or "healthy"',
    ),
    "no verdict": (("expected.json", "{}"), "expected.json: verdict: is missing"),
    "a word for words": (
        ("expected.json", '{"verdict": "fault", "root_cause_keywords": "OOM"}'),
        'expected.json: root_cause_keywords: must be a list of texts, such as ["OOMKilled", ',
    ),
    "an empty word": (
        ("expected.json", '{"verdict": "fault", "root_cause_keywords": [" "]}'),
        "expected.json: root_cause_keywords.0: must not be empty",
    ),
    "nothing to score": (
        ("expected.json", '{"verdict": "fault", "root_cause_keywords": []}'),
        "without a keyword nothing can be scored",
    ),
    "an empty trigger": (("trigger.json", "{}"), "trigger.json: is no JSON object"),
    "half a character": (("trigger.json", '{"title": "\\ud800"}'), "holds half a character"),
    "a huge trigger": (
        ("trigger.json", json.dumps({"x": "y" * 300_000})),
        "trigger.json: has 300,012 characters, more than 250,000",
    ),
    "a picture": (("evidence/pods.txt", b"\xff\xd8\xff"), "pods.txt: is not UTF-8 text"),
}


@pytest.mark.parametrize("name", BREAKS)
def test_broken_case_says_which_file_and_what_and_the_other_is_read(
    name: str, folder: Path
) -> None:
    (file, content), words = BREAKS[name]
    path = folder / "broken" / file
    if content is None:
        path.unlink()
    else:
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
    cases, (problem,) = read_cases(folder)
    assert [case.name for case in cases] == ["good"]
    assert problem.case == "broken"
    assert words in problem.sentence
    assert "broken" in problem.sentence


def test_case_without_evidence_is_a_problem(folder: Path) -> None:
    shutil.rmtree(folder / "broken" / "evidence")
    _, (problem,) = read_cases(folder)
    assert "evidence: is missing" in problem.sentence
    (folder / "broken" / "evidence").mkdir()
    _, (problem,) = read_cases(folder)
    assert "evidence: holds no file" in problem.sentence


def test_evidence_that_leads_out_of_the_case_is_a_problem(folder: Path) -> None:
    (folder / "broken" / "evidence" / "out.txt").symlink_to(OWN / CASE / "expected.json")
    _, (problem,) = read_cases(folder)
    assert "out.txt: leads out of the case folder" in problem.sentence


@pytest.mark.parametrize("name", ["trigger.json", "evidence/loop.txt"])
def test_links_in_circles_and_pipes_are_problems_of_their_case(name: str, folder: Path) -> None:
    path = folder / "broken" / name
    path.unlink(missing_ok=True)
    path.symlink_to(path.name)
    _, (problem,) = read_cases(folder)
    assert f"{name}: " in problem.sentence
    path.unlink()
    os.mkfifo(path)
    cases, problems = read_cases(folder)
    assert [case.name for case in cases if case.name == "good"] == ["good"]
    assert [problem.sentence for problem in problems if "regular" not in problem.sentence] == []


def test_folder_without_cases_is_a_problem(tmp_path: Path) -> None:
    _, (problem,) = read_cases(tmp_path)
    assert "no case folder is in it" in problem.sentence


def test_second_case_of_a_name_is_a_problem(folder: Path, tmp_path: Path) -> None:
    shutil.copytree(folder / "good", tmp_path / "more" / "good")
    chosen = choose([folder, tmp_path / "more"], (), scenarios=False)
    assert "there is a case of that name already" in chosen.problems[-1].sentence


def test_fields_that_are_not_known_do_no_harm(folder: Path) -> None:
    path = folder / "broken" / "expected.json"
    expected = json.loads(path.read_text(encoding="utf-8"))
    path.write_text(json.dumps(expected | {"difficulty": {"level": 3}}), encoding="utf-8")
    cases, problems = read_cases(folder)
    assert (len(cases), problems) == (2, [])


@pytest.mark.parametrize(
    ("trigger", "service", "summary"),
    [
        ({"text": "what is wrong?"}, "unknown", "what is wrong?"),
        ({"title": "Slow", "description": "very"}, "unknown", "Slow: very"),
        ({"AlarmName": "a-1", "NewStateReason": "5 > 3"}, "a-1", "a-1: 5 > 3"),
        ({"commonLabels": {"service": "s"}, "title": "T"}, "s", "T"),
        ([{"title": "first"}, {"title": "second"}], "unknown", "first"),
        ({"something": ["else"]}, "unknown", '{"something": ["else"]}'),
    ],
)
def test_trigger_of_any_form_opens_an_incident(
    trigger: object, service: str, summary: str, folder: Path
) -> None:
    (folder / "good" / "trigger.json").write_text(json.dumps(trigger), encoding="utf-8")
    (case,), _ = read_cases(folder / "good")
    assert (case.opening.service, case.opening.summary) == (service, summary)
