"""Paging through stored results: by lines, by pattern, by a path into JSON."""

import json

import pytest

from bus.broker import Bus
from bus.errors import ToolFailed
from bus.record import Record
from services.reasoner.diagnosis import Submission, checked
from services.reasoner.sources import Source
from services.toolrunner.adapters.linear_patterns import linear_pattern
from services.toolrunner.json_places import laid_out
from services.toolrunner.result_pages import PageRequest, page
from tests.bus.incidents import an_entry, an_incident
from tests.toolrunner.conftest import Run
from tests.toolrunner.foreign import ask, investigation, told

WHOLE = "\n".join(f"entry {number}" for number in range(1, 101))
ITEMS = [{"name": f"pod-{number}", "status": {"phase": "Running"}} for number in range(80)]
DOCUMENT = laid_out(json.dumps({"kind": "List", "items": ITEMS, "a/b": {"c.d": [1, 2.75, "x"]}}))


def read(whole: str, *, cap: int = 10_000, **wanted: str) -> list[str]:
    request = PageRequest("2-1", **wanted)
    return page(whole, request, cap=cap, compiled=linear_pattern).split("\n")


def verified(quote: str, whole: str) -> bool:
    given = Submission.model_validate(
        {
            "verdict": "fault",
            "summary": "full",
            "evidence": [{"call_id": "2-1", "quote": quote}],
        }
    )
    found = checked(given, {"2-1": Source(whole=whole)}, model="none")
    return found.diagnosis.evidence[0].verified


def test_a_page_keeps_the_line_numbers_of_its_whole() -> None:
    assert read(WHOLE, lines="99-") == [
        "2-1: lines 99 to 100 of 100",
        "99| entry 99",
        "100| entry 100",
    ]


def test_a_page_can_be_one_line_or_a_range() -> None:
    assert read(WHOLE, lines="7")[1:] == ["7| entry 7"]
    assert read(WHOLE, lines="7-8")[1:] == ["7| entry 7", "8| entry 8"]
    assert read(WHOLE, lines="100-900")[1:] == ["100| entry 100"]


def test_a_page_can_hold_only_lines_that_match_a_pattern() -> None:
    view = read(WHOLE, pattern=r"(?i)Y 9\d?$")
    assert view[0] == "2-1: lines 1 to 100 of 100, 11 of them match '(?i)Y 9\\\\d?$'"
    assert view[1:3] == ["9| entry 9", "90| entry 90"]
    assert read(WHOLE, pattern="9", lines="1-20")[1:] == ["9| entry 9", "19| entry 19"]


def test_a_pattern_that_would_take_for_ever_elsewhere_is_answered_at_once() -> None:
    assert len(read("a" * 50_000, pattern="(a*)*b")) == 1


@pytest.mark.parametrize("pattern", ["(", r"(a)\1", "(?<=a)b", "a{5000}{5000}"])
def test_a_pattern_that_is_none_is_an_error_that_says_why(pattern: str) -> None:
    with pytest.raises(ToolFailed, match=r"the pattern is not one: .*look-around"):
        read(WHOLE, pattern=pattern)


def test_a_path_leads_to_the_lines_of_a_value() -> None:
    lines = DOCUMENT.split("\n")
    for path in ("items[3].status", "items.3.status", "/items/3/status", "$.items[3].status"):
        header, line = read(DOCUMENT, path=path)
        number, _, text = line.partition("| ")
        assert header.endswith(f"of {len(lines)} hold {path}")
        assert lines[int(number) - 1] == text
        assert '"pod-3"' in text
    assert "2.75" in read(DOCUMENT, path="/a~1b/c.d/1")[1]


def test_of_a_line_without_end_a_path_gives_the_value_alone() -> None:
    text = json.dumps({"items": [{"n": number, "phase": "Running"} for number in range(900)]})
    assert read(text, path="items[700]")[1:] == ['1| {"n": 700, "phase": "Running"}']


def test_a_path_that_leads_nowhere_says_what_is_there() -> None:
    with pytest.raises(ToolFailed, match="at the top there is: kind, items, a/b"):
        read(DOCUMENT, path="pods")
    with pytest.raises(ToolFailed, match=r"at items\.3 there is: name, status"):
        read(DOCUMENT, path="items[3].state")
    with pytest.raises(ToolFailed, match=r"at items there is: 0, 1, .* and 60 more"):
        read(DOCUMENT, path="items[99]")


@pytest.mark.parametrize("path", ["a..b", "[x]", "a[", "$"])
def test_a_path_that_is_none_is_an_error_that_shows_one(path: str) -> None:
    with pytest.raises(ToolFailed, match=r"is no path; one is items\[3\].status"):
        read(DOCUMENT, path=path)


