"""Groups: records that differ in numbers, ids and times alone, counted, with first and last.

The time is linear in the text. The memory is bounded: beyond so many different records those with
the same beginning and length share a group, and beyond that all of the same trouble.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from services.toolrunner.condense_records import Record
from services.toolrunner.condense_words import (
    Trouble,
    blanks,
    duration,
    masked,
    masked_trouble,
    trouble,
)

MOST_DIFFERENT = 2_000
MOST_COARSE = 500
KEPT_CHARACTERS = 4_000
"""Longer records are kept once in a group, as its first."""
KEPT_IN_ALL = 8 * 1024 * 1024
MOST_VALUES = 8
"""Values of a blank that are told apart: more are ids or times, fewer may be codes of errors."""
_MOST_BLANKS = 32
_TEMPLATE = 400
Counted = tuple[int, int]
"""Records, and their lines."""


@dataclass(slots=True)
class Group:
    """Like records. `alike` is false where only their beginnings were compared."""

    template: str
    trouble: Trouble
    first: Record
    last: Record
    count: int = 1
    lines: int = 0
    alike: bool = True
    timed: bool = False
    longest: float = 0.0
    slowest: Record | None = None
    records_in_all: int = 0
    lines_in_all: int = 0
    values: list[dict[str, Record] | None] | None = None
    """Of trouble, by blank: its values, each with the first record that has it."""

    @property
    def variants(self) -> list[Record]:
        """One record for each value of the blanks that have few: another code, another cause."""
        found: dict[int, Record] = {}
        for values in self.values or ():
            if values and 1 < len(values) < self.count:
                found.update((record.number, record) for record in values.values())
        known = (self.first.number, self.last.number)
        return [found[number] for number in sorted(found) if number not in known]

    def compare(self, record: Record) -> None:
        """Remember the record if a blank of its first line has a value that is new there."""
        now = blanks(record.head[0][:KEPT_CHARACTERS])[:_MOST_BLANKS]
        if self.values is None:
            self.values = [{} for _ in now]
        for at, value in enumerate(now[: len(self.values)]):
            seen = self.values[at]
            if seen is not None and value not in seen:
                seen[value] = record
                if len(seen) > MOST_VALUES:
                    self.values[at] = None

    def time(self, record: Record, text: str) -> None:
        """Remember the record if what it tells took longer than in any before."""
        seconds = duration(text) or 0.0
        if seconds > self.longest:
            self.longest, self.slowest = seconds, record

    def count_gone(self, counts: Mapping[int, Counted], record: Record) -> None:
        """Know of those like the record that were seen before anything was stored."""
        for number in range(record.number, record.number + record.size):
            records, lines = counts.get(number, (0, 0))
            self.records_in_all += records
            self.lines_in_all += lines


@dataclass
class Groups:
    """All records so far, by what they have in common."""

    gone: Mapping[int, Counted] = field(default_factory=dict)
    """By the number of a line: how many records like it, of how many lines, the answer had."""
    _normal: dict[object, Group] = field(default_factory=dict)
    _troubled: dict[object, Group] = field(default_factory=dict)
    _known: dict[object, Group] = field(default_factory=dict)
    _telling: set[object] = field(default_factory=set)
    _kept: int = 0

    def take(self, found: Iterable[Record]) -> "Groups":
        """Count all of them; itself."""
        for record in found:
            self.add(record)
        return self

    def add(self, record: Record) -> bool:
        """Count one more record; whether it is the first of its group."""
        text = record.head[0]
        if record.size > 1:
            text = "\n".join(line for _, line in record.lines)
        # The last element of a list has no comma behind it.
        text = text.rstrip(",")
        template = masked(text)
        group = self._known_of(text, template=template)
        if group is None:
            group = self._group_of(record, text, template=template)
        else:
            group.count += 1
        group.lines += record.size
        if group.timed and len(text) <= KEPT_CHARACTERS:
            group.time(record, text)
        if group.trouble and group.alike and len(text) <= KEPT_CHARACTERS:
            group.compare(record)
        if group.last is not record and len(text) <= KEPT_CHARACTERS:
            group.last = record
        if self.gone:
            group.count_gone(self.gone, record)
        return group.first.number == record.number

    @property
    def in_order(self) -> list[Group]:
        """All groups, by where they begin."""
        every = [*self._normal.values(), *self._troubled.values()]
        for group in every:
            group.count = max(group.count, group.records_in_all)
            group.lines = max(group.lines, group.lines_in_all)
        return sorted(every, key=lambda group: group.first.number)

    def _known_of(self, text: str, *, template: str) -> Group | None:
        """The group of those like it, if one is known without a look at every word."""
        key = _short(template)
        if key in self._telling:
            return self._troubled.get(_short(masked_trouble(text)))
        return self._known.get(key)

    def _group_of(self, record: Record, text: str, *, template: str) -> Group:
        level = trouble(text)
        groups = self._troubled if level else self._normal
        key: object = _short(masked_trouble(text) if level else template)
        if key not in groups and len(groups) >= MOST_DIFFERENT:
            key = _coarse(template, level, full=len(groups) >= MOST_DIFFERENT + MOST_COARSE)
        group = groups.get(key)
        if group is None:
            alike = not isinstance(key, tuple)
            record = self._within_bounds(record, text)
            group = Group(template[:_TEMPLATE], level, record, record, alike=alike)
            group.timed = not level and duration(text) is not None
            groups[key] = group
        else:
            group.count += 1
        # A template without trouble needs no second look; one with it may hold other numbers.
        if not level and group.alike:
            self._known[_short(template)] = group
        elif group.alike and len(self._telling) < MOST_DIFFERENT:
            self._telling.add(_short(template))
        return group

    def _within_bounds(self, record: Record, text: str) -> Record:
        self._kept += len(text)
        if self._kept <= KEPT_IN_ALL:
            return record
        head = [record.head[0][:KEPT_CHARACTERS]]
        return Record(record.number, head, size=record.size, causes=record.causes)


def _short(template: str) -> object:
    return template if len(template) <= KEPT_CHARACTERS else hash(template)


def _coarse(template: str, level: Trouble, *, full: bool) -> object:
    if full:
        return (level,)
    words = template.split(None, 3)
    return (level, len(template) // 16, *words[:2])
