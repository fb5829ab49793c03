"""T8: what a terminal obeys and what nobody sees does not survive; what is read does."""

import unicodedata

import pytest

from bus.cleaning import clean, clean_counted

ESC, CSI, OSC, DCS, ST, BEL = "\x1b", "\x9b", "\x9d", "\x90", "\x9c", "\x07"
GONE = {
    "colour": f"{ESC}[31m",
    "long colour": f"{ESC}[38;2;255;100;0m",
    "cursor up": f"{ESC}[2A",
    "clear screen": f"{ESC}[2J",
    "clear line": f"{ESC}[2K",
    "private mode": f"{ESC}[?1049h",
    "with intermediates": f"{ESC}[0 q",
    "8-bit CSI": f"{CSI}31m",
    "title, BEL": f"{ESC}]0;title{BEL}",
    "title, ST": f"{ESC}]0;title{ESC}\\",
    "8-bit OSC": f"{OSC}0;title{ST}",
    "link": f"{ESC}]8;;http://evil.test{ESC}\\",
    "clipboard": f"{ESC}]52;c;ZXZpbA=={BEL}",
    "DCS": f"{ESC}P1$r0m{ESC}\\",
    "8-bit DCS": f"{DCS}1$r0m{ST}",
    "APC": f"{ESC}_payload{ESC}\\",
    "PM": f"{ESC}^payload{ESC}\\",
    "SOS": f"{ESC}Xpayload{ESC}\\",
    "8-bit APC": "\x9fpayload\x9c",
    "reset": f"{ESC}c",
    "charset": f"{ESC}(0",
    "save cursor": f"{ESC}7",
    "NUL": "\x00",
    "bell": BEL,
    "backspace": "\x08",
    "vertical tab": "\x0b",
    "form feed": "\x0c",
    "shift out": "\x0e",
    "delete": "\x7f",
    "next line": "\x85",
    "C1": "\x81\x8d",
    "right-to-left override": "\u202e",
    "left-to-right embedding": "\u202a\u202c",
    "isolates": "\u2066\u2067\u2068\u2069",
    "marks of direction": "\u200e\u200f\u061c",
    "zero width": "\u200b\u200c\u200d",
    "word joiner": "\u2060\u2063",
    "byte order mark": "\ufeff",
    "soft hyphen": "\u00ad",
    "tags": "".join(chr(0xE0000 + ord(letter)) for letter in "ignore all"),
    "cancel tag": "\U000e007f",
    "variation selectors": "\ufe00\ufe0f",
    "selectors that carry bytes": "".join(chr(0xE0100 + number) for number in range(0, 240, 7)),
    "interlinear": "\ufff9\ufffa\ufffb",
    "Hangul fillers": "\u115f\u1160\u3164\uffa0",
    "grapheme joiner": "\u034f",
    "Mongolian": "\u180b\u180e",
    "shorthand": "\U0001bca0",
    "music": "\U0001d173",
    "half a pair": "\ud800",
}


@pytest.mark.parametrize("kind", GONE)
def test_what_nobody_sees_does_not_survive(kind: str) -> None:
    assert clean(f"before {GONE[kind]}after") == "before after"
    assert clean_counted(GONE[kind]).stripped == len(GONE[kind])


def test_all_at_once_leave_nothing_behind() -> None:
    text = "".join(GONE.values())
    assert len(GONE) >= 40
    assert clean(text) == clean(clean(text))
    assert not [letter for letter in clean(text) if unicodedata.category(letter) in ("Cc", "Cf")]


@pytest.mark.parametrize(
    ("given", "wanted"),
    [
        ("one\r\ntwo\r\n", "one\ntwo\n"),
        ("10%\r20%\rdone\n", "10%\n20%\ndone\n"),
        ("shown\rhidden", "shown\nhidden"),
        ("one\u2028two\u2029three", "one\ntwo\nthree"),
        ("tab\tstays\nand lines", "tab\tstays\nand lines"),
        ("e\u0301", "é"),
        ("naïve 日本 €", "naïve 日本 €"),
    ],
)
def test_what_is_read_stays(given: str, wanted: str) -> None:
    assert clean(given) == wanted


@pytest.mark.parametrize("opened", [f"{ESC}]0;", f"{ESC}P", OSC, DCS])
def test_an_opened_sequence_hides_no_line(opened: str) -> None:
    """A log line could otherwise make the lines behind it vanish, up to the next bell."""
    assert "real error" in clean(f"first{opened}\nreal error\nlast{BEL}")


def test_a_secret_between_unseen_characters_is_found() -> None:
    key = "\u200b".join("AK" + "IA" + "QRSTUVWXYZ234567")
    assert clean(f"key {key}").startswith("key [secret:aws:")
