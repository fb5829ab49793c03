"""Foreign text is spelled out where a terminal would obey or hide it."""

import pytest

from cli.inside.terminal import cut, harmless, one_line


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
