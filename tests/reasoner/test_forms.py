"""What is meant by a submission that is not quite as the schema has it, or is left out."""

import json

import pytest
from pydantic import JsonValue

from bus.results import numbered
from services.reasoner.diagnosis import Submission, checked, submission
from services.reasoner.patches import problem_of, unfenced
from services.reasoner.places import files_read
from services.reasoner.sources import Known, Source

LOG = "System.ApplicationException: no loafers"
TOLD = Known(told="cartservice")
TEXT = "a = 1\nb = 2\nc = 3"
SOURCES = {
    "1-1": Source(whole=f"{LOG}\n}}", shown=numbered(LOG), tool="kubernetes__get_logs"),
    "1-2": Source(
        whole=TEXT,
        shown=numbered(TEXT),
        tool="github__get_file_contents",
        arguments={"path": "a.py"},
    ),
}
QUOTE: JsonValue = {"call_id": "1-1", "quote": LOG}
DIFF = "--- a/a.py\n+++ b/a.py\n@@ -1,3 +1,3 @@\n a = 1\n-b = 2\n+b = 3\n c = 3\n"
NO_METRICS: JsonValue = {"what": "no metrics", "permission": ""}
NO_LOGS: JsonValue = {"what": "no logs", "permission": ""}
RIGHT: dict[str, JsonValue] = {
    "verdict": "fault",
    "summary": "s",
    "root_cause": "r",
    "component": "cartservice",
    "confidence": "high",
    "evidence": [QUOTE],
}


def read(**changes: JsonValue) -> Submission:
    given = submission(RIGHT | changes)
    assert isinstance(given, Submission), given
    return given


def holds(found: object, means: JsonValue) -> bool:
    """Whether it is that, of an object as far as it is told."""
    if isinstance(means, dict):
        return isinstance(found, dict) and all(holds(found[name], means[name]) for name in means)
    if isinstance(means, list):
        if not isinstance(found, tuple) or len(found) != len(means):
            return False
        return all(holds(*pair) for pair in zip(found, means, strict=True))
    return found == means


@pytest.mark.parametrize(
    ("part", "given", "means"),
    [
        ("evidence", json.dumps([QUOTE]), [QUOTE]),
        ("evidence", QUOTE, [QUOTE]),
        ("evidence", [json.dumps(QUOTE)], [QUOTE]),
        ("evidence", [QUOTE] * 21, [QUOTE] * 20),
        ("gaps", "no metrics", [{"what": "no metrics"}]),
        (
            "gaps",
            ["no metrics", {"what": "no logs", "permission": None}, None],
            [NO_METRICS, NO_LOGS],
        ),
        ("gaps", {"what": "no metrics", "permission": 3}, [{"what": "no metrics"}]),
        ("gaps", "", []),
        ("ruled_out", ["DNS"], [{"cause": "DNS"}]),
        ("ruled_out", [{"cause": "DNS", "reason": None}], [{"cause": "DNS"}]),
        ("code_location", "src/x.cs:3", {"path": "src/x.cs:3"}),
        ("code_location", [{"path": "x.cs", "line": "L3"}], {"path": "x.cs", "line": 3}),
        ("code_location", {"path": "x.cs", "line": "3-9"}, {"path": "x.cs", "line": 3}),
        ("code_location", {"path": "x.cs", "line": "first"}, {"path": "x.cs"}),
        ("code_location", {"path": None, "line": None}, None),
        ("fix", "restart it", {"summary": "restart it"}),
        ("fix", {"summary": "s", "diff": None}, {"summary": "s"}),
        ("fix", {"diff": DIFF.split("\n")}, {"summary": "", "diff": DIFF}),
        ("fix", DIFF, {"summary": "", "diff": DIFF}),
        ("fix", {}, None),
        ("component", ["cartservice", "redis"], "cartservice, redis"),
        ("verdict", " Fault. ", "fault"),
        ("confidence", '"HIGH"', "high"),
        ("root_cause", 7, "7"),
    ],
)
def test_a_part_in_another_form_is_taken_for_what_it_means(
    part: str, given: JsonValue, means: JsonValue
) -> None:
    found = read(**{part: given})
    assert dict(found.unread) == {}
    assert holds(found.model_dump()[part], means)


