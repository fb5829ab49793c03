"""How two definitions differ, in lines for a person, however odd or large they are.

A terminal is never told anything by them: what is not plain ASCII is spelled out, which also shows
the characters that would not show.
"""

import json
from collections import Counter
from collections.abc import Iterator, Mapping
from difflib import unified_diff

LINE_CHARACTERS = 160
AROUND = 60
"""Characters of a long line that are shown before and after what differs in it."""
MOST_CHARACTERS, MOST_COMPARED = 16_000, 200
"""Characters and lines of each side that are compared: the time goes with the product of both."""
MOST_LINES = 24
"""Lines shown of one field, of each side."""


def escaped(text: str) -> str:
    r"""The text in plain ASCII: `\u202e` and the like stand for everything else."""
    return text.encode("unicode_escape").decode("ascii")


def differences(before: Mapping[str, object], after: Mapping[str, object]) -> list[str]:
    """Each field that differs, then its lines: `-` as reviewed, `+` as it is now."""
    lines: list[str] = []
    for name in before:
        old, new = _text(before[name]), _text(after[name])
        if old != new:
            lines += [f"{name}:", *(f"  {line}" for line in _changed(old, new))]
    return lines


def _text(value: object) -> str | None:
    if value is None or isinstance(value, str):
        return value
    try:
        return json.dumps(value, indent=2, sort_keys=True, ensure_ascii=False)
    except (ValueError, RecursionError):
        return "what cannot be shown"


def _changed(before: str | None, after: str | None) -> Iterator[str]:
    old, new = before or "", after or ""
    start = _same(old, new)
    end = _same(old[start:][::-1], new[start:][::-1])
    start = max(old.rfind("\n", 0, start) + 1, start - AROUND)
    old_lines = [] if before is None else _lines(old, start, end=end)
    new_lines = [] if after is None else _lines(new, start, end=end)
    shown: Counter[str] = Counter()
    # The first two lines would name files, and those with @@ places in them.
    for line in list(unified_diff(old_lines, new_lines, n=0, lineterm=""))[2:]:
        shown[line[0]] += 1
        if line[0] != "@" and shown[line[0]] <= MOST_LINES:
            yield f"{line[0]} {line[1:]}"
    for sign in "-+":
        if shown[sign] > MOST_LINES:
            yield f"{sign} … and more"


def _same(one: str, other: str) -> int:
    """How many characters at the start are the same."""
    low, high = 0, min(len(one), len(other))
    while low < high:
        middle = (low + high + 1) // 2
        if one[low:middle] == other[low:middle]:
            low = middle
        else:
            high = middle - 1
    return low


def _lines(text: str, start: int, *, end: int) -> list[str]:
    """The lines from there on to those `end` characters before the end that are the same."""
    at = len(text) - end
    newline = text.find("\n", at)
    stop = min(newline if newline >= 0 else len(text), at + AROUND)
    lines = text[start : min(stop, start + MOST_CHARACTERS)].split("\n")[:MOST_COMPARED]
    return [piece for line in lines for piece in _pieces(escaped(line))]


def _pieces(line: str) -> Iterator[str]:
    yield line[:LINE_CHARACTERS]
    for start in range(LINE_CHARACTERS, len(line), LINE_CHARACTERS):
        yield line[start : start + LINE_CHARACTERS]
