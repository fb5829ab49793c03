"""Evidence is exact: what may be quoted, what is sent back, and with which hint."""

import pytest
from pydantic import JsonValue

from bus.results import numbered
from services.reasoner.diagnosis import Checked, Submission, checked, submission
from services.reasoner.sources import Known, Source

WHOLE = "\n".join(
    [
        "info: GetCartAsync called with userId=7",
        "  fail: Application threw System.ApplicationException: no loafers  ",
        "   at RedisCartStore.AddItemAsync(String) in /src/RedisCartStore.cs:line 83",
        "}",
        "",
        "412| this line really begins with a number",
        "été à 03:00 — naïve",
        "    at Redis",
    ]
)
NOTHING_SHOWS = "verdict: no quote shows 'fault'; quote what does"
SOURCES = {"2-1": Source(whole=WHOLE, tool="kubernetes__get_logs"), "3-1": Source(whole="")}


def submitted(*quotes: tuple[str, str], **changes: JsonValue) -> Submission:
    evidence: list[JsonValue] = [{"call_id": name, "quote": quote} for name, quote in quotes]
    arguments: dict[str, JsonValue] = {
        "verdict": "fault",
        "summary": "s",
        "confidence": "high",
        "evidence": evidence,
    }
    given = submission(arguments | changes)
    assert isinstance(given, Submission), given
    return given


def check(quote: str, call_id: str = "2-1") -> Checked:
    return checked(submitted((call_id, quote)), SOURCES, model="m")


@pytest.mark.parametrize(
    ("quote", "line"),
    [
        ("System.ApplicationException: no loafers", 2),
        ("RedisCartStore.cs", 3),
        ("    at Redis", 8),
        ("at Redis", 8),
        (WHOLE.split("\n")[2] + "\n}", 3),
        ("412| this line really begins with a number", 6),
        ("été à 03:00 — naïve", 7),
        ("\n    at Redis\n", 8),
    ],
)
def test_whole_lines_and_long_parts_of_one_line_are_verified(quote: str, line: int) -> None:
    found = check(quote)
    (evidence,) = found.diagnosis.evidence
    assert (evidence.verified, evidence.first_line) == (True, line)
    assert evidence.quote in WHOLE
    assert (evidence.problem, found.problems) == ("", ())
    assert found.diagnosis.confidence == "high"


@pytest.mark.parametrize(
    ("quote", "why"),
    [
        ("System.ApplicationException: no loaferS", "the nearest line is\n2|   fail:"),
        ("System.ApplicationException:  no loafers", "the nearest line is\n2|   fail:"),
        ("2|   fail: Application threw System.ApplicationException", "leave out the line number"),
        ("~ fail: Application threw <*> (5 lines)", "not found byte for byte"),
        ("AddItemAsync", "too short"),
        ("", "too short"),
        ("   ", "too short"),
        ("no loafers  \n   at RedisCartStore.AddItemAsync", "not found byte for byte"),
        ("e\u0301te\u0301 a\u0300 03:00 — naïve", "the nearest line is\n7| été"),
        ("x" * 501, "more than 500"),
    ],
)
def test_a_quote_that_is_not_exact_is_told_why(quote: str, why: str) -> None:
    found = check(quote)
    (evidence,) = found.diagnosis.evidence
    assert (evidence.verified, evidence.first_line) == (False, None)
    assert (found.diagnosis.verdict, found.diagnosis.confidence) == ("unknown", "low")
    assert found.diagnosis.unverified == ("verdict", "evidence")
    assert found.problems == (f"2-1: {evidence.problem}", NOTHING_SHOWS)
    assert why in evidence.problem


def test_the_result_of_another_incident_is_no_source() -> None:
    assert "there is no such result" in check("}", "7-7").problems[0]


def test_an_error_or_a_page_has_nothing_to_quote() -> None:
    assert "no lines of its own" in check("}", "3-1").problems[0]


def test_the_word_result_before_an_id_is_forgiven() -> None:
    assert check("RedisCartStore.cs", "result 2-1").diagnosis.evidence[0].tool_call_id == "2-1"


