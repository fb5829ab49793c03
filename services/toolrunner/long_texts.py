"""A JSON-RPC message on its way to the parser: texts too long for it are condensed as they come.

A message is given on byte for byte, but for strings longer than may be read: one that is the value
of `text` becomes what is kept of it (`condense_stream`), any other becomes empty, for nobody reads
those. A line feed ends a message or an event, and a string never holds one.
"""

import codecs
import json
import re
from collections.abc import Callable, Iterator
from typing import Protocol

from services.toolrunner.condense_stream import Streamed
from services.toolrunner.gaps import MARK

MOST_OF_THEM = 16
"""A message may be so many times as long as a text that is read whole."""
TOO_LONG = "the answer is longer than can be condensed as it comes"
NOT_CONDENSED = "the answer is long, and the process that condenses such answers ended"
KEPT_SHARE = 0.2
"""Of what a text may have, for what is kept of a longer one: cleaning takes many times as much."""
_BUSY_BYTES = 32 * 1024
_SMALL_BYTES = 128 * 1024
"""A text is followed in a thread before it is longer than may be read, unless that is less."""
_INSIDE = re.compile(rb'[^"\\\r\n]*+(?:\\[^\r\n][^"\\\r\n]*+)*+')
_IS_TEXT = re.compile(rb'"text"\s*:\s*"$')
_LOOKS_BACK = 24
_WHOLE = re.compile(
    r'(?:[^"\\]++|\\["\\/bfnrt]|\\u(?![dD][89abAB])[0-9a-fA-F]{4}'
    r"|\\u[dD][89abAB][0-9a-fA-F]{2}(?:\\u[0-9a-fA-F]{4}|(?=[^\\]|\\[^u])))*+"
)
_LONGEST_ESCAPE = 12
_BRACKET = re.compile(rb"[\[\]{}]")
_CLOSING = {b"[": b"]", b"{": b"}"}
_DEEPEST = 1_000
_NO_JSON = b"\\q"
"""Where a text is no JSON, the parser is to say so."""


class NotCondensed(Exception):
    """What was kept of a text is lost, and the text with it."""


class Condensed(Protocol):
    """What is kept of a string whose content comes in pieces."""

    def add(self, piece: bytes) -> None:
        """The next piece of it. Raises NotCondensed."""
        ...

    def content(self, why: str) -> bytes:
        """What is kept of it, as JSON; `why` the rest was not read. Raises NotCondensed."""
        ...

    def drop(self) -> None:
        """Nobody asks for it any more. This takes no time."""
        ...


Condense = Callable[[int], Condensed]
"""Begins a text of which some so many bytes may be kept. Raises NotCondensed."""


