"""What is stored and what is shown of an answer, by its kind and its length."""

import json
import random
import zlib
from collections.abc import Iterator
from datetime import UTC, datetime

import pytest

from bus import results
from services.toolrunner.condense import MOST_STORED, VIEW_CHARACTERS, condense, condensed
from services.toolrunner.condense_kept import Kept
from services.toolrunner.condense_kinds import kind_of
from services.toolrunner.json_places import is_json, laid_out, places
from simulator.logs import write_log
from simulator.scenario import load_scenario
from tests.house.sources import ROOT
from tests.toolrunner.error_lines import quotable

CAP = 32_000
CHARACTERS_OF_A_TOKEN = 3.5
SIZES = (1, 7, 300, 2_500)


def cart_log() -> str:
    setup = load_scenario("cart-loafers").cluster.logs["cartservice"]
    return "\n".join(write_log(setup, datetime.now(UTC)))


def test_a_short_answer_is_shown_as_it_is() -> None:
    view = condensed("x__get", "a\nb\n", cap=CAP)
    assert (view.whole, view.shown, view.lines, view.lacks) == ("a\nb", ("1| a", "2| b"), 2, "")


def test_an_empty_answer_shows_nothing() -> None:
    assert condensed("x__get", "\n\n", cap=CAP).shown == ()


def test_the_thousand_lines_of_the_cart_scenario_fit_in_2500_tokens_with_the_whole_trace() -> None:
    text = cart_log()
    view = condensed("kubernetes__get_logs", text, cap=CAP)
    assert (view.lines, view.whole) == (1_000, text)
    assert len("\n".join(view.shown)) / CHARACTERS_OF_A_TOKEN <= 2_500
    lines = text.split("\n")
    first = next(at for at, line in enumerate(lines) if line.startswith("System.Exception: "))
    trace = {at + 1: lines[at] for at in range(first, first + 5)}
    assert trace.items() <= dict(quotable(view.shown)).items()
    assert any(line.startswith("~ 10 times, lines 289 to 969: ") for line in view.shown)


def test_a_group_tells_when_it_was_seen_first_and_last() -> None:
    lines = [f"2026-03-01T10:{n // 60:02d}:{n % 60:02d}Z served {n} pages" for n in range(900)]
    view = condensed("x__get_logs", "\n".join(lines), cap=CAP)
    (told,) = [line for line in view.shown if line.startswith("~ 900 times")]
    assert told.startswith("~ 900 times, 2026-03-01T10:00:00 to 10:14:59, lines 1 to 900: ")
    assert [number for number, _ in quotable(view.shown)] == [1, 900]


def test_every_line_without_a_number_is_ours_and_says_so() -> None:
    view = condensed("x__get_logs", cart_log(), cap=CAP)
    assert "only numbered lines" in view.shown[0]
    numbers = {f"{number}| {text}" for number, text in quotable(view.shown)}
    assert all(line in numbers or line.startswith("~ ") for line in view.shown)


@pytest.mark.parametrize("name", ["x__get_file_contents", "x__fetch"])
def test_source_is_never_condensed_by_likeness(name: str) -> None:
    text = (ROOT / "services" / "toolrunner" / "adapters" / "mcp_connection.py").read_text() * 4
    view = condensed(name, text, cap=CAP)
    assert not any(" times" in line for line in view.shown)
    assert view.shown[1:3] == tuple(f"{n}| {text.splitlines()[n - 1]}" for n in (1, 2))
    assert any(line.startswith("~ lines ") for line in view.shown)
    assert any(text.endswith("class Connection:") for _, text in quotable(view.shown))
    assert len("\n".join(view.shown)) < 26_000


def test_source_that_fits_is_shown_whole() -> None:
    text = (ROOT / "services" / "toolrunner" / "catalogue.py").read_text().rstrip("\n")
    view = condensed("x__get_file_contents", text, cap=CAP)
    assert [line for _, line in quotable(view.shown)] == text.split("\n")