def test_a_path_into_what_is_no_json_is_an_error() -> None:
    with pytest.raises(ToolFailed, match="no JSON document"):
        read(WHOLE, path="items")


def test_a_path_and_lines_that_do_not_meet_are_an_error() -> None:
    with pytest.raises(ToolFailed, match="not in that range"):
        read(DOCUMENT, path="items[3]", lines="1-2")


def test_a_page_beyond_the_cap_says_where_to_go_on() -> None:
    view = read(WHOLE, cap=30)
    assert view[-1] == "~ 98 more, from line 3 on: ask with lines 3-"


def test_a_line_beyond_the_cap_is_cut_and_says_so() -> None:
    view = read("x" * 10_000, cap=400)
    assert (len(view[1]), view[2]) == (400, "~ line 1 is cut: it has 10000 characters")


def test_of_a_line_beyond_the_cap_the_part_that_matches_is_shown_and_may_be_quoted() -> None:
    # It was cut at its start before, so that a page asked for by a pattern did not hold the match.
    line = "ü" * 120_000 + " the cause is a full disk " + "z" * 40_000
    view = read(line, cap=32_000, pattern="cause is a")
    assert len(view[1]) <= 32_000
    part = view[1].removeprefix("1| ")
    assert " the cause is a full disk " in part
    first = line.index(part) + 1
    last = first + len(part) - 1
    assert view[2:] == [
        f"~ line 1 is cut at both ends: characters {first} to {last} of {len(line)}"
    ]
    assert [verified(quote, line) for quote in (part[-400:], part[-400:] + "\nmore")] == [
        True,
        False,
    ]


def test_of_several_long_lines_each_is_shown_around_its_match() -> None:
    whole = "\n".join(f"{'a' * (n * 9_000)} cause {n} {'b' * 9_000}" for n in range(4))
    view = read(whole, cap=32_000, pattern=r"cause \d")
    assert all(f"cause {n} " in view[1 + 2 * n] for n in range(4))
    assert view[2] == "~ line 1 is cut: it has 9009 characters"
    assert "at both ends" in view[4]


@pytest.mark.parametrize("lines", ["101", "5-4", "0"])
def test_a_range_without_lines_is_an_error(lines: str) -> None:
    with pytest.raises(ToolFailed, match="holds none"):
        read(WHOLE, lines=lines)


def test_lines_that_are_none_are_an_error() -> None:
    with pytest.raises(ToolFailed, match="are no lines"):
        read(WHOLE, lines="a-b")


async def shown_of(bus: Bus, record: Record, call_id: str) -> str:
    result = await bus.results.read(record.investigation_id, call_id)
    assert result is not None
    assert result.whole == ""
    return result.shown


async def test_read_result_pages_through_what_a_call_stored(run: Run) -> None:
    bus = await run(shown_characters=2_000)
    record = await investigation(bus, "1-1", "1-2", "1-3")
    await ask(bus, record, "1-1", tool="shop__read", topic="tea", lines=500)
    assert (await told(bus, "1-1")).ok
    await ask(bus, record, "1-2", tool="read_result", call_id="1-1", lines="250-251")
    finished = await told(bus, "1-2")
    assert finished.ok
    assert (await shown_of(bus, record, "1-2")).split("\n")[1:] == [
        "250| tea line 250",
        "251| tea line 251",
    ]
    await ask(bus, record, "1-3", tool="read_result", call_id="1-2")
    assert "no stored lines" in (await told(bus, "1-3")).error


async def test_read_result_names_the_stored_results_when_there_is_none_of_that_name(
    run: Run,
) -> None:
    bus = await run()
    record = await investigation(bus, "1-1", "1-2")
    await ask(bus, record, "1-1", tool="shop__read", topic="tea")
    assert (await told(bus, "1-1")).ok
    await ask(bus, record, "1-2", tool="read_result", call_id="../other:record")
    assert (await told(bus, "1-2")).error.endswith("stored results: 1-1")


async def test_read_result_pages_through_what_came_with_the_trigger(run: Run) -> None:
    bus = await run()
    incident = an_incident().model_copy(update={"attachments": {"logs": "one\ntwo"}})
    entry = await an_entry(bus, incident)
    await bus.investigations.open(incident, entry, acknowledge=False)
    record = await investigation(bus, "1-1")
    await ask(bus, record, "1-1", tool="read_result", call_id="trigger:logs", pattern="^tw")
    assert (await told(bus, "1-1")).ok
    assert (await shown_of(bus, record, "1-1")).split("\n")[1:] == ["2| two"]
