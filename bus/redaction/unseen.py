"""Characters that nobody sees, or that a terminal obeys, leave a text (security.md, T8).

Escape sequences go whole, also with 8-bit introducers, unless they would take a line break along:
an opened sequence must not hide the lines behind it. Line separators become line feeds.
"""

import re

_BODY = r"[^\x00-\x1f\x7f-\x9f]*"
_SEQUENCE = re.compile(
    rf"(?:\x1b\]|\x9d){_BODY}(?:\x07|\x1b\\|\x9c)"  # OSC: titles, links, clipboard
    rf"|(?:\x1b[PX^_]|[\x90\x98\x9e\x9f]){_BODY}(?:\x07|\x1b\\|\x9c)"  # DCS, SOS, PM, APC
    r"|(?:\x1b\[|\x9b)[0-?]*[ -/]*[@-~]"  # CSI
    r"|\x1b[ -/]*[0-~]"  # everything shorter
)
_BREAK = re.compile(r"\r+\n?|[\u2028\u2029]")
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")
_INVISIBLE = re.compile(
    "[\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u202a-\u202e"
    "\u2060-\u206f\u3164\ud800-\udfff\ufe00-\ufe0f\ufeff\uffa0\ufff0-\ufffb"
    "\U00013430-\U0001345f\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0000-\U000e0fff]"
)


def without_unseen(text: str) -> str:
    """The text without control and invisible characters; tab and line feed stay."""
    if "\r" in text or "\u2028" in text or "\u2029" in text:
        text = _BREAK.sub("\n", text)
    if _CONTROL.search(text):
        text = _CONTROL.sub("", _SEQUENCE.sub("", text))
    return text if text.isascii() else _INVISIBLE.sub("", text)