def test_a_diff_is_shown_by_its_files() -> None:
    hunk = "".join(f"+    value_{n} = {n}\n" for n in range(400))
    text = "".join(f"diff --git a/f{n}.py b/f{n}.py\n@@ -1 +1,400 @@\n{hunk}" for n in range(9))
    view = condensed("x__get_commit", text, cap=CAP)
    shown = {text for _, text in quotable(view.shown)}
    assert {f"diff --git a/f{n}.py b/f{n}.py" for n in range(9)} <= shown
    assert not any(" times" in line for line in view.shown)


def test_rows_are_shown_by_likeness_and_the_odd_ones_as_they_are() -> None:
    rows = [f"pod web-{n:04d}a phase=Running ready=1/1 node=n{n % 7}" for n in range(900)]
    rows[77] = "pod web-0077a phase=Pending ready=0/1 message=0/3 nodes are available"
    view = condensed("x__list_pods", "\n".join(["POD PHASE READY", *rows]), cap=CAP)
    assert dict(quotable(view.shown)).items() >= {1: "POD PHASE READY", 79: rows[77]}.items()
    assert len("\n".join(view.shown)) < 1_000


def test_json_is_laid_out_in_lines_without_a_change_to_any_token() -> None:
    text = json.dumps({"items": [{"n": n, "x": 1.50, "s": "\u00e9\n{,"} for n in range(90)]})
    out = laid_out(text)
    assert json.loads(out) == json.loads(text)
    assert [text[p.start : p.end] for p in places(text) if not p.children] == [
        out[p.start : p.end] for p in places(out) if not p.children
    ]
    assert max(map(len, out.split("\n"))) < 300
    assert out.count("\n") > 90


def test_json_is_shown_by_the_records_of_its_largest_list() -> None:
    items = [{"name": f"p-{n}", "phase": "Running", "labels": {"app": "web"}} for n in range(500)]
    items[321]["phase"] = "CrashLoopBackOff"
    view = condensed("x__list", json.dumps({"kind": "PodList", "items": items}), cap=CAP)
    lines = dict(quotable(view.shown))
    assert any("CrashLoopBackOff" in line and "p-321" in line for line in lines.values())
    assert any(line.startswith("~ 499 times") for line in view.shown)
    assert len("\n".join(view.shown)) < 1_500


@pytest.mark.parametrize("text", ["[" * 100_000, '{"a": 1', "{}x", "[1,]", "plain"])
def test_what_is_no_json_document_is_not_taken_for_one(text: str) -> None:
    assert not is_json(text)


def test_text_of_no_kind_shows_its_start_its_end_and_its_trouble() -> None:
    words = [f"{chr(97 + n % 26)}{chr(97 + n % 17)} said {chr(97 + n % 23)}" for n in range(4_000)]
    words[2_000] = "the store refused"
    view = condensed("x__read_page", "\n".join(words), cap=CAP)
    lines = dict(quotable(view.shown))
    assert {1, 2_001, 4_000} <= set(lines)
    assert len("\n".join(view.shown)) <= VIEW_CHARACTERS + 200


def test_a_view_keeps_within_the_cap() -> None:
    for tool in ("x__get_logs", "x__get_file_contents", "x__fetch"):
        assert len("\n".join(condensed(tool, cart_log(), cap=2_000).shown)) <= 2_000, tool


def test_kinds_are_told_by_content_where_the_name_says_nothing() -> None:
    source = (ROOT / "services" / "toolrunner" / "catalogue.py").read_text().split("\n")
    assert kind_of("x__fetch", source) == "source"
    assert kind_of("x__fetch", cart_log().split("\n")) == "rows"
    assert kind_of("x__fetch", ["2026-03-01T10:00:00Z a", "INFO b"]) == "log"
    assert kind_of("x__fetch", ["--- a/x", "+++ b/x", "@@ -1 +1,2 @@", "-a", "+b"]) == "diff"
    assert kind_of("x__fetch", ["Name: web", "Namespace: shop"]) == "text"


def test_the_limits_are_those_of_the_store() -> None:
    assert MOST_STORED == results.MOST_STORED


HOSTILE = ("latency", "a(", "err ", '"level"', "exit code ", "status  ", "took ", "1.", "-a", "a-")


