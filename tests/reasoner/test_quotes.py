"""What stands there is the quote: blanks and numbers may be missing, bytes of a line may not."""

import pytest

from services.reasoner.quotes import shows_something, standing, why_not
from services.reasoner.sources import Source

LOG = Source(whole="fail: no loafers\n   at A.B()  \n   at C.D() in x.cs:line 3\n\n}\nend")
HEAD = "src/cart.cs lines 7-10 of 90"
WINDOW = Source(whole=f"{HEAD}\n7: int a;\n8:     return null;\n9:\n10: // src/cart.cs")
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


def test_a_header_of_ours_is_no_quote() -> None:
    for quote in (HEAD, HEAD[:20], WINDOW.whole):
        assert standing(quote, WINDOW) is None
        assert "a header of ours" in why_not(quote, WINDOW)


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
        ("200 500 503", False),
        ("2026-11-30T03:00:02Z", False),
        ("2026-11-30T03:00:", False),
        ("-30T03:00:01Z inf", False),
        ("-30T03 inf", False),
        ("30/Nov/2026:03:00:02 +0000", False),
        ("Sun, 30 Nov 2026 03:00:02 GMT", False),
        ("2026-11-30T03:00:02Z error", False),
        ("E1130 03:00:02.123456", False),
        ('"level":"error"', False),
        ('"timestamp":"2026-11-30T03:00:02Z"', False),
        ("2026-11-30T03:00:02Z GetCart failed", True),
        ("2026-11-30T03:00:00Z sum=4", True),
        ("error: timeout", True),
        ("restarts=9", True),
        ("exit 137", True),
        ("OOMKilled", True),
        ("return null;", True),
        ("RedisCartStore.cs", True),
    ],
)
def test_a_bracket_a_time_or_one_common_word_shows_nothing(quote: str, shows: bool) -> None:
    assert shows_something(quote) == shows
