"""Foreign text is spelled out where a terminal would obey or hide it."""

import pytest
from rich.cells import cell_len

from cli.inside.terminal import cut, folded, harmless, one_line


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain, naïve, 日本 and 🙂", "plain, naïve, 日本 and 🙂"),
        ("\x1b]8;;http://x\x07link", r"\x1b]8;;http://x\x07link"),
        ("over\rwritten\x08", r"over\rwritten\x08"),
        ("\u202eabc\u2066 \u200b\U000e0041", r"\u202eabc\u2066 \u200b\U000e0041"),
        ("\u2028line\u0085", r"\u2028line\x85"),
        ("half \ud800", r"half \ud800"),
    ],
)
def test_what_steers_or_hides_is_spelled_out(text: str, shown: str) -> None:
    assert harmless(text) == shown


def test_one_line_stays_one_line_and_is_cut_by_columns() -> None:
    assert one_line("a\n\n b\tc") == "a b c"
    assert cut("日本語", 4) == "日…"
    assert cut("short", 10) == "short"


def test_folding_leaves_nothing_out_and_takes_time_by_length_alone() -> None:
    assert folded("one two three four", 10) == ["one two ", "three four"]
    assert folded("abcdefghijklm", 5) == ["abcde", "fghij", "klm"]
    assert folded("", 5) == [""]
    assert folded("日本語日本語", 5) == ["日本", "語日", "本語"]
    accents = "e\u0301" * 100
    assert [cell_len(part) <= 5 for part in folded(accents, 5)] == [True] * len(folded(accents, 5))
    long = "x" * 1_000_000
    assert "".join(folded(long, 74)) == long