@pytest.mark.parametrize("piece", [*HOSTILE, "\t", '"', "\\", "[", "{", "ß", "0", " ", "}"])
def test_no_line_however_hostile_takes_more_than_linear_time(piece: str) -> None:
    line = piece * (150_000 // len(piece))
    for tool in ("x__get_logs", "x__fetch"):
        assert condensed(tool, f"panic: at last\n{line}\nend", cap=CAP).lines == 3
        assert condensed(tool, f'["{line}"]', cap=CAP).lines >= 1


ALPHABET = (
    "ERROR x",
    "\tat f(x)",
    "",
    " ",
    "{",
    "}",
    "~ 3| a",
    "7| b",
    '{"level":50}',
    "Ünïcode 9",
)


@pytest.mark.parametrize("seed", range(40))
def test_whatever_the_lines_and_the_room_a_numbered_line_stands_in_the_stored_whole(
    seed: int,
) -> None:
    draw = random.Random(seed)
    lines = [draw.choice(ALPHABET) * draw.choice((1, 1, 1, 90)) for _ in range(draw.choice(SIZES))]
    keep = draw.choice((0, 40, 400, 4_000, 400_000))
    for tool in ("x__get_logs", "x__get_file", "x__fetch"):
        view = condense(lines, tool=tool, cap=draw.choice((2_000, CAP)), keep=keep)
        stored = view.whole.split("\n")
        assert len(zlib.compress(view.whole.encode())) <= max(keep, 8)
        assert all(text in stored[number - 1] for number, text in quotable(view.shown))
        assert bool(view.lacks) or stored == lines


def endless(count: int, at: int) -> Iterator[str]:
    for number in range(1, count + 1):
        yield f"INFO request {number} of {number * 7919:x} is served by worker {number % 97}"
        if number == at:
            yield "ERROR the needle"
            yield "   at haystack.Find(Straw straw)"


def test_a_longer_answer_keeps_its_start_its_end_and_what_is_shown_and_says_what_it_lacks() -> None:
    view = condense(endless(40_000, 20_000), tool="x__get_logs", cap=CAP, keep=100_000)
    stored = view.whole.split("\n")
    assert len(zlib.compress(view.whole.encode())) <= 100_000
    assert (view.lines, view.whole.split("\n")[0][:14]) == (40_002, "INFO request 1")
    assert stored[-1].startswith("INFO request 40000 ")
    shown = dict(quotable(view.shown))
    assert all(stored[number - 1] == text for number, text in shown.items())
    (needle,) = [number for number, text in shown.items() if text == "ERROR the needle"]
    assert shown[needle + 1] == "   at haystack.Find(Straw straw)"
    kept = f"{40_002 - len(stored):,} are not kept"
    assert view.shown[1] == f"~ {view.lacks}"
    assert kept in view.lacks


def test_what_could_not_be_kept_is_shown_but_cannot_be_quoted() -> None:
    view = condense(endless(2_000, 1_000), tool="x__get_logs", cap=CAP, keep=0)
    assert (view.whole, list(quotable(view.shown))) == ("", [])
    assert "~ not kept: ERROR the needle" in view.shown
    assert "nothing may be quoted" in view.lacks


def test_a_line_beyond_all_measure_is_cut_and_the_view_says_so() -> None:
    view = condense(["a" * 5_000_000, "b"], tool="x__get_logs", cap=CAP, keep=1_000_000)
    assert len(view.whole) < 1_000_000
    assert "1 line longer than may be kept cut" in view.lacks


@pytest.mark.parametrize("most", [0, 1, 40, 57, 200, 1_000])
def test_kept_lines_are_found_under_their_place_however_little_room_there_is(most: int) -> None:
    lines = [f"{n}" for n in range(1, 101)]
    kept = Kept(most)
    assert list(kept.take(lines)) == lines
    kept.pin([(50, "50"), (48, "48")])
    for smaller in (kept, kept.smaller(most // 2)):
        stored = smaller.text().split("\n") if smaller.stored else []
        places = {n: place for n in range(1, 101) if (place := smaller.place(n))}
        assert len(places) + smaller.cut >= len(stored) == 100 - smaller.missing
        assert all(stored[place - 1] == lines[n - 1] for n, place in places.items())