class LongTexts:
    """Follows the messages of a connection, or one answer, through chunks of any size."""

    def __init__(
        self, most: int, *, in_all: int, by_line: bool = False, condense: Condense | None = None
    ) -> None:
        self._most, self._left = most, most
        self._by_line = by_line
        self._condense = condense or Unescaped
        self._unread = in_all
        self._is_lost = self._is_over = False
        self._string: _String | None = None
        self._before = self._held = b""
        self._open = bytearray()

    @property
    def can_be_cut(self) -> bool:
        """Whether what came is of worth without the rest: a long text is under way."""
        return self._string is not None and self._string.is_cut_short

    def cut(self, why: str, *, request: str) -> bytes:
        """The end of a message whose rest is not read, as the answer to that request (its JSON)."""
        if self._string is None:
            return b""
        try:
            content = self._string.content(why)
        except NotCondensed:
            self._is_lost = True
            return b""
        end = content + b'"' + bytes(reversed(self._open[1:]))
        return end + b',"jsonrpc":"2.0","id":%s}' % request.encode()

    @property
    def busy(self) -> bool:
        """Whether the next chunk may take long, so that it should be followed in a thread."""
        if self._most < _SMALL_BYTES:
            return True
        return self._string is not None and self._string.size > _BUSY_BYTES

    @property
    def problem(self) -> str:
        """Why reading must stop here; empty: it may go on."""
        if self._is_lost:
            return NOT_CONDENSED
        return TOO_LONG if self._unread < 0 else ""

    def close(self) -> None:
        """Nothing is read any more; what is kept of a text under way is dropped.

        It may be called while a thread follows a chunk, which then drops what it still began.
        """
        self._is_over = True
        if self._string is not None:
            self._string.drop()

    def through(self, chunk: bytes) -> bytes:
        """What is given on of the chunk, and of what was held back of those before."""
        self._unread -= len(chunk)
        if self.problem:
            return b""
        chunk, self._held = self._held + chunk, b""
        try:
            return b"".join(self._followed(chunk))
        except NotCondensed:
            self._is_lost = True
            return b""
        finally:
            if self._is_over:
                self.close()

    def _followed(self, chunk: bytes) -> Iterator[bytes]:
        at = 0
        while at < len(chunk):
            if self._string is None:
                quote = chunk.find(b'"', at)
                end = quote + 1 if quote >= 0 else len(chunk)
                yield self._outside(chunk[at:end])
                if quote >= 0:
                    is_text = bool(_IS_TEXT.search(self._before))
                    most = self._left if is_text else self._most
                    self._string = _String(most, self._condense if is_text else None)
                at = end
                continue
            found = _INSIDE.match(chunk, at)
            end = found.end() if found else at
            self._string.add(chunk[at:end])
            if end == len(chunk) - 1 and chunk.endswith(b"\\"):
                self._held, end = chunk[end:], len(chunk)
            elif end < len(chunk):
                yield self._over(self._string)
                if chunk[end : end + 1] == b'"':
                    yield b'"'
                    end += 1
            at = end

    def _outside(self, piece: bytes) -> bytes:
        if self._by_line and b"\n" in piece:  # a message ends with its line
            self._left = self._most
            self._open.clear()
        for bracket in _BRACKET.findall(piece):
            if bracket in _CLOSING:
                self._open += _CLOSING[bracket]
            else:
                del self._open[-1:]
        del self._open[_DEEPEST:]
        self._before = (self._before + piece)[-_LOOKS_BACK:]
        return piece

    def _over(self, string: "_String") -> bytes:
        """The content of a string that is over; its quote is still to come."""
        content = string.content()
        if string.condense:
            self._left = max(self._left - len(content), 0)
        self._string = None
        self._before = (self._before + content[-_LOOKS_BACK:] + b'"')[-_LOOKS_BACK:]
        return content


class _String:
    """The content of one string, as it was written, or what is kept of a longer one."""

    def __init__(self, most: int, condense: Condense | None) -> None:
        self._most, self.condense = most, condense
        self._pieces: list[bytes] = []
        self._kept: Condensed | None = None
        self.size = 0

    def add(self, piece: bytes) -> None:
        """The next piece; it ends with a whole escape, or within one of a code."""
        self.size += len(piece)
        if self.size <= self._most:
            self._pieces.append(piece)
            return
        if self.condense:
            self._kept = self._kept or self.condense(int(KEPT_SHARE * self._most))
            for each in (*self._pieces, piece):
                self._kept.add(each)
        self._pieces.clear()

    @property
    def is_cut_short(self) -> bool:
        """Whether it is condensed."""
        return self._kept is not None

    def content(self, why: str = "") -> bytes:
        """What is given on of it; `why` the rest was not read, if it was not."""
        return self._kept.content(why) if self._kept else b"".join(self._pieces)

    def drop(self) -> None:
        """What is kept of it is not asked for any more."""
        if self._kept:
            self._kept.drop()


class Unescaped:
    """A string whose content is condensed as it comes; it stands in lines with that mark."""

    def __init__(self, most: int, *, mark: str = MARK) -> None:
        self._kept, self._mark = Streamed(most), mark
        self._letters = codecs.getincrementaldecoder("utf-8")("replace")
        self._rest = ""
        self._is_json = True

    def add(self, piece: bytes) -> None:
        """The next piece of it."""
        text = self._rest + self._letters.decode(piece)
        found = _WHOLE.match(text)
        end = found.end() if found else 0
        self._rest = text[end:]
        if len(self._rest) > _LONGEST_ESCAPE:
            self._is_json, self._rest = False, ""
        if self._is_json:
            plain = json.loads(f'"{text[:end]}"', strict=False)
            # Half a pair of codes is no letter.
            self._kept.add(plain.encode("utf-8", "replace").decode())

    def content(self, why: str) -> bytes:
        """What is kept of it, as JSON."""
        if not self._is_json or (self._rest and not why):
            return _NO_JSON
        text = self._kept.text(why=why, mark=self._mark)
        return json.dumps(text, ensure_ascii=False).encode("utf-8", "replace")[1:-1]

    def drop(self) -> None:
        """It is gone with whoever holds it."""
