"""Text cut to a length: never inside what a reader sees as one sign, and what is missing is said.

Lengths are counted in UTF-16 units, as JavaScript does: Slack does not say how it counts, and no
other way of counting gives more.
"""

import re
import unicodedata

LONGEST_SIGN = 64
"""A sign of more characters than that is no language but a trick, and may be cut."""
_JOINER = "\u200d"
_OPEN_TAG = re.compile(r"\[[a-z0-9:_-]{0,80}$|(?<!\S):[a-z0-9_+-]{0,60}$")
"""The start of a redaction's tag or of an emoji's code, without its end."""
_SENTENCE = re.compile(r"(?<=[.!?])[)\"'\u201d\u2019]*\s+(?=[\"'(\u201c\u2018`]?[A-Z0-9])")
_ABBREVIATION = re.compile(r"(?:\b(?:e\.g|i\.e|cf|vs|approx|no|nr|etc|incl|resp)|\b[A-Z])\.$")
_NUMBERED = re.compile(r"(?:^|\s)\d{1,2}\.$")


def units(text: str) -> int:
    """The length of a text in UTF-16 units."""
    return len(text) + sum(character > "\uffff" for character in text)


def cut(text: str, most: int) -> str:
    """The text in at most that many units; what is left out is counted at its end."""
    if units(text) <= most:
        return text
    room = most - len(f"… {len(text)} more characters")
    kept = _whole(text, _within(text, max(room, 0)))
    return f"{kept}… {len(text) - len(kept)} more characters"


def one_line(text: str, most: int) -> str:
    """The text without line breaks, cut."""
    return cut(" ".join(text.split()), most)


def first_sentence(text: str) -> tuple[str, str]:
    """The first sentence of a text on one line, and the rest as it stands; it may be empty."""
    said = text.strip()
    for end in _SENTENCE.finditer(said):
        head = said[: end.start()]
        if "\n\n" in head:
            break
        if not _ABBREVIATION.search(head) and not _NUMBERED.search(head):
            return " ".join(said[: end.end()].split()), said[end.end() :].strip()
    head, _, rest = said.partition("\n\n")
    return " ".join(head.split()), rest.strip()


def _within(text: str, most: int) -> int:
    """How many of the first characters have at most that many units together."""
    if text.isascii():
        return min(most, len(text))
    count = 0
    for index, character in enumerate(text):
        count += 2 if character > "\uffff" else 1
        if count > most:
            return index
    return len(text)


def _whole(text: str, end: int) -> str:
    """The start of the text up to there, or a little less: it ends between two signs."""
    for at in range(end, max(end - LONGEST_SIGN, 0), -1):
        if not _inside(text, at):
            end = at
            break
    kept = text[:end]
    open_tag = _OPEN_TAG.search(kept[-100:])
    return kept[: len(kept) - len(open_tag[0])] if open_tag else kept


def _inside(text: str, at: int) -> bool:
    """Whether the characters before and after that place are parts of one sign."""
    if at >= len(text):
        return False
    before, after = text[at - 1], text[at]
    if _JOINER in (before, after) or _joins(after):
        return True
    if before == "\r" and after == "\n":
        return True
    if _regional(before) and _regional(after):
        return _regionals_before(text, at) % 2 == 1
    return _hangul(before) and "\u1160" <= after <= "\u11ff"


def _joins(character: str) -> bool:
    """Whether it is shown as part of what stands before it."""
    if unicodedata.category(character) in ("Mn", "Mc", "Me"):
        return True
    return "\U0001f3fb" <= character <= "\U0001f3ff" or "\U000e0020" <= character <= "\U000e007f"


def _regional(character: str) -> bool:
    return "\U0001f1e6" <= character <= "\U0001f1ff"


def _regionals_before(text: str, at: int) -> int:
    count = 0
    while count < at and _regional(text[at - 1 - count]):
        count += 1
    return count


def _hangul(character: str) -> bool:
    return "\u1100" <= character <= "\u11ff" or "\uac00" <= character <= "\ud7a3"
