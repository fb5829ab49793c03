"""What was read of the code, and which components were seen."""

import pytest
from pydantic import JsonValue

from bus.results import numbered
from services.reasoner.places import Place, files_read, place_problem
from services.reasoner.sources import Known, Source, arguments_of, lines_seen

CART = "src/cartservice/RedisCartStore.cs"
GET_FILE = "github__get_file_contents"
FILE = "\n".join(f"line {n} of the store" for n in range(1, 41))
WINDOW = "\n".join([f"{CART} lines 60-62 of 90", "60: int a;", "61:", "62: int b;"])
COMMIT = "\n".join(
    [
        "commit abc at=now",
        f"file {CART} modified +1 -1",
        "@@ -200,3 +300,3 @@ class",
        " kept",
        "-old",
        "+new",
        " kept too",
        "file docs/other.md modified +1 -0 no diff: binary",
        "after it",
    ]
)
TRACE = """\
Unhandled exception: no loafers
   at RedisCartStore.AddItemAsync(String) in /usr/src/app/RedisCartStore.cs:line 83
  File "/app/recommendation_server.py", line 13, in ListRecommendations
main.go:123 +0x1d
goroutine 1 at /go/src/checkout/main.go:124 +0x1d
    at start (/app/index.js:12:3)
    at start (/app/cart/index.js:14:3)
PHP Fatal error: Uncaught in /var/www/src/cart.php on line 12
+++ b/src/comet/tail.py
@@ -1,2 +1,2 @@
 a
 b"""


def source(tool: str, whole: str, **arguments: JsonValue) -> Source:
    return Source(whole=whole, tool=tool, shown=numbered(whole), arguments=arguments)


SEEN = {
    "1-1": source("kubernetes__get_logs", TRACE, pod="cart"),
    "2-1": source(GET_FILE, FILE, path=CART),
    "2-2": source(GET_FILE, WINDOW, path=CART, start_line=60, end_line=62),
    "2-3": source("github__get_commit", COMMIT, sha="abc"),
    "2-4": source("github__get_file_blame", "lines 400-402 commit abc at=now", path=CART),
    "2-5": source(GET_FILE, "file src/moon/Cheese.cs size=7\ndir src/moon/dark", path="src/moon"),
    "2-6": source("github__list_commits", "commit abc message=all", path="src/sun/Core.cs"),
    "2-7": source(
        "github__search_code",
        "1 of 1 files\nsrc/star/Hot.cs: burn()\nsrc/payment/index.js: burn",
        query="burn",
    ),
    "2-8": source("k__get_events", "src/star/Dwarf.cs was changed by nobody"),
}


@pytest.mark.parametrize(
    ("path", "line"),
    [
        (CART, None),
        (f"./{CART}", 40),
        ("RedisCartStore.cs", 1),
        (CART, 61),
        (CART, 200),
        (CART, 201),
        (CART, 301),
        (CART, 401),
        (CART, 83),
        ("src/recommendationservice/recommendation_server.py", 13),
        ("src/checkout/main.go", 124),
        ("src/payment/index.js", 12),
        ("src/cart/index.js", 14),
        ("src/shop/cart.php", 12),
        ("src/checkout/main.go", None),
        ("src/star/Hot.cs", None),
    ],
)
def test_a_place_that_was_read_or_stands_in_a_trace_is_one(path: str, line: int | None) -> None:
    assert place_problem(Place(path, line), SEEN, known=Known()) == ""


@pytest.mark.parametrize(
    ("path", "line", "why"),
    [
        (CART, 41, f"{CART} lines 1-40 (2-1); {CART} lines 60-62 (2-2)"),
        ("src/checkout/main.go", 123, "was not read"),
        ("src/adverts/index.js", 12, "was not read"),
        ("src/payment/index.js", 14, "was not read"),
        ("src/comet/tail.py", 2, "was not read"),
        (CART, 59, "was not read"),
        (CART, 303, "lines 200-202, 300-302"),
        (CART, 8, ""),
        (CART, 8300, "was not read"),
        ("Store.cs", 1, "was not read"),
        ("src/moon/Cheese.cs", None, "was not read"),
        ("src/moon/Cheese.cs", 1, "was not read"),
        ("src/moon", 1, "was not read"),
        ("src/sun/Core.cs", 1, "was not read"),
        ("src/star/Hot.cs", 1, "without line numbers (2-7)"),
        ("src/star/Dwarf.cs", None, "was not read"),
        ("docs/other.md", 1, "was not read"),
        ("src/checkout/main.go", 12, "was not read"),
        ("", None, "was not read"),
        ("src/cartservice/Redis\u0421artStore.cs", 1, "was not read"),
    ],
)
def test_a_place_that_nobody_showed_is_told_what_was_read(
    path: str, line: int | None, why: str
) -> None:
    told = place_problem(Place(path, line), SEEN, known=Known())
    assert (told == "") == (why == "")
    assert why in told


