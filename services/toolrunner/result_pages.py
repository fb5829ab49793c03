"""`read_result`: pages of a stored result, by lines, by pattern, by a path into its JSON.

A page keeps the line numbers of its whole, so a quote from it names the whole. Only numbered lines
are quotable; every other line is ours and has no number.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from pydantic import JsonValue

from bus.errors import ToolFailed
from services.toolrunner.json_places import find

READ_RESULT = "read_result"
READ_RESULT_DESCRIPTION = (
    "Lines of a stored result (call_id: its id or trigger:<name>), narrowed by lines (120-180), "
    "pattern (RE2; (?i): any case), path into JSON (items[3].status)."
)
READ_RESULT_SCHEMA: dict[str, JsonValue] = {
    "type": "object",
    "properties": {
        "call_id": {"type": "string", "maxLength": 100},
        "pattern": {"type": "string", "minLength": 1, "maxLength": 500},
        "lines": {"type": "string", "pattern": "^[0-9]{1,9}(-[0-9]{0,9})?$"},
        "path": {"type": "string", "minLength": 1, "maxLength": 500},
    },
    "required": ["call_id"],
    "additionalProperties": False,
}
Pattern = Callable[[str], Callable[[str], int | None]]
"""Compiles a pattern in linear time; what it gives tells where a line matches, if it does.

Raises ToolFailed for a pattern that is none.
"""
_LINES = re.compile(r"(\d{1,9})(?:(-)(\d{0,9}))?$")
_WIDTH = 4_000


@dataclass(frozen=True)
class PageRequest:
    """Which lines of which stored result are wanted; nothing given: all, from the first on."""

    call_id: str
    lines: str = ""
    pattern: str = ""
    path: str = ""


def page_request(arguments: Mapping[str, JsonValue]) -> PageRequest:
    """The request in arguments that passed READ_RESULT_SCHEMA."""
    return PageRequest(
        call_id=str(arguments["call_id"]),
        lines=str(arguments.get("lines") or ""),
        pattern=str(arguments.get("pattern") or ""),
        path=str(arguments.get("path") or ""),
    )


def page(whole: str, wanted: PageRequest, *, cap: int, compiled: Pattern) -> str:
    """The wanted lines with the numbers of their whole. Raises ToolFailed when there are none."""
    if not whole:
        raise ToolFailed(f"{wanted.call_id} has no stored lines: it was an error, empty, or a page")
    lines = whole.split("\n")
    first, last = _range(wanted, len(lines))
    header = f"{wanted.call_id}: lines {first} to {last} of {len(lines)}"
    if wanted.path:
        place = find(whole, wanted.path)
        start, end = whole.count("\n", 0, place.start) + 1, whole.count("\n", 0, place.end) + 1
        first, last = max(first, start), min(last, end)
        if first > last:
            raise ToolFailed(f"{wanted.path} stands in lines {start} to {end}, not in that range")
        header = f"{wanted.call_id}: lines {first} to {last} of {len(lines)} hold {wanted.path}"
        if first == last and len(lines[first - 1]) > _WIDTH:
            # Of a line without end the value alone, which may be quoted as a part of it.
            lines[first - 1] = whole[place.start : place.end]
    places: dict[int, int] = dict.fromkeys(range(first, last + 1), 0)
    if wanted.pattern:
        match = compiled(wanted.pattern)
        found = ((number, match(lines[number - 1])) for number in places)
        places = {number: at for number, at in found if at is not None}
        header += f", {len(places)} of them match {wanted.pattern!r}"
    return "\n".join([header, *_fitting(lines, places, cap=cap)])


def _range(wanted: PageRequest, count: int) -> tuple[int, int]:
    """The first and the last line asked for: `7` is one line, `7-` all from there on."""
    if not wanted.lines:
        return 1, count
    found = _LINES.match(wanted.lines)
    if not found:
        raise ToolFailed(f"{wanted.lines!r} are no lines; lines are 120-180, 120- or 120")
    first = int(found[1])
    last = first if not found[2] else int(found[3]) if found[3] else count
    last = min(last, count)
    if not 1 <= first <= last:
        raise ToolFailed(f"{wanted.call_id} has {count} lines; that range holds none of them")
    return first, last


def _fitting(lines: Sequence[str], places: Mapping[int, int], *, cap: int) -> list[str]:
    """Numbered lines up to the cap, and where to go on; of very long ones the part at the place."""
    taken: list[str] = []
    width = cap if len(places) == 1 else min(_WIDTH, cap)
    for at, (number, place) in enumerate(places.items()):
        line, mark = lines[number - 1], f"{number}| "
        start = _start(line, place, width=width - len(mark))
        text = mark + line[start : start + max(width - len(mark), 0)]
        cap -= len(text) + 1
        if cap < 0 and taken:
            more = f"~ {len(places) - at} more, from line {number} on: ask with lines {number}-"
            return [*taken, more]
        taken.append(text)
        end = start + len(text) - len(mark)
        if start:
            where = "at both ends" if end < len(line) else "at its start"
            part = f"characters {start + 1} to {end} of {len(line)}"
            taken.append(f"~ line {number} is cut {where}: {part}")
        elif end < len(line):
            taken.append(f"~ line {number} is cut: it has {len(line)} characters")
    return taken


def _start(line: str, place: int, *, width: int) -> int:
    """Where the shown part of a line begins: at its start, if the place is well within it."""
    if len(line) <= width or place < width * 3 // 4:
        return 0
    return min(place - width // 4, len(line) - width)
