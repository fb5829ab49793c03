"""What an answer may be, checked on its bytes as they arrive: size, depth, number of values.

Nothing is parsed before: a parser turns three bytes into hundreds, and some end at deep nesting.
"""

import re
from collections.abc import Iterator

MOST_DEEP = 64
MOST_VALUES = 100_000
"""Empty ones cost the most: a megabyte of `{"type":"text","text":""},` became 70 MB of objects."""
LINES_A_SECOND = 200
"""Of a stream of events, read at most, after as many at once; an answer is four of them."""
MESSAGES_AT_ONCE, MESSAGES_A_SECOND = 200, 50
"""Of a process, where each line may be one: handling it takes half a millisecond of the loop."""
TOO_LARGE = "the answer is larger than allowed"
TOO_DEEP = f"the answer is nested more than {MOST_DEEP} deep"
TOO_MANY = f"the answer holds more than {MOST_VALUES} values"
REFUSALS = (TOO_LARGE, TOO_DEEP, TOO_MANY)

_INSIDE = re.compile(rb'[^"\\]*+(?:\\.[^"\\]*+)*+', re.DOTALL)
"""A string from wherever it was reached: to its closing quote, or to the end of what there is."""
_BRACKETS = re.compile(rb"[\[{]+|[\]}]+")
_WIDE = re.compile(rb"[\xc4-\xff]|\\u(?:0[^0]|[^0])")
"""A character, as itself or escaped, with which every one of its string takes two or four bytes."""
WIDE_COST = 3
_LINE_END = re.compile(rb"\r\n|\r|\n")
_DATA = b"data:"


class Shape:
    """Follows one JSON text, or one stream of server-sent events, through chunks of any size.

    It is right about whatever a parser would accept; of anything else a parser sees the beginning
    up to the first error, and so far it is right too.
    """

    def __init__(self, most_bytes: int, *, events: bool = False) -> None:
        self._most = self._left = most_bytes
        self._tail: bytes | None = b""
        self.events = events
        self._lines = _DataLines()
        self._depth = self._values = self._strings = 0
        self._in_string = False
        self._held = b""

    def problem(self, chunk: bytes) -> str:
        """Why reading must stop here, one of `REFUSALS`; empty: it may go on."""
        self._left -= len(chunk)
        self._look_for_wide(chunk)
        if self._left < 0:
            return TOO_LARGE
        if not self.events:
            return self._followed(chunk)
        self._values += len(_LINE_END.findall(chunk))
        if self._values > MOST_VALUES:
            return TOO_MANY
        for piece, is_new in self._lines.of(chunk):
            if is_new:  # a string does not go on over the end of a line
                self._in_string, self._held = False, b""
            if problem := self._followed(piece):
                return problem
        return ""

    def _look_for_wide(self, chunk: bytes) -> None:
        """The first one takes what such text will cost off the limit."""
        if self._tail is None:
            return
        chunk = self._tail + chunk
        if _WIDE.search(chunk):
            self._tail, self._left = None, self._left - self._most + self._most // WIDE_COST
        else:
            self._tail = chunk[-3:]

    def _followed(self, chunk: bytes) -> str:
        chunk, at = self._held + chunk, 0
        self._held = b""
        while at < len(chunk):
            if self._in_string:
                at = self._through_string(chunk, at)
                continue
            quote = chunk.find(b'"', at)
            end = len(chunk) if quote < 0 else quote
            if problem := self._between(chunk[at:end]):
                return problem
            self._in_string, at = quote >= 0, end + 1
            self._strings += self._in_string
            # Every value is preceded by a comma or a bracket, and brings at most a name with it.
            if self._strings > 2 * MOST_VALUES:
                return TOO_MANY
        return ""

    def _through_string(self, chunk: bytes, at: int) -> int:
        found = _INSIDE.match(chunk, at)
        end = found.end() if found else at
        if end == len(chunk):
            return end
        if chunk[end : end + 1] == b"\\":  # what it escapes is still to come
            self._held = chunk[end:]
            return len(chunk)
        self._in_string = False
        return end + 1

    def _between(self, piece: bytes) -> str:
        """Commas and brackets outside of strings."""
        self._values += piece.count(b",") + piece.count(b"[") + piece.count(b"{")
        if self._values > MOST_VALUES:
            return TOO_MANY
        for run in _BRACKETS.findall(piece):
            deeper = len(run) if run[:1] in b"[{" else -len(run)
            self._depth = max(0, self._depth + deeper)
            if self._depth > MOST_DEEP:
                return TOO_DEEP
        return ""


class _DataLines:
    """The `data:` lines of a stream of events, which alone are given to a parser."""

    def __init__(self) -> None:
        self._head = b""
        self._is_data: bool | None = None

    def of(self, chunk: bytes) -> Iterator[tuple[bytes, bool]]:
        """Their pieces, and whether a piece begins a line."""
        for number, line in enumerate(_LINE_END.split(chunk)):
            if number:
                self._head, self._is_data = b"", None
            is_new, piece = self._is_data is None, line
            if is_new:
                piece = self._head + line
                if len(piece) < len(_DATA):
                    self._head = piece
                    continue
                self._is_data = piece.startswith(_DATA)
                piece = piece[len(_DATA) :]
            if self._is_data:
                yield piece, is_new
