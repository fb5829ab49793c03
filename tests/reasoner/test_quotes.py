"""What stands there is the quote: blanks and numbers may be missing, bytes of a line may not."""

import pytest

from services.reasoner.quotes import shows_something, standing, why_not
from services.reasoner.sources import Source

LOG = Source(whole="fail: no loafers\n   at A.B()  \n   at C.D() in x.cs:line 3\n\n}\nend")
HEAD = "src/cart.cs lines 7-10 of 90"
WINDOW = Source(whole=f"{HEAD}\n7: int a;\n8:     return null;\n9:\n10: // src/cart.cs")
FOUND = Source(whole="1 of 1 files (GitHub searches the default branch only; more)\nfile a.cs")
STACK = "   at A.B()  \n   at C.D() in x.cs:line 3"


@pytest.mark.parametrize(
    "quote",
    [
        STACK,
        STACK.strip(),
        STACK.replace("\n", "\r\n"),
        "at A.B()\nat C.D() in x.cs:line 3",
        "   at A.B()\n   at C.D() in x.cs:line 3  \r\n",
    ],
)
def test_blanks_around_whole_lines_may_be_missing_and_are_put_back(quote: str) -> None:
    assert standing(quote, LOG) == (2, STACK)


@pytest.mark.parametrize(
    ("quote", "line", "real"),
    [
        ("return null;", 3, "8:     return null;"),
        ("8:     return null;", 3, "8:     return null;"),
        ("int a;\n    return null;", 2, "7: int a;\n8:     return null;"),
        ("int a;\nreturn null;\n\n// src/cart.cs", 2, WINDOW.whole.partition("\n")[2]),
        ("// src/cart.cs", 5, "10: // src/cart.cs"),
        ("10: // src/cart.cs", 5, "10: // src/cart.cs"),
    ],
)
def test_lines_of_a_window_stand_there_without_their_numbers(
    quote: str, line: int, real: str
) -> None:
    assert standing(quote, WINDOW) == (line, real)
    assert real in WINDOW.whole


@pytest.mark.parametrize(
    "quote",
    [
        "at A.B()\nat C.D()",
        "at A.B()\n\nat C.D() in x.cs:line 3",
        "at A.B() at C.D() in x.cs:line 3",
        "at A.B()\nat C.D() in x.cs:line 4",
        "at A.B()\u00a0\nat C.D() in x.cs:line 3",
        "",
        "\r\n",
        "A.B()",
    ],
)
def test_nothing_but_blanks_may_be_missing(quote: str) -> None:
    assert standing(quote, LOG) is None


@pytest.mark.parametrize("source", [WINDOW, FOUND])
def test_a_header_of_ours_is_no_quote(source: Source) -> None:
    head = source.whole.partition("\n")[0]
    for quote in (head, head[:20], source.whole):
        assert standing(quote, source) is None
        assert "a header of ours" in why_not(quote, source)


def test_a_log_that_speaks_of_lines_has_no_header() -> None:
    said = f"{HEAD}\nand more"
    assert standing(HEAD, Source(whole=said)) == (1, HEAD)


@pytest.mark.parametrize(
    ("quote", "shows"),
    [
        ("INFO", False),
        ("}", False),
        ("x = y", False),
        ("at", False),
        ("1764000000", False),
        ("exit 137", True),
        ("OOMKilled", True),
        ("return null;", True),
        ("RedisCartStore.cs", True),
    ],
)
def test_a_bracket_or_one_common_word_shows_nothing(quote: str, shows: bool) -> None:
    assert shows_something(quote) == shows
