"""How two definitions differ, in lines for a person, however odd or large they are.

A terminal is never told anything by them: what is not plain ASCII is spelled out, which also shows
the characters that would not show.
"""

import json
from collections.abc import Iterator, Mapping
from difflib import unified_diff

MOST_COMPARED = 200
"""Lines of each side that are compared in detail: that takes the product of both."""
MOST_LINES = 60
LINE_CHARACTERS = 160


def escaped(text: str) -> str:
    r"""The text in plain ASCII: `\u202e` and the like stand for everything else."""
    return text.encode("unicode_escape").decode("ascii")


def differences(before: Mapping[str, object], after: Mapping[str, object]) -> list[str]:
    """Each field that differs, then its lines: `-` as reviewed, `+` as it is now."""
    lines: list[str] = []
    for name in before:
        old, new = _lines(before[name]), _lines(after[name])
        if old != new:
            lines += [f"{name}:", *(f"  {line}" for line in _changed(old, new))]
    more = [f"… {len(lines) - MOST_LINES} more lines"] if len(lines) > MOST_LINES else []
    return lines[:MOST_LINES] + more


def _lines(value: object) -> list[str]:
    if value is None:
        return []
    texts = value.split("\n") if isinstance(value, str) else _json(value).split("\n")
    return [piece for text in texts for piece in _pieces(escaped(text))]


def _json(value: object) -> str:
    try:
        return json.dumps(value, indent=2, sort_keys=True, ensure_ascii=False)
    except (ValueError, RecursionError):
        return "what cannot be shown"


def _pieces(line: str) -> Iterator[str]:
    """A long line in pieces, so that a change far behind in it is seen where it is."""
    yield line[:LINE_CHARACTERS]
    for start in range(LINE_CHARACTERS, len(line), LINE_CHARACTERS):
        yield line[start : start + LINE_CHARACTERS]


def _changed(before: list[str], after: list[str]) -> Iterator[str]:
    same = 0
    for old, new in zip(before, after, strict=False):
        if old != new:
            break
        same += 1
    old_lines, new_lines = before[same:], after[same:]
    compared = unified_diff(old_lines[:MOST_COMPARED], new_lines[:MOST_COMPARED], n=0, lineterm="")
    # The first two lines would name files, and those with @@ places in them.
    for line in list(compared)[2:]:
        if not line.startswith("@@"):
            yield f"{line[0]} {line[1:]}"
    left = max(len(old_lines), len(new_lines)) - MOST_COMPARED
    if left > 0:
        yield f"… {left} more lines were not compared"
