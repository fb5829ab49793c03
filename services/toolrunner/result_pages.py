"""What the model is shown of a stored text: numbered lines under a header of ours, within a cap.

Only numbered lines are quotable. Every other line is ours and has no number.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from pydantic import JsonValue

from bus.errors import ToolFailed

READ_RESULT = "read_result"
READ_RESULT_DESCRIPTION = (
    "Lines of a result that is already stored, with their numbers: of call_id (or trigger:<name>), "
    "from first_line to last_line, only those that contain a text."
)
READ_RESULT_SCHEMA: dict[str, JsonValue] = {
    "type": "object",
    "properties": {
        "call_id": {"type": "string", "maxLength": 100},
        "first_line": {"type": "integer", "minimum": 1},
        "last_line": {"type": "integer", "minimum": 1},
        "contains": {"type": "string", "minLength": 1, "maxLength": 200},
    },
    "required": ["call_id"],
    "additionalProperties": False,
}
HEAD_SHARE = 4
"""Of a text that is too long, a fourth of the cap goes to its start and the rest to its end."""


@dataclass(frozen=True)
class PageRequest:
    """Which lines of which stored result are wanted."""

    call_id: str
    first_line: int = 1
    last_line: int | None = None
    contains: str = ""


def page_request(arguments: Mapping[str, JsonValue]) -> PageRequest:
    """The request in arguments that passed READ_RESULT_SCHEMA."""
    first, last = arguments.get("first_line"), arguments.get("last_line")
    return PageRequest(
        call_id=str(arguments["call_id"]),
        first_line=first if isinstance(first, int) else 1,
        last_line=last if isinstance(last, int) else None,
        contains=str(arguments.get("contains") or ""),
    )


def shown(header: str, whole: str, *, cap: int) -> str:
    """The whole with numbered lines; of one longer than `cap` characters its start and its end."""
    lines = _numbered(whole)
    if sum(len(line) + 1 for line in lines) <= cap:
        return "\n".join([header, *lines])
    head = _fitting(lines, cap // HEAD_SHARE)
    tail = _fitting(reversed(lines[len(head) :]), cap - cap // HEAD_SHARE)
    tail.reverse()
    first, last = len(head) + 1, len(lines) - len(tail)
    left_out = f"(lines {first} to {last} are left out here: read them with {READ_RESULT})"
    return "\n".join([header, *head, *([left_out] if last >= first else []), *tail])


def page(whole: str, wanted: PageRequest, *, cap: int) -> str:
    """The wanted lines with the numbers of their whole. Raises ToolFailed when there are none."""
    lines = _numbered(whole)
    if not lines:
        raise ToolFailed(f"{wanted.call_id} has no stored lines: it was an error, empty, or a page")
    last_line = min(wanted.last_line or len(lines), len(lines))
    if wanted.first_line > last_line:
        raise ToolFailed(f"{wanted.call_id} has {len(lines)} lines; that range holds none of them")
    numbers = range(wanted.first_line, last_line + 1)
    texts = whole.split("\n")
    found = [number for number in numbers if wanted.contains in texts[number - 1]]
    fitting = _fitting((lines[number - 1] for number in found), cap)
    header = f"{wanted.call_id}: lines {wanted.first_line} to {last_line} of {len(lines)}"
    if wanted.contains:
        header += f", {len(found)} of them contain {wanted.contains!r}"
    if len(fitting) < len(found):
        more = f"(more from line {found[len(fitting)]} on: ask with first_line)"
        return "\n".join([header, *fitting, more])
    return "\n".join([header, *fitting])


def _numbered(whole: str) -> list[str]:
    if not whole:
        return []
    return [f"{number}| {line}" for number, line in enumerate(whole.split("\n"), start=1)]


def _fitting(lines: Iterable[str], cap: int) -> list[str]:
    """Lines up to the cap; a first line that is longer than the cap is cut at it."""
    taken: list[str] = []
    left = cap
    for line in lines:
        if len(line) + 1 > left:
            return taken or [line[:cap]]
        taken.append(line)
        left -= len(line) + 1
    return taken
