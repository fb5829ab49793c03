"""What is kept of a text that is longer than may be stored: its start, its end, what is shown.

The kept lines are one text of their own, and the numbers that the model sees are its. So a quote
can be checked, and a page be read, without a second way of counting.
"""

import zlib
from bisect import bisect_left
from collections import deque
from collections.abc import Iterable

from services.toolrunner.gaps import NOTHING, Gone

HEAD_SHARE = 0.55
TAIL_SHARE = 0.3
"""The rest is for lines that are shown of the middle."""
LONGEST_SHARE = 0.25
"""A single line that is longer than this part of the room is cut."""


class _Cut(str):
    """The start of a line that was too long to be kept."""


class Kept:
    """The lines of a text, as many as `most` bytes hold."""

    def __init__(self, most: int, *, gone: Gone = NOTHING) -> None:
        self.gone = gone
        self._most = max(most, 0)
        self._head: list[str] = []
        self._tail: deque[str] = deque()
        self._pinned: dict[int, str] = {}
        self._order: list[int] = []
        self._head_room = int(HEAD_SHARE * self._most)
        self._tail_room = int(TAIL_SHARE * self._most)
        self._pinned_room = self._most - self._head_room - self._tail_room
        self._longest = max(int(LONGEST_SHARE * self._most), 1)
        self.lines = 0
        self.size = 0
        self.cut = 0

    def take(self, lines: Iterable[str]) -> Iterable[str]:
        """The same lines, each kept on its way."""
        for line in lines:
            self.add(line)
            yield line

    def add(self, line: str) -> None:
        """Keep one more line, at the price of one that came long before."""
        self.lines += 1
        size = size_of(line)
        self.size += size
        if size > self._longest:
            line = _Cut(line[: self._longest // 4])
            size, self.cut = size_of(line), self.cut + 1
        if not self._tail and size <= self._head_room:
            self._head.append(line)
            self._head_room -= size
            return
        self._tail.append(line)
        self._tail_room -= size
        while self._tail_room < 0:
            self._tail_room += size_of(self._tail.popleft())

    def pin(self, lines: Iterable[tuple[int, str]]) -> None:
        """Keep these lines by their number, where they are not kept already and room is left."""
        first, last = self.gap
        for number, line in lines:
            if first <= number <= last and number not in self._pinned:
                self._pinned_room -= size_of(line)
                if self._pinned_room < 0:
                    return
                self._pinned[number] = line

    @property
    def gap(self) -> tuple[int, int]:
        """The first and the last line that may be missing; the first is greater when none is."""
        return len(self._head) + 1, self.lines - len(self._tail)

    @property
    def ends(self) -> tuple[list[str], deque[str]]:
        """The lines of its start and of its end."""
        return list(self._head), deque(self._tail)

    @property
    def missing(self) -> int:
        """How many lines are not kept."""
        first, last = self.gap
        return max(last - first + 1 - len(self._pinned), 0)

    @property
    def stored(self) -> int:
        """How many bytes the kept lines take, before they are compressed."""
        kept = (self._head, self._tail, self._pinned.values())
        return sum(size_of(line) for lines in kept for line in lines)

    def place(self, number: int) -> int | None:
        """The number of a line among the kept ones; None when it is not kept, or not in full."""
        first, last = self.gap
        if number < first:
            return None if isinstance(self._head[number - 1], _Cut) else number
        if number > last:
            cut = isinstance(self._tail[number - last - 1], _Cut)
            return None if cut else number - self.missing
        if number not in self._pinned:
            return None
        if len(self._order) != len(self._pinned):
            self._order = sorted(self._pinned)
        return first + bisect_left(self._order, number)

    def text(self) -> str:
        """The kept lines, as they are stored."""
        pinned = (self._pinned[number] for number in sorted(self._pinned))
        return "\n".join([*self._head, *pinned, *self._tail])

    def smaller(self, most: int) -> "Kept":
        """What is kept of it where less room is left."""
        less = Kept(most, gone=self.gone)
        first, last = self.gap
        for line in self._head:
            less.add(line)
        if self.missing:
            less._head_room = 0  # what follows the gap is no start
        for line in self._tail:
            less.add(line)
        less.lines += last - first + 1
        less.size, less.cut = self.size, self.cut + less.cut
        return less


def packed_size(text: str) -> int:
    """How many bytes the text takes where it is stored."""
    return len(zlib.compress(text.encode()))


def size_of(line: str) -> int:
    """How many bytes a line takes, with its end."""
    return 1 + (len(line) if line.isascii() else len(line.encode()))