def test_a_function_must_stand_in_what_was_shown() -> None:
    def told(function: str) -> str:
        return place_problem(Place(CART, 83, function), SEEN, known=Known())

    assert told("RedisCartStore.AddItemAsync(String)") == ""
    assert told("func (s *store) ListRecommendations(ctx)") == ""
    assert told("MoonAsync") == "the function MoonAsync stands in nothing that was read"


def test_of_a_condensed_file_only_the_lines_that_were_shown_are_read() -> None:
    shown = "~ condensed\n1| line 1 of the store\n~ lines 2 to 39 are not shown\n40| line 40"
    view = Source(whole=FILE, tool=GET_FILE, shown=shown, arguments={"path": CART})
    assert place_problem(Place(CART, 40), {"2-1": view}, known=Known()) == ""
    assert "lines 1, 40 (2-1)" in place_problem(Place(CART, 20), {"2-1": view}, known=Known())
    (read,) = files_read({"2-1": view})
    assert read.lines == {1: "line 1 of the store"}, "line 40 was cut"
    page = Source(
        tool="read_result",
        shown="2-1: lines 20 to 20 of 40\n20| line 20 of the store",
        arguments={"call_id": "result 2-1"},
    )
    both = {"2-1": view, "3-1": page}
    assert sorted(lines_seen("2-1", both)) == [1, 20, 40]
    assert place_problem(Place(CART, 20), both, known=Known()) == ""


def test_a_file_of_which_something_was_not_kept_is_not_read() -> None:
    shown = "~ of 9,000 lines (1 bytes) 12 are not kept: lines 1 to 7 are its start\n1| line 1"
    view = Source(whole=FILE, tool=GET_FILE, shown=shown, arguments={"path": CART})
    assert files_read({"2-1": view}) == []


def test_windows_of_two_repositories_are_two_files() -> None:
    reads = files_read(
        {
            name: source(GET_FILE, f"a.py lines {n}-{n} of 9\n{n}: a", path="a.py", owner=owner)
            for name, n, owner in (("2-1", 1, "x"), ("2-2", 9, "y"), ("2-3", 2, "x"))
        }
    )
    assert [dict(read.lines) for read in reads] == [{1: "a", 2: "a"}, {9: "a"}]
    assert [(read.end, read.newline) for read in reads] == [(9, None), (9, None)]


@pytest.mark.parametrize(
    ("whole", "lines", "newline"), [("a\nb\n", 2, True), ("a\nb", 2, None), ("a\n\n", 2, True)]
)
def test_what_comes_after_the_last_newline_is_no_line(
    whole: str, lines: int, newline: bool | None
) -> None:
    (read,) = files_read({"2-1": source(GET_FILE, whole, path="a.py")})
    assert (len(read.lines), read.seen, read.end) == (lines, frozenset({1, 2}), lines)
    assert read.newline == newline


def test_json_that_may_be_laid_out_anew_cannot_be_patched() -> None:
    for times, lines in ((20, 20), (200, 0)):
        whole = "\n".join(f'{{"n": {n}}}' for n in range(times))
        (read,) = files_read({"2-1": source(GET_FILE, whole, path="a.json")})
        assert (len(read.lines), len(read.seen)) == (lines, times)


def test_a_page_of_a_commit_shows_its_diff() -> None:
    commit = Source(tool="github__get_commit", shown="~ condensed")
    page = Source(tool="read_result", shown=numbered(COMMIT), arguments={"call_id": "2-3"})
    seen = {"2-3": commit, "3-1": page}
    assert place_problem(Place(CART, 200), seen, known=Known()) == ""


def test_the_sentence_of_githubs_own_server_is_no_line_of_the_file() -> None:
    whole = "successfully downloaded text file (SHA: abc)\nfirst\nsecond"
    (read,) = files_read({"2-1": source("gh__get_file_contents", whole, path="a.py")})
    assert read.lines == {1: "first", 2: "second"}


def test_windows_of_one_revision_are_one_file() -> None:
    first, last = "a.py lines 1-1 of 9\n1: a", "a.py lines 9-9 of 9\n9: i"
    other = "a.py lines 1-1 of 9\n1: other"
    reads = files_read(
        {
            "2-1": source(GET_FILE, first, path="a.py"),
            "2-2": source(GET_FILE, last, path="a.py"),
            "2-3": source(GET_FILE, other, path="a.py", ref="old"),
        }
    )
    assert [dict(read.lines) for read in reads] == [{1: "a", 9: "i"}, {1: "other"}]


def test_arguments_are_found_by_the_place_of_a_call() -> None:
    def use(**given: JsonValue) -> dict[str, object]:
        return {"type": "tool_use", "id": "same", "name": "x", "input": given}

    replies: list[dict[str, object]] = [
        {"role": "user", "content": "hello"},
        {"role": "assistant", "content": [{"type": "text", "text": "hm"}, use(a=1), use(b=2)]},
        {"role": "user", "content": []},
        {"role": "assistant", "content": [use(c=3)]},
    ]
    assert arguments_of(replies) == {"1-1": {"a": 1}, "1-2": {"b": 2}, "2-1": {"c": 3}}
