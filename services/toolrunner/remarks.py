"""What our own servers say about what they read: that something is not there, not shown, or cut.

A remark is no fact that was read, so nobody may quote it: it is shown as `~ …` and is not stored.
On its way it is a line behind the word that marks gaps (`gaps`), which neither a server of others
nor what anybody reads can write. So a log's own line that looks the same stays a line of that log.
"""

import re
from collections.abc import Iterable, Sequence

from services.toolrunner.gaps import MARK

MOST_SHOWN = 2_000
"""Characters of all remarks on one answer."""
MOST_OF_ONE = 600
_REMARK = re.compile(rf"^-- {MARK} ~ (.*)(?:\n|\Z)", re.MULTILINE)


class Remark(str):
    """A line of ours in an answer; all other lines of it are facts that were read."""


def written(lines: Iterable[str], *, mark: str = MARK) -> str:
    """The lines as one text, in which the remarks are known by their mark."""
    return "\n".join(
        f"-- {mark} ~ {' '.join(line.split())}" if isinstance(line, Remark) else line
        for line in lines
    )


def told_apart(text: str) -> tuple[str, tuple[str, ...]]:
    """What was read, and the remarks on it."""
    if MARK not in text:
        return text, ()
    return _REMARK.sub("", text), tuple(found[1] for found in _REMARK.finditer(text))


def as_shown(remarks: Sequence[str], *, room: int = MOST_SHOWN) -> tuple[str, ...]:
    """The remarks as lines of a view, as many as there is room for, and at least one."""
    lines: list[str] = []
    for remark in remarks:
        line = f"~ {remark[:MOST_OF_ONE]}"
        room -= len(line) + 1
        if lines and room < 0:
            return (*lines, f"~ and {len(remarks) - len(lines)} more remarks")
        lines.append(line)
    return tuple(lines)
