"""The records of a JSON document: the elements of its largest list, each with its lines."""

import re
from bisect import bisect_right
from collections.abc import Iterator
from itertools import accumulate

from services.toolrunner.condense_records import Record

FEWEST = 5
"""A shorter list is no list of records."""
DEEPEST = 8
_BRACKET = re.compile(r'"(?:[^"\\]+|\\.)*+"|[{}\[\]]', re.DOTALL)
Span = tuple[int, int]


def records_of(text: str) -> Iterator[Record]:
    """The elements of the largest list, and what stands before, between and after, as records."""
    spans = _largest(text)
    if not spans:
        return iter(())
    lines = text.split("\n")
    starts = list(accumulate((len(line) + 1 for line in lines), initial=0))
    found = ((bisect_right(starts, start), bisect_right(starts, end - 1)) for start, end in spans)
    return _split(lines, found)


def _largest(text: str) -> list[Span]:
    """The spans of the elements of that list of objects or lists that takes most of the text."""
    best: list[Span] = []
    longest = 0
    opened: list[tuple[int, list[Span]]] = []
    for found in _BRACKET.finditer(text):
        piece = found[0]
        if piece in ("{", "["):
            opened.append((found.start(), []))
        elif piece in ("}", "]") and opened:
            start, elements = opened.pop()
            end = found.end()
            if opened and len(opened) <= DEEPEST:
                opened[-1][1].append((start, end))
            if piece == "]" and len(elements) >= FEWEST and end - start > longest:
                best, longest = elements, end - start
    return best


def _split(lines: list[str], spans: Iterator[Span]) -> Iterator[Record]:
    after = 1
    for first, last in spans:
        if first < after:
            continue
        for number in range(after, first):
            yield Record(number, [lines[number - 1]])
        record = Record(first, [lines[first - 1]])
        for number in range(first + 1, last + 1):
            record.add(lines[number - 1])
        yield record
        after = last + 1
    for number in range(after, len(lines) + 1):
        yield Record(number, [lines[number - 1]])
