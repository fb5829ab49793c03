"""A text too long to be stored, condensed as it comes: time linear in it, memory bounded.

What is left of it is its start, its end, and the first record of every kind in between, errors
before all else; marks (`gaps`) tell where lines are missing. Its lines are raw, so that they are
cleaned and condensed as those of any other answer.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field

from services.toolrunner.condense_groups import Counted, Group, Groups
from services.toolrunner.condense_kept import Kept, size_of
from services.toolrunner.condense_records import Record, Records, is_run
from services.toolrunner.gaps import MARK, Gone, missing, told

LONGEST = 32 * 1024
"""A line with more characters is broken where a value or a word ends."""
_LOOKS_BACK = 4 * 1024
_ENDS_SHARE = 0.9
"""Of the room, for `Kept`, which takes less; the rest is for what stands between."""
_LONGEST_RUN = 60
"""Lines over which base64 is wrapped and still looked into."""
_BESIDE = 400
"""Characters of a line that is there for cleaning alone."""


@dataclass
class _Stretch:
    """Lines that follow each other, and what stood before and behind, cut."""

    first: int
    lines: list[str]
    before: str = ""
    behind: str = ""

    @property
    def last(self) -> int:
        return self.first + len(self.lines) - 1


@dataclass
class Streamed:
    """What is kept of a text that comes in pieces: at most some `most` bytes."""

    most: int
    broken: int = 0
    _rest: str = ""
    _previous: str = ""
    _before: str = ""
    _groups: Groups = field(default_factory=Groups)
    _records: Records = field(default_factory=lambda: Records(runs=True))
    _around: dict[int, tuple[str, str]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._kept = Kept(int(_ENDS_SHARE * self.most))
        self._longest = max(min(LONGEST, self.most // 32), 200)

    def add(self, piece: str) -> None:
        """The next piece of the text; it may end within a line."""
        *lines, rest = (self._rest + piece).split("\n")
        for line in lines:
            *parts, end = self._broken(line)
            for part in (*parts, end):
                self._line(part)
        *parts, self._rest = self._broken(rest)
        for part in parts:
            self._line(part)

    def text(self, *, why: str = "", mark: str = MARK) -> str:
        """What is kept of it, with marks; all of it, if that is possible."""
        if self._rest and not why:  # what was cut off may be a part of a secret
            self._line(self._rest)
        self._rest = ""
        if over := self._records.current:
            self._count(over, "")
            self._records.current = None
        first, last = self._kept.gap
        if first > last and not why:
            return self._kept.text()
        return self._marked(why=why, mark=mark)

    def _broken(self, line: str) -> Iterator[str]:
        """The line, in pieces if it is too long."""
        start = 0
        while len(line) - start > self._longest:
            self.broken += not start
            end = start + self._longest
            back = max(end - _LOOKS_BACK, start)
            places = (line.rfind(sign, back, end) for sign in ("},", ",", " "))
            end = next((at + 1 for at in places if at >= 0), end)
            yield line[start:end]
            start = end
        yield line[start:]

    def _line(self, line: str) -> None:
        self._kept.add(line)
        if over := self._records.add(line):
            self._count(over, line)
            self._before = self._previous
        self._previous = line

    def _count(self, record: Record, behind: str) -> None:
        if self._groups.add(record):
            self._around[record.number] = (self._before[-_BESIDE:], behind[:_BESIDE])

    def _marked(self, *, why: str, mark: str) -> str:
        head, tail = self._ends()
        groups = self._groups.in_order
        middle, kinds = self._chosen(groups, first=head.last + 1, last=tail.first - 1)
        stretches = [each for each in (head, *_joined(middle), tail) if each.lines]
        written: list[str] = []
        last = stored = 0
        behind = ""
        for each in stretches:
            if gap := each.first - last - 1:
                written += [behind] if behind else []
                written.append(
                    missing(gap, before=bool(behind), behind=bool(each.before), mark=mark)
                )
                written += [each.before] if each.before else []
            written += each.lines
            last, behind, stored = each.last, each.behind, stored + len(each.lines)
        gone = Gone(
            lines=self._kept.lines,
            size=self._kept.size,
            missing=self._kept.lines - stored,
            start=len(head.lines),
            middle=stored - len(head.lines) - len(tail.lines),
            stored=stored,
            kinds=kinds,
            broken=self.broken,
            why=why,
            counts=_counts(groups, stretches),
        )
        return "\n".join([*written, told(gone, mark=mark)])

    def _ends(self) -> tuple[_Stretch, _Stretch]:
        """Start and end, without what a secret may have begun or ended in beside the gap."""
        start, end = self._kept.ends
        if not self._kept.missing:
            return _Stretch(1, [*start, *end]), _Stretch(self._kept.lines + 1, [])
        for _ in range(min(_LONGEST_RUN, len(start) // 4)):
            if is_run(start[-1]):
                start.pop()
        for _ in range(min(_LONGEST_RUN, len(end) // 4)):
            if is_run(end[0]):
                end.popleft()
        behind, before = start.pop() if start else "", end.popleft() if end else ""
        return (
            _Stretch(1, start, behind=behind),
            _Stretch(self._kept.lines - len(end) + 1, list(end), before=before),
        )

    def _chosen(self, groups: list[Group], *, first: int, last: int) -> tuple[list[_Stretch], int]:
        """The first records of kinds that stand in the gap, and of how many kinds none is kept."""
        room = self.most - self._kept.stored
        found: list[_Stretch] = []
        kinds = 0
        for group in sorted(groups, key=lambda group: (-group.trouble, group.count)):
            record = group.first
            around = self._around.get(record.number, ("", ""))
            stretches = _stretches(record, around, within=range(first, last + 1))
            size = sum(size_of(line) for each in stretches for line in each.lines)
            if size > room:
                kinds += 1
                continue
            room -= size
            found += stretches
        return sorted(found, key=lambda each: each.first), kinds


def _stretches(record: Record, around: tuple[str, str], *, within: range) -> list[_Stretch]:
    """The lines in that range that are kept of a record; of a long one some are missing."""
    found: list[_Stretch] = []
    for number, line in record.lines:
        if number not in within:
            continue
        if found and number == found[-1].last + 1:
            found[-1].lines.append(line)
        else:
            found.append(_Stretch(number, [line]))
    if found and found[0].first == record.number:
        found[0].before = around[0]
    if found and found[-1].last == record.number + record.size - 1:
        found[-1].behind = around[1]
    return found


def _joined(stretches: list[_Stretch]) -> list[_Stretch]:
    """The same, those that follow each other as one."""
    found: list[_Stretch] = []
    for each in stretches:
        if found and each.first == found[-1].last + 1:
            found[-1].lines += each.lines
            found[-1].behind = each.behind
        else:
            found.append(each)
    return found


def _counts(groups: list[Group], stretches: list[_Stretch]) -> dict[int, Counted]:
    """How many records, of how many lines, each kind has, by the place of its first line."""
    places: dict[int, Counted] = {}
    behind = iter(stretches)
    each, before = next(behind, None), 0
    for group in groups:
        while each and each.last < group.first.number:
            before += len(each.lines)
            each = next(behind, None)
        if each and each.first <= group.first.number and group.count > 1:
            places[before + 1 + group.first.number - each.first] = (group.count, group.lines)
    return places
