"""Whether a stream was wiped or blocked, told from how it looked before.

Whoever may append to a stream may also empty it (`MAXLEN 0`), or block it for good with an id that
lies far ahead (security.md, T15). Neither looks like a loss of the store: trimming takes the oldest
first, too, and ids only ever grow. But trimming leaves what is young, and ids follow Redis' clock.
"""

from collections import deque
from dataclasses import dataclass, field

AHEAD_SECONDS = 60.0
"""Further ahead of Redis' clock no id of ours can be."""
MOST_REMEMBERED = 100
MARGIN_MS = 5000
"""Trimming may go on between the moment of a look and the look."""


@dataclass(frozen=True)
class Look:
    """A stream at one moment; ids as Redis writes them, empty where there is no entry."""

    at_ms: int
    oldest: str
    newest: str
    last: str
    """The last id that was given, though its entry may be gone."""

    @property
    def ahead_seconds(self) -> float:
        """How far the last id lies ahead of Redis' clock; 0 where it does not."""
        return max(0.0, (_parts(self.last)[0] - self.at_ms) / 1000)


@dataclass
class Watched:
    """What was seen of one stream, as far as it cannot have been trimmed yet."""

    kept_seconds: float
    _young: "deque[str]" = field(default_factory=deque)

    def wiped(self, look: Look) -> bool:
        """Whether an entry is gone that nobody may have trimmed yet; told once for each wipe."""
        before = look.at_ms - 1000 * self.kept_seconds + MARGIN_MS
        while self._young and _parts(self._young[0])[0] <= before:
            self._young.popleft()
        gone = bool(self._young) and (
            not look.oldest or _parts(look.oldest) > _parts(self._young[0])
        )
        if gone:
            self._young.clear()
        if look.newest:
            self._remember(look.newest)
        return gone

    def _remember(self, newest: str) -> None:
        """The newest always, and of those before it some, however long they stay young."""
        space_ms = 1000 * self.kept_seconds / MOST_REMEMBERED
        last = [_parts(each)[0] for each in list(self._young)[-2:]]
        if len(last) == 2 and last[1] - last[0] < space_ms:
            self._young.pop()
        if not self._young or self._young[-1] != newest:
            self._young.append(newest)


def _parts(entry_id: str) -> tuple[int, int]:
    milliseconds, _, number = (entry_id or "0-0").partition("-")
    return int(milliseconds), int(number or 0)
