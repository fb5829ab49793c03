"""Unified diffs of one file: applied strictly, as whoever is shown one would expect it to."""

import re
from collections.abc import Iterator

_HUNK = re.compile(r"^@@ -(\d+)(?:,(\d+))? \+(\d+)(?:,(\d+))? @@")
Hunk = tuple[int, int, int, list[str]]


class DiffError(Exception):
    """A diff that does not apply; the text says where."""


def named_path(diff: str) -> str:
    """The path that the diff changes, empty where it names none."""
    found = re.search(r"^\+\+\+ (?:b/)?(\S+)", diff, re.MULTILINE)
    return found[1] if found else ""


def applied(text: str, diff: str) -> str:
    """The text after the diff. Raises DiffError where a line that it names is not there."""
    old, new, at = text.split("\n"), list[str](), 0
    for start, before, after, lines in _hunks(diff):
        if (removed(lines), added(lines)) != (before, after):
            counts = f"-{removed(lines)} +{added(lines)}"
            raise DiffError(f"the hunk at line {start} has {counts} lines, its head says otherwise")
        new += old[at : start - 1]
        at = start - 1
        for line in lines:
            sign, rest = line[:1] or " ", line[1:]
            if sign != "+":
                if at >= len(old) or old[at] != rest:
                    raise DiffError(f"line {at + 1} of the file is not {rest.strip()!r}")
                at += 1
            if sign != "-":
                new.append(rest)
    return "\n".join(new + old[at:])


def removed(lines: list[str]) -> int:
    """How many lines of the old text a hunk spans."""
    return sum(not line.startswith("+") for line in lines)


def added(lines: list[str]) -> int:
    """How many lines of the new text a hunk spans."""
    return sum(not line.startswith("-") for line in lines)


def _hunks(diff: str) -> Iterator[Hunk]:
    head: re.Match[str] | None = None
    lines: list[str] = []
    for line in diff.rstrip("\n").split("\n"):
        found = _HUNK.match(line)
        if found and head:
            yield _hunk(head, lines)
        if found:
            head, lines = found, []
        elif head:
            lines.append(line)
    if head is None:
        raise DiffError("it has no hunk (@@ -1,5 +1,5 @@)")
    yield _hunk(head, lines)


def _hunk(head: re.Match[str], lines: list[str]) -> Hunk:
    return int(head[1]), int(head[2] or 1), int(head[4] or 1), lines