@pytest.mark.parametrize("verdict", ["fault", "healthy"])
def test_a_verdict_that_no_quote_shows_becomes_unknown(verdict: str) -> None:
    found = checked(submitted(verdict=verdict), SOURCES, model="m")
    assert (found.diagnosis.verdict, found.diagnosis.confidence) == ("unknown", "low")
    assert found.diagnosis.unverified == ("verdict",)
    assert found.problems == (f"verdict: no quote shows '{verdict}'; quote what does",)
    said = checked(submitted(verdict="unknown"), SOURCES, model="m")
    assert (said.problems, said.diagnosis.unverified) == ((), ())


@pytest.mark.parametrize("quote", ["}", "INFO", "1", "-----------------"])
def test_a_true_quote_that_shows_nothing_is_left_out(quote: str) -> None:
    whole = "INFO\n}\n1\n-----------------\nexit 137\nOOMKilled"
    sources = {"2-1": Source(whole=whole)}
    found = checked(submitted(("2-1", quote)), sources, model="m")
    assert found.diagnosis.evidence == ()
    assert (found.diagnosis.verdict, found.diagnosis.unverified) == ("unknown", ("verdict",))
    assert found.problems == (NOTHING_SHOWS,)
    for says in ("exit 137", "OOMKilled"):
        both = checked(submitted(("2-1", quote), ("2-1", says)), sources, model="m")
        assert [each.quote for each in both.diagnosis.evidence] == [says]
        assert (both.diagnosis.verdict, both.problems) == ("fault", ())


def test_one_bad_quote_among_good_ones_caps_the_confidence() -> None:
    given = submitted(("2-1", "RedisCartStore.cs"), ("2-1", "never said by anybody"))
    found = checked(given, SOURCES, model="m")
    assert (found.diagnosis.verdict, found.diagnosis.confidence) == ("fault", "medium")
    assert found.diagnosis.unverified == ("evidence",)
    low = submitted(("2-1", "RedisCartStore.cs"), confidence="low")
    assert checked(low, SOURCES, model="m").diagnosis.confidence == "low"


CART = "src/cartservice/RedisCartStore.cs"
TEXT = "class Store\n{\n    int limit = 3;\n}"
READ = Source(
    whole=TEXT,
    tool="github__get_file_contents",
    shown=numbered(TEXT),
    arguments={"path": CART},
)
RICH = {"2-1": Source(whole=WHOLE, shown=numbered(WHOLE), tool="k__get_logs"), "3-1": READ}
DIFF = (
    f"--- a/{CART}\n+++ b/{CART}\n@@ -2,3 +2,3 @@\n {{\n-    int limit = 3;\n+    int limit = 4;\n"
    " }\n\\ No newline at end of file\n"
)
TRUE: dict[str, JsonValue] = {
    "component": "cartservice",
    "code_location": {"path": CART, "line": 3},
    "fix": {"summary": "s", "diff": DIFF},
}
FALSE: dict[str, JsonValue] = {
    "component": "moonservice",
    "code_location": {"path": "src/moon/Cheese.cs", "line": 3},
    "fix": {"summary": "s", "diff": DIFF.replace("limit = 3", "limit = 5")},
}
TOLD = Known(told="cartservice\nHTTP 500")


def test_what_stands_in_what_was_read_has_no_mark() -> None:
    given = submitted(("2-1", "RedisCartStore.cs"), **TRUE)
    found = checked(given, RICH, model="m", known=TOLD)
    assert (found.problems, found.diagnosis.unverified) == ((), ())
    assert found.diagnosis.confidence == "high"
    inline = TRUE | {"code_location": {"path": f"{CART}:3"}}
    place = checked(submitted(**inline), RICH, model="m", known=TOLD).diagnosis.code_location
    assert place is not None
    assert (place.path, place.line) == (CART, 3)


@pytest.mark.parametrize(
    ("part", "confidence"), [("component", "low"), ("code_location", "low"), ("fix", "medium")]
)
def test_each_part_that_fails_is_marked_and_caps_the_confidence(part: str, confidence: str) -> None:
    given = submitted(("2-1", "RedisCartStore.cs"), **TRUE | {part: FALSE[part]})
    found = checked(given, RICH, model="m", known=TOLD)
    assert (found.diagnosis.unverified, found.diagnosis.confidence) == ((part,), confidence)
    assert found.diagnosis.verdict == "fault"
    (problem,) = found.problems
    assert problem.startswith(f"{part.replace('_', ' ')}: ")


