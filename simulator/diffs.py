"""Unified diffs of one file: applied strictly, as whoever is shown one would expect it to."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

_HUNK = re.compile(r"^@@ -(\d+)(?:,(\d+))? \+(\d+)(?:,(\d+))? @@")


class DiffError(Exception):
    """A diff that does not apply; the text says where."""


@dataclass(frozen=True)
class _Hunk:
    start: int
    lengths: tuple[int, int]
    old: list[str]
    new: list[str]


def named_path(diff: str) -> str:
    """The path that the diff changes, empty where it names none."""
    found = re.search(r"^\+\+\+ (?:b/)?(\S+)", diff, re.MULTILINE)
    return found[1] if found else ""


def applied(text: str, diff: str) -> str:
    """The text after the diff. Raises DiffError where a line that it names is not there."""
    old, new, at = text.split("\n"), list[str](), 0
    for hunk in _hunks(diff):
        _check(hunk, old)
        new += old[at : hunk.start - 1] + hunk.new
        at = hunk.start - 1 + len(hunk.old)
    return "\n".join(new + old[at:])


def _check(hunk: _Hunk, text: list[str]) -> None:
    if (len(hunk.old), len(hunk.new)) != hunk.lengths:
        has = f"-{len(hunk.old)} +{len(hunk.new)}"
        raise DiffError(f"the hunk at line {hunk.start} has {has} lines, its head says otherwise")
    for number, line in enumerate(hunk.old, start=hunk.start):
        if number > len(text) or text[number - 1] != line:
            raise DiffError(f"line {number} of the file is not {line.strip()!r}")


def _hunks(diff: str) -> Iterator[_Hunk]:
    lines = diff.rstrip("\n").split("\n")
    starts = [number for number, line in enumerate(lines) if _HUNK.match(line)]
    if not starts:
        raise DiffError("it has no hunk (@@ -1,5 +1,5 @@)")
    for start, end in zip(starts, [*starts[1:], len(lines)], strict=True):
        head, body = _HUNK.match(lines[start]), lines[start + 1 : end]
        if head is not None:
            yield _Hunk(
                int(head[1]),
                (int(head[2] or 1), int(head[4] or 1)),
                [line[1:] for line in body if not line.startswith("+")],
                [line[1:] for line in body if not line.startswith("-")],
            )
