"""A trace as a waterfall, in text and on a page; needs no network."""

from simulator.otlp import Span, waterfall
from simulator.otlp.page import trace_page

TRACE = "0af7651916cd43dd8448eb211c80319c"
MS = 1_000_000


def span(number: int, parent: int, name: str, *, times: tuple[int, int]) -> Span:
    return Span(
        trace_id=TRACE,
        span_id=f"{number:016x}",
        parent_id=f"{parent:016x}" if parent else "",
        name=name,
        kind="internal",
        service="reasoner" if number % 2 else "toolrunner",
        start_ns=times[0] * MS,
        end_ns=times[1] * MS,
    )


ROOT = span(1, 0, "investigation", times=(0, 1000))
CHAT = span(3, 1, "chat", times=(100, 400))
TOOL = span(2, 3, "execute_tool", times=(150, 300))


def test_children_stand_under_their_parent_with_offset_and_duration() -> None:
    lines = waterfall([TOOL, CHAT, ROOT]).splitlines()
    assert lines[0] == f"trace {TRACE}: 3 spans, 1.00 s, one root"
    assert lines[1] == "services: reasoner, toolrunner"
    assert [line[11:].split("  █")[0].split() for line in lines[3:]] == [
        ["investigation", "0", "us", "1.00", "s"],
        ["chat", "100", "ms", "300", "ms"],
        ["execute_tool", "150", "ms", "150", "ms"],
    ]
    indents = [len(line[11:]) - len(line[11:].lstrip()) for line in lines[3:]]
    assert indents == [0, 1, 2]


def test_bars_lie_where_and_as_long_as_the_spans_did() -> None:
    bars = [line[68:] for line in waterfall([ROOT, CHAT, TOOL]).splitlines()[3:]]
    assert bars[0] == "█" * 12
    assert bars[1] == " " + "█" * 4
    assert len(bars[2].strip()) < len(bars[1].strip())


def test_no_line_is_longer_than_80_columns() -> None:
    deep = [span(1, 0, "x" * 200, times=(0, 10))]
    deep += [span(n, n - 1, "y" * 200, times=(0, 10)) for n in range(2, 60)]
    assert max(len(line) for line in waterfall(deep).splitlines()) <= 80


def test_orphan_and_second_root_are_named() -> None:
    orphan = span(8, 99, "lost", times=(500, 600))
    below = span(9, 8, "below", times=(510, 520))
    second = span(5, 0, "another", times=(20, 30))
    text = waterfall([ROOT, CHAT, TOOL, orphan, below, second])
    assert "2 roots, 1 orphan" in text
    assert "^ SECOND ROOT" in text
    assert f"^ ORPHAN: parent {99:016x} is not in this trace" in text
    assert all(name in text for name in ("lost", "below", "another"))


def test_spans_that_are_each_others_parents_are_shown_and_do_not_hang() -> None:
    circle = [span(1, 2, "hen", times=(0, 1)), span(2, 1, "egg", times=(0, 1))]
    text = waterfall(circle)
    assert "hen" in text
    assert "egg" in text


def test_page_shows_markup_of_a_span_as_text() -> None:
    evil = span(1, 0, "<script>alert(1)</script>", times=(0, 1))
    page = trace_page(TRACE, [evil])
    assert "<script>" not in page
    assert "&lt;script&gt;" in page


def test_page_of_a_trace_that_never_came_says_so_and_escapes_the_id() -> None:
    page = trace_page("<b>", [])
    assert "No span" in page
    assert "<b>" not in page
