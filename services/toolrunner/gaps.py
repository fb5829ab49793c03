"""Marks in a text that was condensed as it came: where lines are missing, and what of.

The text goes on to be cleaned before anybody looks at it, so the marks stand in it. Who reads them
knows them by a word that nobody else does: neither a server nor what it reads can write one.
At a mark the lines beside it may be there for cleaning alone, for a secret may begin in the line
before, or end in the line behind; they are not stored.
"""

import hashlib
import json
import re
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from services.toolrunner.condense_groups import Counted

MARK = secrets.token_hex(16)
"""The word of this process."""
_MISSING = re.compile(rf"-- {MARK} (\d{{1,12}}) ([01])([01])")
_TOLD = re.compile(rf"^-- {MARK} (\{{.*\}})$", re.MULTILINE)


@dataclass(frozen=True)
class Gone:
    """What of an answer is not stored, because it was condensed as it came.

    `start` lines are its start and `middle` were chosen from its middle. `kinds` of lines are not
    shown, `broken` were too long for one line. `why` it was not read to its end, if it was not.
    """

    lines: int = 0
    size: int = 0
    missing: int = 0
    start: int = 0
    middle: int = 0
    stored: int = 0
    kinds: int = 0
    broken: int = 0
    why: str = ""
    counts: Mapping[int, Counted] = field(default_factory=dict)

    @property
    def words(self) -> str:
        """That in a sentence; empty when nothing is missing."""
        if not self.lines:
            return ""
        said = [
            f"of {self.lines:,} lines ({self.size:,} bytes) {self.missing:,} were condensed as "
            f"they came and are not stored"
        ]
        if self.start:
            end = self.start + self.middle
            middle = f", to {end:,} the first of their kind from its middle" if self.middle else ""
            said.append(f"lines 1 to {self.start:,} are its start{middle}, the rest is its end")
        said.append("counts are of all of it" if self.counts else "counts are of what is stored")
        if self.kinds:
            said.append(f"of {self.kinds:,} kinds of lines none is stored")
        if self.broken:
            said.append(f"{self.broken:,} very long lines are broken into pieces")
        return "; ".join([*said, *([self.why] if self.why else [])])


NOTHING = Gone()


def mark_for(token: str) -> str:
    """The word of a server that is reached with that token, such as our own."""
    return hashlib.sha256(f"nightshift gaps {token}".encode()).hexdigest()[:32]


def missing(lines: int, *, before: bool, behind: bool, mark: str = MARK) -> str:
    """The mark for so many missing lines, and whether those beside it are there to be cleaned."""
    # What begins with a dash is no value that goes on from the line above.
    return f"-- {mark} {lines} {before:d}{behind:d}"


def told(gone: Gone, *, mark: str = MARK) -> str:
    """The last line of such a text."""
    return f"-- {mark} {json.dumps(vars(gone), separators=(',', ':'))}"


def taken(text: str) -> tuple[str, Gone]:
    """The text, still with marks where lines are missing, and what is told in its last line."""
    if MARK not in text:
        return text, NOTHING
    found = [json.loads(each[1]) for each in _TOLD.finditer(text)]
    if not found:
        return text, NOTHING
    every = [
        Gone(**each | {"counts": {int(at): (n, m) for at, (n, m) in each["counts"].items()}})
        for each in found
    ]
    text = _TOLD.sub("", text).rstrip("\n")
    if len(every) == 1:
        return text, every[0]
    # Of an answer in several parts the places in each are not known.
    parts = {name: sum(getattr(each, name) for each in every) for name in ("lines", "size")}
    gone = {name: sum(getattr(each, name) for each in every) for name in ("missing", "broken")}
    return text, Gone(**parts, **gone)


def closed(text: str, gone: Gone) -> tuple[str, Gone]:
    """The text as it is stored, without marks and what stood beside them for cleaning."""
    if not gone.lines:
        return text, gone
    lines: list[str] = []
    skip = False
    for line in text.split("\n"):
        found = _MISSING.fullmatch(line)
        if found:
            if found[2] == "1" and lines:
                lines.pop()
            skip = found[3] == "1"
        elif skip:
            skip = False
        else:
            lines.append(line)
    # Cleaning makes one line of a key that stood on many; then no line is where it was.
    if len(lines) != gone.stored:
        gone = replace(gone, counts={}, start=0)
    return "\n".join(lines), gone