def test_all_that_fails_is_told_together() -> None:
    found = checked(submitted(("2-1", "made of cheese, all of it"), **FALSE), RICH, model="m")
    assert [problem.split(":")[0] for problem in found.problems] == [
        "2-1",
        "component",
        "code location",
        "fix",
        "verdict",
    ]
    assert found.diagnosis.unverified == (
        "verdict",
        "evidence",
        "component",
        "code_location",
        "fix",
    )


@pytest.mark.parametrize(
    "quote",
    [
        "System.ApplicationException\0: no loafers",
        "System.ApplicationException:\u200b no loafers",
        "System.\u0410pplicationException: no loafers",
        "\ufeffSystem.ApplicationException: no loafers",
        "System.ApplicationException:\u00a0no loafers",
    ],
)
def test_what_only_looks_alike_is_no_quote(quote: str) -> None:
    assert not check(quote).diagnosis.evidence[0].verified


@pytest.mark.parametrize(
    "call_id",
    [
        "2-2",
        "12-1",
        "2-1 2-2",
        "inc-9:2-1",
        "2\u20111",
        "2-1:whole",
        "../inc-9/2-1",
        "trigger:alarm",
        "",
    ],
)
def test_only_results_of_this_incident_can_be_named(call_id: str) -> None:
    assert (
        not check("System.ApplicationException: no loafers", call_id).diagnosis.evidence[0].verified
    )


def test_null_stands_for_nothing_in_optional_parts() -> None:
    given = submitted(root_cause=None, gaps=None, fix=None, code_location=None, ruled_out=None)
    assert (given.root_cause, given.gaps, given.fix) == ("", (), None)


@pytest.mark.parametrize(
    "arguments",
    [None, {}, {"verdict": "maybe", "summary": "s"}, {"verdict": "fault", "summary": ""}],
)
def test_a_form_that_is_wrong_is_told_where(arguments: dict[str, JsonValue] | None) -> None:
    assert str(submission(arguments)).startswith("not accepted: ")


def test_the_nearest_line_is_found_quickly_in_a_large_result() -> None:
    whole = "\n".join(f"line {n} of many with id={n * 7919}" for n in range(50_000))
    given = submitted(("2-1", "line 40000 of many with id=316760001"))
    found = checked(given, {"2-1": Source(whole=whole)}, model="m")
    assert "\n40000| line 39999" in found.problems[0] or "\n40001| line 40000" in found.problems[0]


@pytest.mark.parametrize(
    "name",
    [
        "<result 2-1 abc123>",
        "[2-1]",
        "`2-1`",
        "call 2-1",
        "Result 2-1",
        "tool call 2-1",
        "2-1 ab12",
        "#2-1",
        "<result 2-1>",
    ],
)
def test_an_id_is_found_in_what_stands_around_it(name: str) -> None:
    (evidence,) = check("RedisCartStore.cs", name).diagnosis.evidence
    assert (evidence.verified, evidence.tool_call_id) == (True, "2-1")
    told = checked(
        submitted((f"[{name.replace('2-1', 'trigger:alarm.json')}]", "no loafers")),
        {"trigger:alarm.json": Source(whole="no loafers")},
        model="m",
    )
    assert told.problems == ()


def test_a_quote_of_a_page_is_one_of_the_result_that_it_shows() -> None:
    page = Source(tool="read_result", arguments={"call_id": "result 2-1"})
    found = checked(submitted(("3-1", "RedisCartStore.cs")), SOURCES | {"3-1": page}, model="m")
    (evidence,) = found.diagnosis.evidence
    assert (evidence.verified, evidence.tool_call_id) == (True, "2-1")
    assert evidence.tool == "kubernetes__get_logs"


@pytest.mark.parametrize("verdict", ["healthy", "unknown", "fault"])
@pytest.mark.parametrize("component", ["none", "Unknown", "n/a", "N/A", "-", " "])
def test_a_word_for_no_component_is_none_unless_there_is_a_fault(
    verdict: str, component: str
) -> None:
    given = submitted(("2-1", "RedisCartStore.cs"), verdict=verdict, component=component)
    found = checked(given, SOURCES, model="m").diagnosis
    assert found.component == (component.strip() if verdict == "fault" else "")
    marked = verdict == "fault" and component != " "
    assert found.unverified == (("component",) if marked else ())
