"""What the model is shown of a text, and paging through it."""

import pytest

from bus.broker import Bus
from bus.errors import ToolFailed
from bus.record import Record
from services.toolrunner.result_pages import PageRequest, page, shown
from tests.bus.incidents import an_entry, an_incident
from tests.toolrunner.conftest import Run
from tests.toolrunner.foreign import ask, investigation, told

WHOLE = "\n".join(f"entry {number}" for number in range(1, 101))


def test_a_text_within_the_cap_is_shown_in_full() -> None:
    assert shown("head", "a\nb", cap=100) == "head\n1| a\n2| b"


def test_an_empty_text_is_its_header() -> None:
    assert shown("head", "", cap=100) == "head"


def test_a_text_beyond_the_cap_shows_its_start_and_end_and_says_what_is_left_out() -> None:
    lines = shown("head", WHOLE, cap=400).split("\n")
    assert lines[1] == "1| entry 1"
    assert lines[-1] == "100| entry 100"
    (ours,) = [line for line in lines[1:] if "| " not in line]
    first, last = (int(word) for word in ours.split() if word.isdigit())
    numbers = {int(line.split("|")[0]) for line in lines[1:] if "| " in line}
    assert numbers | set(range(first, last + 1)) == set(range(1, 101))
    assert not numbers & set(range(first, last + 1))


def test_a_single_line_beyond_the_cap_is_cut() -> None:
    assert len(shown("head", "x" * 10_000, cap=400)) < 600


def test_a_page_keeps_the_line_numbers_of_its_whole() -> None:
    view = page(WHOLE, PageRequest("2-1", first_line=99), cap=10_000)
    assert view == "2-1: lines 99 to 100 of 100\n99| entry 99\n100| entry 100"


def test_a_page_can_hold_only_lines_that_contain_a_text() -> None:
    view = page(WHOLE, PageRequest("2-1", contains="y 9"), cap=10_000).split("\n")
    assert view[0] == "2-1: lines 1 to 100 of 100, 11 of them contain 'y 9'"
    assert view[1:3] == ["9| entry 9", "90| entry 90"]


def test_a_page_beyond_the_cap_says_where_to_go_on() -> None:
    assert (
        page(WHOLE, PageRequest("2-1"), cap=30).split("\n")[-1].startswith("(more from line 3 on")
    )


@pytest.mark.parametrize(
    "wanted", [PageRequest("2-1", first_line=101), PageRequest("2-1", first_line=5, last_line=4)]
)
def test_a_range_without_lines_is_an_error(wanted: PageRequest) -> None:
    with pytest.raises(ToolFailed, match="holds none"):
        page(WHOLE, wanted, cap=1_000)


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
    await ask(bus, record, "1-2", tool="read_result", call_id="1-1", first_line=250, last_line=251)
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
    await ask(bus, record, "1-1", tool="read_result", call_id="trigger:logs", contains="tw")
    assert (await told(bus, "1-1")).ok
    assert (await shown_of(bus, record, "1-1")).split("\n")[1:] == ["2| two"]
