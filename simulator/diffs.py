"""Unified diffs of one file: applied strictly, both ways, and what they say about single lines."""

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
    body: list[str]

    @property
    def begin(self) -> int:
        """How many lines of the old text stand before it: a hunk without any names the last."""
        return self.start - 1 if self.lengths[0] else self.start

    @property
    def old(self) -> list[str]:
        return [line[1:] for line in self.body if not line.startswith("+")]

    @property
    def new(self) -> list[str]:
        return [line[1:] for line in self.body if not line.startswith("-")]


def named_path(diff: str) -> str:
    """The path that the diff changes, empty where it names none."""
    found = re.search(r"^\+\+\+ (?:b/)?(\S+)", diff, re.MULTILINE)
    return found[1] if found else ""


def applied(text: str, diff: str) -> str:
    """The text after the diff. Raises DiffError where a line that it names is not there."""
    old, new, at = text.split("\n"), list[str](), 0
    for hunk in _hunks(diff):
        _check(hunk, old)
        new += old[at : hunk.begin] + hunk.new
        at = hunk.begin + len(hunk.old)
    return "\n".join(new + old[at:])


def unapplied(text: str, diff: str) -> str:
    """The text before the diff. Raises DiffError where a line that it made is not there."""
    return applied(text, "\n".join(_turned(line) for line in diff.rstrip("\n").split("\n")))


def origins(diff: str, count: int) -> list[int | None]:
    """For each of the `count` lines after the diff its number before, None for a line it added."""
    found, old = list[int | None](), 1
    for hunk in _hunks(diff):
        found += range(old, hunk.begin + 1)
        old = hunk.begin + 1
        for line in hunk.body:
            if not line.startswith("-"):
                found.append(None if line.startswith("+") else old)
            old += not line.startswith("+")
    found += range(old, old + max(0, count - len(found)))
    return found[:count]


def _turned(line: str) -> str:
    head = _HUNK.match(line)
    if head is not None:
        before, after = line[3:].split(" ")[:2]
        return f"@@ -{after[1:]} +{before[1:]} @@"
    return {"+": "-", "-": "+"}.get(line[:1], line[:1]) + line[1:]


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
            yield _Hunk(int(head[1]), (int(head[2] or 1), int(head[4] or 1)), body)
