"""The records of a JSON document: the elements of its largest list, each with its lines."""

from bisect import bisect_right
from collections.abc import Iterator
from itertools import accumulate

from services.toolrunner.condense_records import Record
from services.toolrunner.json_places import Place, places

FEWEST = 5
"""A shorter list is no list of records."""
DEEPEST = 5


def records_of(text: str) -> list[Record]:
    """The elements of the largest list, and what stands before, between and after, as records."""
    lists = (
        place
        for place in places(text)
        if place.children >= FEWEST and text[place.start] == "[" and len(place.path) <= DEEPEST
    )
    largest = max(lists, key=lambda place: place.end - place.start, default=None)
    if largest is None:
        return []
    lines = text.split("\n")
    starts = list(accumulate((len(line) + 1 for line in lines), initial=0))
    return list(_split(lines, _spans(text, largest, starts)))


def _spans(text: str, largest: Place, starts: list[int]) -> Iterator[tuple[int, int]]:
    """First and last line of each element."""
    for place in places(text):
        if place.path[:-1] == largest.path and len(place.path) == len(largest.path) + 1:
            yield bisect_right(starts, place.start), bisect_right(starts, place.end - 1)


def _split(lines: list[str], spans: Iterator[tuple[int, int]]) -> Iterator[Record]:
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