@pytest.mark.parametrize(
    ("part", "given", "marked"),
    [
        ("evidence", [QUOTE, "no loafers"], ("evidence",)),
        ("evidence", [QUOTE, {"call_id": "1-1"}], ("evidence",)),
        ("evidence", [QUOTE, {"call_id": "1-1", "quote": 7}], ("evidence",)),
        ("code_location", [{"path": "a.py"}, {"path": "b.py"}], ("code_location",)),
        ("code_location", {"file": "a.py"}, ("code_location",)),
        ("code_location", 7, ("code_location",)),
        ("code_location", {"path": ["a.py"]}, ("code_location",)),
        ("fix", {"summary": ["a"], "diff": {}}, ("fix",)),
        ("component", {"name": "cartservice"}, ("component",)),
        ("root_cause", {"what": "loafers"}, ("root_cause",)),
        ("confidence", 0.9, ()),
        ("gaps", [{"gap": "no metrics"}], ()),
        ("ruled_out", 7, ()),
    ],
)
def test_a_part_that_cannot_be_read_is_left_out_and_marked(
    part: str, given: JsonValue, marked: tuple[str, ...]
) -> None:
    found = checked(read(**{part: given}), SOURCES, model="m", known=TOLD)
    (problem,) = found.problems
    assert problem.startswith(f"{part.replace('_', ' ')}: ")
    assert "_" not in problem.replace("call_id", "")
    assert (found.diagnosis.verdict, found.diagnosis.unverified) == ("fault", marked)
    assert [quote.verified for quote in found.diagnosis.evidence] == [True]
    gaps = [gap.what for gap in found.diagnosis.gaps]
    said = f"a part of the diagnosis was not readable: {part.replace('_', ' ')}"
    assert gaps == ([said] if part in ("gaps", "ruled_out") else [])
    assert (found.diagnosis.confidence == "high") == (part in ("gaps", "ruled_out"))


def test_all_that_is_wrong_with_the_form_is_told_at_once_in_the_schema_s_words() -> None:
    wrong = submission({"verdict": "maybe", "gaps": 7, "confidence": 0.9, "unread": {"x": "y"}})
    assert wrong == (
        "not accepted: summary: must be a text; verdict: must be one of fault, healthy, unknown; "
        "confidence: must be one of high, medium, low; "
        "gaps: each of them must be an object with what as texts"
    )
    assert submission(None) == "not accepted: the arguments must be a JSON object"


@pytest.mark.parametrize(
    "text",
    [
        f"```diff\n{DIFF}```\n",
        f"```diff\n{DIFF}```",
        f"```\n{DIFF}",
        f"~~~~ diff\n{DIFF}~~~~",
        f"Set it:\n\n```diff\n{DIFF}```\n\nThat is all.",
    ],
)
def test_a_diff_in_a_block_of_code_is_checked_and_shown_without_it(text: str) -> None:
    assert unfenced(text) == DIFF.removesuffix("\n")
    found = read(fix={"summary": "s", "diff": text})
    diagnosis = checked(found, SOURCES, model="m", known=TOLD).diagnosis
    assert diagnosis.fix is not None
    assert (diagnosis.fix.diff, diagnosis.unverified) == (DIFF.removesuffix("\n"), ())


def test_two_blocks_of_code_are_one_diff_and_a_diff_of_a_document_stays_whole() -> None:
    second = DIFF.replace("a.py", "b.py")
    both = unfenced(f"First:\n```diff\n{DIFF}```\nthen\n```diff\n{second}```\n")
    assert both == f"{DIFF}{second}".removesuffix("\n")
    document = DIFF.replace(" a = 1", " ```").replace(" c = 3", "+```")
    assert unfenced(document) == document
    half = f"```diff\n{DIFF}```\nand\n{second}"
    assert unfenced(half) == half
    assert problem_of(half, files_read(SOURCES)).startswith("b/b.py was not read")


def test_half_a_character_in_a_text_of_json_cannot_break_the_record() -> None:
    text = '[{"what": "\\ud800"}]'
    found = checked(read(gaps=text), SOURCES, model="m", known=TOLD)
    assert [gap.what for gap in found.diagnosis.gaps] == [text]
    assert found.diagnosis.model_dump_json()


@pytest.mark.parametrize("path", ["N/A", "unknown", "none", "", "-"])
def test_a_word_for_no_place_is_none(path: str) -> None:
    given = read(code_location={"path": path})
    found = checked(given, SOURCES, model="m", known=TOLD)
    assert (found.diagnosis.code_location, found.problems) == (None, ())
    assert found.diagnosis.confidence == "high"


def test_missing_evidence_is_told_whatever_else_fails() -> None:
    """Only the ghost was told, the model mended that, and its one chance was gone."""
    found = checked(read(component="ghost", evidence=[]), SOURCES, model="m", known=TOLD)
    assert [problem.split(":")[0] for problem in found.problems] == ["component", "verdict"]
    bracket: JsonValue = {"call_id": "1-1", "quote": "}"}
    nothing = checked(read(component="ghost", evidence=[bracket]), SOURCES, model="m", known=TOLD)
    assert nothing.problems == found.problems
