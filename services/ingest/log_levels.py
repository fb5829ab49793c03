"""How bad a log line is, in the styles in which programs say it. Pure.

A level that the line states counts alone, be it a field or a word: `INFO no error` is none. Where
no level is stated, only what no healthy program prints counts: an exception by its name, a
traceback, a panic, and what Lambda says when it ends a function. What a stranger may have written
(a request, an address, what is quoted, values of JSON) states nothing.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from services.ingest.fields import Document, text
from services.ingest.log_fields import LEVEL_NAMES, TEXT_NAMES, fields_of
from services.ingest.log_heads import CRITICAL, ERROR, label_of, unquoted, without_colours

Level = Literal["critical", "error", "lower", "unstated"]
DEEPEST_TEXT = 3
LONGEST_READ = 5000

_OF_FIELDS = re.compile(f"(?P<critical>{CRITICAL})|(?P<error>{ERROR}|failed)")
_EXCEPTION_NAMES = frozenset(
    [
        "exception",
        "exc_info",
        "stack",
        "stacktrace",
        "stack_trace",
        "errortype",
        "error.type",
        "error.stack",
        "error.stack_trace",
        "err.stack",
        "exception.type",
        "exception.stacktrace",
        "@x",
    ]
)
_GLOG = re.compile(r"([EFWID])\d{4} \d\d:\d\d:\d\d")
_THROWN = re.compile(
    r"Traceback \(most recent call last\)"
    r"|(?:^|[\s\"':])(?:[A-Za-z_$][\w$]*\.)*[A-Z][\w$]*(?:Exception|Error)(?=\s{0,2}(?:[:(\[]|$|\n))"
    r"|\b[Uu]n(?:handled|caught) (?:[Ee]xception|[Ee]rror|promise rejection)"
    r"|\bgoroutine \d+ \[running\]|Task timed out after \d|Runtime exited with error"
    r"|^(?:INIT_)?REPORT .{0,2000}\bStatus: (?:timeout|error)"
    r"|Process exited before completing"
)
_PANIC = re.compile(r"^(?:panic|fatal error): |\b[Ss]egmentation fault\b|\bOutOfMemory")


@dataclass(frozen=True)
class Line:
    """One line as its program meant it: how bad, what it says, and the fields that came along."""

    level: Level
    said: str
    fields: Document
    is_stated: bool
    """Whether the line itself names its level, in a field or at its head; else words tell it."""


def understood(message: str) -> Line:
    """The line's level, its own text (of fields: their message) and its fields."""
    fields: dict[str, object] = {}
    level: Level = "unstated"
    said, is_text = without_colours(message), True
    for _ in range(DEEPEST_TEXT):
        here = fields_of(said)
        if not here:
            break
        fields |= here
        level = next(_stated(here), "unstated") if level == "unstated" else level
        inner = next((text(here[name]) for name in TEXT_NAMES if text(here.get(name))), "")
        if not inner:
            is_text = not said.lstrip().startswith("{")
            break
        said = without_colours(inner)
    is_stated = level != "unstated"
    if not is_stated and is_text:
        level, is_stated = _level_of_text(said)
    if level == "unstated" and any(fields.get(name) for name in _EXCEPTION_NAMES):
        level = "error"
    if level == "unstated" and lambda_failure(fields):
        level = "error"
    return Line(level, said, fields, is_stated)


def lambda_failure(fields: Document) -> str:
    """How Lambda itself says in its JSON logs that a function came to no end; nothing else."""
    if not text(fields.get("type")).startswith("platform."):
        return ""
    if fields.get("record.status") == "timeout":
        return "Task timed out"
    kind = text(fields.get("record.errortype"))
    return kind if kind.startswith("Runtime.") else ""


def without_level(said: str) -> str:
    """The text behind its level word; all of it where it has none."""
    label = label_of(said)
    return (said[label.end() :].lstrip(" \t])|>:\"',-") if label else "") or said


def _level_of_text(said: str) -> tuple[Level, bool]:
    """What its level word says, else whether something broke; and which of both it was."""
    said = said[:LONGEST_READ]
    if glog := _GLOG.match(said):
        return _of_letter(glog[1]), True
    if label := label_of(said):
        return _of_word(label[0]), True
    own = unquoted(said)
    if _PANIC.search(own):
        return "critical", False
    return ("error" if _THROWN.search(own) else "unstated"), False


def _stated(fields: Document) -> Iterator[Level]:
    for name in fields:
        if name not in LEVEL_NAMES:
            continue
        value = fields[name]
        if isinstance(value, str) and value.strip() and not value.strip().isdigit():
            yield _of_word(value.strip())
        elif (figure := text(value).strip()).isdigit() and len(figure) < 5:
            yield _of_number(name, int(figure), is_syslog="short_message" in fields)


def _of_word(word: str) -> Level:
    found = _OF_FIELDS.fullmatch(word.lower())
    if not found:
        return "lower"
    return "critical" if found["critical"] else "error"


def _of_letter(letter: str) -> Level:
    if letter == "F":
        return "critical"
    return "error" if letter == "E" else "lower"


def _of_number(name: str, number: int, *, is_syslog: bool) -> Level:
    """By whose scale it is: syslog (GELF), OpenTelemetry, Python, else pino and bunyan."""
    if is_syslog:
        return "critical" if number < 3 else "error" if number == 3 else "lower"
    if name.startswith("severity"):
        error, critical = 17, 21
    elif name == "levelno":
        error, critical = 40, 50
    else:
        error, critical = 50, 60
    return "critical" if number >= critical else "error" if number >= error else "lower"
