"""Views of what is kept: groups with counts and raw lines, or a start, landmarks and an end.

A raw line is shown as `12| text`, with its number among the kept lines, and may be quoted. Whatever
else is shown is ours and begins with `~`.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Sequence

from services.toolrunner.condense_fill import LEFT_OUT_WIDTH, Detail, filled, length
from services.toolrunner.condense_groups import MOST_VALUES, Group
from services.toolrunner.condense_records import Record, is_cause
from services.toolrunner.condense_words import duration, trouble_at, worth_reading

Place = Callable[[int], int | None]
RARE = 2
"""What is seen so often at most is shown as it is, without a template."""
SLOW = 3
"""So many times as long as the first is worth a line."""
_TEMPLATE_WIDTH = 160
_GAP_WIDTH = 45
_CLOCK = re.compile(r"(?:(\d{4}-\d\d-\d\d)[T ])?(?<!\d)(\d\d:\d\d:\d\d(?:[.,]\d{1,3})?)")


def numbered(lines: Sequence[str], first: int = 1) -> list[str]:
    """The lines with their numbers before them."""
    return [f"{number}| {line}" for number, line in enumerate(lines, first)]


def grouped(groups: Sequence[Group], place: Place, *, room: int) -> list[str]:
    """Errors first, then warnings, what is rare, and what is frequent, each in its share."""
    rare = [group for group in groups if not group.trouble and group.count <= RARE]
    often = [group for group in groups if not group.trouble and group.count > RARE]
    sections = (
        ("errors", [group for group in groups if group.trouble >= 2], 0.7),
        ("warnings", [group for group in groups if group.trouble == 1], 0.5),
        ("frequent", sorted(often, key=lambda group: -group.count), 0.6),
        ("rare", rare, 1.0),
    )
    shown: dict[str, list[str]] = {}
    shortened: list[tuple[str, list[Group]]] = []
    for title, members, share in sections:
        if members:
            shown[title], full = _section(title, members, place=place, room=int(share * room))
            room -= length(shown[title])
            if not full and members[0].trouble:
                shortened.append((title, members))
    for title, members in shortened:
        if room > LEFT_OUT_WIDTH:
            # What the others left: a second look costs less than a line that is missing.
            wider, _ = _section(title, members, place=place, room=room + length(shown[title]))
            room -= length(wider) - length(shown[title])
            shown[title] = wider
    return [line for part in shown.values() for line in part]


def selected(
    lines: Sequence[str], landmarks: Iterable[int], *, room: int, width: int = 1_200
) -> list[str]:
    """A start, an end, and between them the landmarks (numbers of lines), as far as they fit."""
    shares = (
        (range(1, len(lines) + 1), 0.55, 1),
        (range(len(lines), 0, -1), 0.2, 1),
        (landmarks, 0.25, _GAP_WIDTH),
    )
    taken: dict[int, str] = {}
    for numbers, share, more in shares:
        left = int(share * room) - _GAP_WIDTH
        for number in numbers:
            text = f"{number}| {lines[number - 1][:width]}"
            left -= len(text) + more
            if left < 0 and taken:
                break
            taken.setdefault(number, text)
    return list(_with_gaps(taken, len(lines)))


def _with_gaps(taken: dict[int, str], count: int) -> Iterator[str]:
    before = 0
    for number in [*sorted(taken), count + 1]:
        if number > before + 1:
            yield f"~ lines {before + 1} to {number - 1} are not shown"
        if number <= count:
            yield taken[number]
        before = number


def _section(
    title: str, groups: Sequence[Group], *, place: Place, room: int
) -> tuple[list[str], bool]:
    """A heading and what fits of the groups; whether that is all of them in full."""
    lines = sum(group.lines for group in groups)
    head = f"~ {title}: {counted(lines, 'line')} of {counted(len(groups), 'kind')}"
    room -= len(head) + 1

    def show(group: Group, detail: Detail) -> list[str]:
        return _block(group, place, detail=detail)

    found = filled(groups, show, room=room)
    more = [_left_out(found.rest, place)] if found.rest else []
    return [head, *(line for block in found.blocks for line in block), *more], found.full


def _left_out(groups: Sequence[Group], place: Place) -> str:
    first = min(group.first.number for group in groups)
    last = max(group.last.number for group in groups)
    where = f"lines {place(first) or first} to {place(last) or last}"
    return f"~ and {counted(len(groups), 'kind')} more in {where}: read them with a pattern"


def _block(group: Group, place: Place, *, detail: Detail) -> list[str]:
    first = list(_raw(group.first, place, detail=detail, trouble=bool(group.trouble)))
    if group.count == 1:
        return first
    again = group.last.number != group.first.number and detail.last
    lines = 1 if _says_something(group.last.head[0]) else min(6, detail.lines)
    short = Detail(lines, min(detail.width, 400), last=False)
    last = _raw(group.last, place, detail=short, trouble=bool(group.trouble)) if again else ()
    if group.count <= RARE and again:
        return [*first, *last]
    between = [*_variants(group, place, detail=short)] if detail.last else []
    return [_told(group, place), *first, *_slowest(group, place, detail=short), *between, *last]


def _variants(group: Group, place: Place, *, detail: Detail) -> Iterator[str]:
    """Lines of it that tell another code or name than the first and the last."""
    for record in group.variants[:MOST_VALUES]:
        yield from _raw(record, place, detail=Detail(1, detail.width, last=False), trouble=True)


def _slowest(group: Group, place: Place, *, detail: Detail) -> Iterator[str]:
    """The record that took longest, if far longer than the first."""
    slowest, usual = group.slowest, duration(group.first.head[0]) or 0.0
    known = (group.first.number, group.last.number)
    if slowest and slowest.number not in known and group.longest >= SLOW * usual:
        yield "~ the slowest of them:"
        yield from _raw(slowest, place, detail=detail, trouble=False)


def _told(group: Group, place: Place) -> str:
    first, last = group.first.number, group.last.number
    where = f"lines {place(first) or first} to {place(last) or last}"
    line = group.template.split("\n", 1)[0]
    if not _says_something(line):
        line = " ".join(group.template.split())
    start = worth_reading(line, _TEMPLATE_WIDTH) if len(line) > _TEMPLATE_WIDTH else 0
    end = start + _TEMPLATE_WIDTH
    template = f"{'…' if start else ''}{line[start:end]}{'…' if end < len(line) else ''}"
    alike = "" if group.alike else " (their beginnings alike)"
    return f"~ {counted(group.count, 'time')}{_between(group)}, {where}{alike}: {template}"


def _says_something(line: str) -> bool:
    """Not only an opening bracket."""
    return len(line.strip()) > 2


def _between(group: Group) -> str:
    first = _CLOCK.search(group.first.head[0][:2_000])
    last = _CLOCK.search(group.last.head[0][:2_000])
    if not first or not last:
        return ""
    return f", {first[0]} to {last[2] if first[1] == last[1] else last[0]}"


def _raw(record: Record, place: Place, *, detail: Detail, trouble: bool) -> Iterator[str]:
    """The lines of a record; of one with more lines its head, its causes and its tail."""
    lines = list(record.lines)
    if len(lines) > detail.lines:
        lines = _chosen(lines, detail)
    before = record.number - 1
    for number, line in lines:
        if number > before + 1 and detail.lines > 1:
            yield f"~ {counted(number - before - 1, 'line')} of it left out here"
        yield from _cut(line, place(number), width=detail.width, trouble=trouble)
        before = number
    left = record.number + record.size - 1 - before
    if left:
        yield f"~ {counted(left, 'line')} more of it"


def _chosen(lines: list[tuple[int, str]], detail: Detail) -> list[tuple[int, str]]:
    head = max(detail.lines * 2 // 3, 1)
    tail = len(lines) - (detail.lines - head)
    causes = [at for at in range(head, tail) if is_cause(lines[at][1])] if detail.causes else []
    if len(causes) > detail.causes:
        half = detail.causes // 2
        causes = causes[:half] + causes[-half:]
    return [lines[at] for at in (*range(head), *causes, *range(tail, len(lines)))]


def _cut(line: str, number: int | None, *, width: int, trouble: bool) -> Iterator[str]:
    start = worth_reading(line, width) if len(line) > width else 0
    if len(line) > width and trouble:
        at = trouble_at(line)
        start = max(at - width // 4, 0) if not start <= at < start + width * 3 // 4 else start
    text = line[start : start + width]
    if number is None:
        yield f"~ not kept: {text}"
        return
    yield f"{number}| {text}"
    if len(text) < len(line) and (trouble or start):
        part = f"characters {start + 1} to {start + len(text)} of {len(line)}"
        yield f"~ these are {part}"


def counted(number: int, word: str) -> str:
    """`1 line`, `2 lines`."""
    return f"{number:,} {word}{'' if number == 1 else 's'}"
