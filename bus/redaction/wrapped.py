"""Keys that a line break cut in two: the end of one line and the beginning of the next."""

import re
from collections.abc import Iterator

from bus.redaction import published
from bus.redaction.lines import head_of, looks_cut, tail_of
from bus.redaction.spans import Piece, Secret

_LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-.:~+/=$"
_HEAD = re.compile(r"(?![A-Za-z_]\w{0,60} ?= ?[\"'][^\s\"',}\])])[\w.~+/=$-]{1,400}")
_DENSE = re.compile(
    r"(?=[\w.:~-]{0,60}\d)(?=[\w.:~-]{0,60}[A-Za-z])[\w.:~-]{4}|:A{1,2}$|[A-Z]{2}|[a-z][A-Z]"
)
_INNER = re.compile(r"\dQ~|:AA|\.atlasv1\.|[0-9a-f]-us\d|T3BlbkFJ|\w{22}\.[\w-]{6}\.[\w-]{27}")
"""Marks that a key may have inside, so that its beginning tells nothing."""
_INSIDE = ("Q~", "Q\n", 'Q"', ":AA", ".atlas", "-us", "T3BlbkFJ")
_DOTTED = re.compile(r"\.[\w-]{6}\.(?:[\w-]{20}|(?<=[\w-]{16}.{8}))")
_MOST = 400
_LINES = 6
_HEADS = frozenset(
    anchor[:length] for anchor in published.ANCHORS for length in range(2, len(anchor))
)


def find(text: str, present: frozenset[str]) -> Iterator[Secret]:
    """Every key in pieces; one that stands in full before the break is no such key."""
    lines = text.split("\n")
    dense = _DENSE if any(mark in text for mark in _INSIDE) or _DOTTED.search(text) else None
    at = 0
    for number, line in enumerate(lines[:-1]):
        core = line[max(0, len(line) - 2000) :]
        core = core[: tail_of(core)]
        token = core[len(core.rstrip(_LETTERS)) :][-_MOST:]
        marks = frozenset(mark for mark in present if published.reaches(token, mark))
        if len(token) > 1 and (marks or token in _HEADS or (dense and dense.search(token))):
            end = at + max(0, len(line) - 2000) + len(core)
            pieces = _pieces(lines, number, first=(end - len(token), end), below=at + len(line) + 1)
            yield from _keys(text, pieces, marks=marks) if len(pieces) > 1 else ()
        at += len(line) + 1


def _pieces(lines: list[str], number: int, *, first: Piece, below: int) -> list[Piece]:
    pieces = [first]
    for before, line in zip(lines[number:], lines[number + 1 : number + 1 + _LINES], strict=False):
        head = head_of(line, before)
        found = _HEAD.match(line, head)
        if not found:
            break
        pieces.append((below + found.start(), below + found.end()))
        if found.end() < tail_of(line):
            break
        below += len(line) + 1
    return pieces


def _keys(text: str, pieces: list[Piece], *, marks: frozenset[str]) -> Iterator[Secret]:
    joined = "".join(text[start:end] for start, end in pieces)
    edge = pieces[0][1] - pieces[0][0]
    begun = joined[:edge] in _HEADS
    if not marks and not begun and not _INNER.search(joined):
        return
    among = marks if marks and not begun else published.present(joined)
    over = [one for one in published.find(joined, among) if one.start < edge < one.end]
    whole = {one.start for one in published.find(joined[:edge], among)} if over else ()
    for found in over:
        rest = joined[edge : found.end]
        cut = found.open_end and len(rest) > 4 and looks_cut(rest)
        if found.start not in whole or cut:
            yield Secret(found.kind, tuple(_back(pieces, found.start, end=found.end)))


def _back(pieces: list[Piece], start: int, *, end: int) -> Iterator[Piece]:
    """The parts of the text that a stretch of the joined pieces came from."""
    done = 0
    for first, last in pieces:
        length = last - first
        left, right = max(start - done, 0), min(end - done, length)
        if left < right:
            yield first + left, first + right
        done += length
