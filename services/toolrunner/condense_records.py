"""Records: a line of a log, with the lines that belong to it, such as the frames of a trace."""

import re
from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Literal

HEAD_LINES = 60
"""Of a longer record, such as a very deep trace, its head and tail are kept."""
TAIL_LINES = 20
MOST_CAUSES = 12
"""Of the lines between, so many that name a cause are kept too."""
LONGEST_FRAME = 500
Trace = Literal["", "python", "go", "over", "linked"]
LONGEST = 1_000
"""After so many lines a record is over, whatever follows."""
_PREFIX = re.compile(
    r"\[?\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d[\d.,]*(?:Z|[+-]\d\d:?\d\d)?\]?"
    r"(?: (?:stdout|stderr) [FP])? ?"
)
_GOES_ON = re.compile(
    r"\s|Caused by:|Suppressed: |\.\.\. \d+ more|[}\])]+[;,]?$"
    r"|During handling of the above|The above exception was|goroutine \d+|created by "
)
_CAUSE = re.compile(
    r"\s{0,40}(?:[Cc]aused by\b|Suppressed: |---> |[\w.$]{0,200}(?:Exception|Error)(?:: |$))"
    r"|[A-Za-z_][\w.]{0,200}(?:: |$)|\[signal "
)
_RUN = re.compile(r"[\"']?[A-Za-z0-9+/_-]{40,2000}={0,2}[\"',]{0,2}\s{0,4}")
_LAST_OF_TRACEBACK = re.compile(r"[\w.]+(?:: |$)")
_LINKS = ("During handling of the above", "The above exception was")
_GO_OPENINGS = ("panic: ", "fatal error: ")
_PREFIXED = frozenset("[0123456789")
_GO_FRAME = re.compile(r"[\w./*()\[\]-]+\(.*\)$|exit status \d+|\[signal ")


@dataclass(slots=True)
class Record:
    """Lines that belong together; `number` is that of the first, counted from 1."""

    number: int
    head: list[str]
    tail: deque[str] | tuple[()] = ()
    size: int = 1
    causes: list[tuple[int, str]] | tuple[()] = ()

    def add(self, line: str) -> None:
        """Take one more line; of many, those in the middle are let go, but for causes."""
        self.size += 1
        if len(self.head) < HEAD_LINES:
            self.head.append(line)
            return
        if not isinstance(self.tail, deque):
            self.tail = deque()
        self.tail.append(line)
        if len(self.tail) > TAIL_LINES:
            self._let_go(self.tail.popleft())

    @property
    def lines(self) -> Iterator[tuple[int, str]]:
        """The lines that are kept, with their numbers."""
        yield from enumerate(self.head, self.number)
        yield from self.causes
        yield from enumerate(self.tail, self.number + self.size - len(self.tail))

    def _let_go(self, line: str) -> None:
        if not is_cause(line):
            return
        found = [*self.causes, (self.number + self.size - TAIL_LINES - 1, line)]
        if len(found) > MOST_CAUSES:
            del found[MOST_CAUSES // 2]
        self.causes = found


def is_cause(line: str) -> bool:
    """Whether a line within a trace names what it is about, and not where."""
    return bool(_CAUSE.match(_body(line)))


class Records:
    """Takes the lines one after the other; every line is in exactly one record, in their order.

    `runs`: lines that look like base64 stay with what stands before them, so that of a secret that
    is wrapped over lines all is kept or nothing.
    """

    def __init__(self, *, runs: bool = False) -> None:
        self._runs = runs
        self._number = 0
        self._trace: Trace = ""
        self.current: Record | None = None

    def add(self, line: str) -> Record | None:
        """The record that is over with this line, which begins the next; None: it goes on."""
        self._number += 1
        body = _body(line) if line[:1] in _PREFIXED else line
        over = self.current
        if over is not None and over.size < LONGEST and self._belongs(body, over):
            over.add(line)
            self._trace = _begun(body) or _after(body, self._trace)
            return None
        self.current, self._trace = Record(self._number, [line]), _begun(body)
        return over

    def _belongs(self, body: str, over: Record) -> bool:
        if self._runs and is_run(body):
            return True
        return _belongs(body, over, trace=self._trace)


def records(lines: Iterable[str]) -> Iterator[Record]:
    """The lines as records, in their order; every line is in exactly one."""
    found = Records()
    for line in lines:
        if over := found.add(line):
            yield over
    if found.current is not None:
        yield found.current


def is_run(line: str) -> bool:
    """Whether a line may be one of many over which base64 is wrapped."""
    return bool(_RUN.fullmatch(line))


def _begun(body: str) -> Trace:
    """The kind of trace that a line opens."""
    if body.startswith("Traceback (most"):
        return "python"
    return "go" if body.startswith(_GO_OPENINGS) else ""


def _after(body: str, trace: Trace) -> Trace:
    """A traceback is over with the line that names the exception, if none is linked to it."""
    if trace == "over" and body.startswith(_LINKS):
        return "linked"
    indented = body[:1] in (" ", "\t", "")
    return "over" if trace == "python" and not indented else trace


def _belongs(body: str, current: Record, *, trace: Trace) -> bool:
    if _GOES_ON.match(body):
        return True
    if trace == "go":
        return not body or (len(body) < LONGEST_FRAME and bool(_GO_FRAME.match(body)))
    if trace == "python":
        # The frames are indented; the first line after them that is not, names the exception.
        return not body or (current.size > 1 and bool(_LAST_OF_TRACEBACK.match(body)))
    if trace == "linked":
        return not body or body.startswith("Traceback (most")
    return trace == "over" and not body


def _body(line: str) -> str:
    found = _PREFIX.match(line)
    return line[found.end() :] if found else line
