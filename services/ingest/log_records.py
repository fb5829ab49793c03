"""Log lines put together to errors: a line that says one, and the stack that follows it. Pure."""

import re
from collections.abc import Iterable
from dataclasses import dataclass, field

from services.ingest.fields import Document, first, text
from services.ingest.log_fields import fields_of
from services.ingest.log_levels import Line, lambda_failure, understood, without_level

_FOLLOWS = re.compile(
    r"\s|at |Caused by:|\.\.\. \d|--- End of|---> |Traceback \(most|During handling of|"
    r"The above exception|goroutine \d|created by |\[signal |[\w./*()$-]+\([^ ]{0,80}\)$|"
    r"(?:END|REPORT) RequestId: "
)
_ONLY_CATEGORY = re.compile(r"[\w.`]+\[\d+\]\s*")
_TIMED_OUT = re.compile(r"Task timed out after \d|^(?:INIT_)?REPORT .{0,2000}\bStatus: timeout")
_FAILED = re.compile(r"^(?:INIT_)?REPORT .{0,2000}\bStatus: error\s+Error Type: (?P<kind>[\w.]+)")
_THROWN_JSON = re.compile(r"^(?P<said>[^{}\n]{0,200}?)\s*(?=\{\"errorType\":)")
_TRACEBACK = "Traceback (most"


@dataclass
class Record:
    """One error: its first line, when that was, and every message that belongs to it."""

    line: Line
    at: object
    messages: list[str] = field(default_factory=list)
    in_traceback: bool = False
    """Whether the line that names Python's exception is still to come."""

    @property
    def title(self) -> str:
        """The line that says what went wrong."""
        said = _of_lambda(self.line) or without_level(self.line.said)
        if said.startswith(_TRACEBACK):
            return self._last_unindented() or said
        if _ONLY_CATEGORY.fullmatch(said.partition("\n")[0]):
            return " ".join(f"{said} {' '.join(self.messages[1:2])}".split())
        cause = first(self.line.fields.get(name) for name in ("error", "err"))
        return f"{said.partition(chr(10))[0]}: {cause}" if cause and cause not in said else said

    def add(self, message: str) -> None:
        """The message belongs to it."""
        self.messages.append(message)
        for line in message.splitlines():
            if line.startswith(_TRACEBACK):
                self.in_traceback = True
            elif line and not line[0].isspace():
                self.in_traceback = False

    def _last_unindented(self) -> str:
        lines = (line for message in self.messages for line in message.splitlines())
        told = [line for line in lines if line.strip() and not line[0].isspace()]
        return "" if told[-1:] and told[-1].startswith(_TRACEBACK) else "".join(told[-1:])


def _of_lambda(line: Line) -> str:
    """What went wrong where Lambda tells it in a form of its own; else nothing."""
    if _TIMED_OUT.search(line.said):
        return "Task timed out"
    if failed := _FAILED.match(line.said):
        return failed["kind"]
    if failure := lambda_failure(line.fields):
        return failure
    if line.fields:
        return _of_fields(line)
    said = without_level(line.said)
    if thrown := _THROWN_JSON.match(said):
        told = fields_of(said[thrown.end() :].partition("\n")[0])
        kind, words = text(told.get("errortype")), text(told.get("errormessage"))
        return f"{thrown['said']} {kind}: {words}".strip() if kind else ""
    return ""


def _of_fields(line: Line) -> str:
    names = ("", "message.")
    kinds = ((name, text(line.fields.get(f"{name}errortype"))) for name in names)
    prefix, kind = next(((name, kind) for name, kind in kinds if kind), ("", ""))
    if not kind or (kind in line.said and not prefix):
        return ""
    words = text(line.fields.get(f"{prefix}errormessage")) or ("" if prefix else line.said)
    return f"{kind}: {words}"


def records_of(events: Iterable[Document]) -> list[Record]:
    """The errors of a batch in their order; everything else is left out."""
    found: list[Record] = []
    last: Record | None = None
    for event in events:
        message = text(event.get("message")).rstrip()
        if not message:
            continue
        line = understood(message)
        if last is not None and _belongs(line, last):
            last.add(message)
            continue
        last = None
        if line.level in ("critical", "error"):
            last = Record(line, event.get("timestamp"))
            last.add(message)
            found.append(last)
    return found


def _belongs(line: Line, record: Record) -> bool:
    """Whether a line is of the error before it: a stack, or the exception behind its message."""
    if line.is_stated or line.fields:
        return False
    if record.in_traceback or _FOLLOWS.match(line.said):
        return True
    is_thrown = line.level in ("critical", "error")
    return is_thrown and record.line.is_stated and len(record.messages) == 1
