"""The two forms of a tool's answer: the whole that is stored, and the view that the model is shown.

A short answer is shown as it is, with numbered lines. A longer one is shown by what it is: a log
by groups of like lines, JSON by its records, source and the rest by start, landmarks and end. An
answer beyond what may be stored is condensed as it streams: what is stored of it is its start, its
end and the lines that are shown, and the view says what it lacks.
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import chain, islice

from services.toolrunner.condense_groups import Group, Groups
from services.toolrunner.condense_json import records_of
from services.toolrunner.condense_kept import Kept, packed_size
from services.toolrunner.condense_kinds import SAMPLE, Kind, is_source, kind_of
from services.toolrunner.condense_records import records
from services.toolrunner.condense_view import counted, grouped, numbered, selected
from services.toolrunner.gaps import NOTHING, Gone
from services.toolrunner.json_places import is_json, laid_out

MOST_STORED = 8 * 1024 * 1024
"""Bytes of one result where it is stored, which is compressed."""
WHOLE: dict[Kind | str, int] = {
    "log": 6_000,
    "json": 12_000,
    "rows": 12_000,
    "text": 12_000,
    "diff": 16_000,
    "source": 24_000,
}
"""A text of so many characters is shown whole."""
VIEW_CHARACTERS = 16_000
"""Most characters of a condensed view; a text that would not get much shorter is shown whole."""
LEGEND = (
    "~ condensed: only numbered lines (`12| text`) may be quoted, lines with ~ are ours; "
    "long lines are cut; for the rest use read_result with lines, pattern or path"
)
_RAW_FOR_PACKED = 2
_WORTH_IT = 0.7
_DEFINES = re.compile(
    r"^\s*(?:export |public |private |protected |internal |static |async |abstract |final |pub )*"
    r"(?:def|class|func|function|fn|impl|interface|struct|enum|type|module|namespace|trait)\b"
)
_DIFF_MARK = re.compile(r"^(?:diff --git |\+\+\+ |@@ )")


@dataclass(frozen=True)
class Condensed:
    """What is stored and what is shown. `lacks` says what of the answer is neither."""

    whole: str
    shown: tuple[str, ...]
    lines: int
    lacks: str = ""


def condensed(
    tool: str, text: str, *, cap: int, keep: int = MOST_STORED, gone: Gone = NOTHING
) -> Condensed:
    """Both forms of an answer, of which at most `keep` bytes are stored, compressed.

    `gone` is what the answer had and the text has not.
    """
    text = text.rstrip("\n")
    if not text:
        return Condensed("", (), 0)
    if not gone.lines and len(text) <= MOST_STORED and is_json(text):
        return _of_json(laid_out(text), cap=cap, keep=keep)
    return condense(_lines(text), tool=tool, cap=cap, keep=keep, gone=gone)


def condense(
    lines: Iterable[str], *, tool: str, cap: int, keep: int = MOST_STORED, gone: Gone = NOTHING
) -> Condensed:
    """Both forms of the lines, each looked at once; time is linear, memory bounded by `keep`."""
    kept = Kept(_RAW_FOR_PACKED * keep, gone=gone)
    stream = iter(kept.take(lines))
    sample = list(islice(stream, SAMPLE))
    kind = kind_of(tool, sample)
    groups: list[Group] = []
    if kind == "source" and is_source(tool):
        for _ in stream:
            pass
    else:
        groups = Groups(gone.counts).take(records(chain(sample, stream))).in_order
    return _formed(kept, groups, kind=kind, cap=cap, keep=keep)


def _of_json(text: str, *, cap: int, keep: int) -> Condensed:
    kept = Kept(_RAW_FOR_PACKED * keep)
    for line in _lines(text):
        kept.add(line)
    found = records_of(text) if len(text) > WHOLE["json"] else iter(())
    return _formed(kept, Groups().take(found).in_order, kind="json", cap=cap, keep=keep)


def _formed(kept: Kept, groups: list[Group], *, kind: Kind | str, cap: int, keep: int) -> Condensed:
    kept = _fitting(kept, groups, keep=keep)
    whole, lacks = kept.text(), _lacks(kept)
    plain = whole.split("\n") if kept.stored else []
    length = len(whole) + 6 * len(plain)
    if not lacks and length <= min(WHOLE[kind], cap):
        return Condensed(whole, tuple(numbered(plain)), kept.lines)
    room = min(cap, VIEW_CHARACTERS if kind != "source" else WHOLE["source"])
    view = _view(kept, groups, plain=plain, kind=kind, room=room - len(LEGEND) - len(lacks) - 3)
    if not lacks and length <= room and sum(map(len, view)) > _WORTH_IT * length:
        return Condensed(whole, tuple(numbered(plain)), kept.lines)
    said = [LEGEND, *([f"~ {lacks}"] if lacks else [])]
    return Condensed(whole, (*said, *view), kept.lines + kept.gone.missing, lacks)


def _view(
    kept: Kept, groups: list[Group], *, plain: list[str], kind: Kind | str, room: int
) -> list[str]:
    if kind in ("log", "rows") or (kind == "json" and groups):
        return grouped(groups, kept.place, room=room)
    least = 2 if kind in ("source", "diff") else 1
    places = (kept.place(group.first.number) for group in groups if group.trouble >= least)
    troubled = [number for number in places if number]
    if kind in ("source", "diff"):
        mark = _DEFINES if kind == "source" else _DIFF_MARK
        return selected(plain, [*troubled, *_matching(plain, mark)], room=room)
    return selected(plain, troubled, room=room)


def _fitting(kept: Kept, groups: list[Group], *, keep: int) -> Kept:
    """What is kept, with the lines that are shown, in a size that may be stored."""
    _pin(kept, groups)
    while kept.stored and kept.stored > 0.99 * keep and packed_size(kept.text()) > keep:
        kept = kept.smaller(int(0.6 * kept.stored))
        _pin(kept, groups)
    return kept


def _pin(kept: Kept, groups: list[Group]) -> None:
    if kept.missing:
        for group in sorted(groups, key=lambda group: (-group.trouble, group.count)):
            kept.pin(group.first.lines)
        for group in groups:
            kept.pin(islice(group.last.lines, 1))
            if group.slowest:
                kept.pin(islice(group.slowest.lines, 1))


def _lacks(kept: Kept) -> str:
    """What of the answer is not stored, in a sentence."""
    cut = f"; {counted(kept.cut, 'line')} longer than may be kept cut" if kept.cut else ""
    before = kept.gone.words
    if not kept.missing:
        return before + cut if before else f"not all of the answer is kept{cut}" if cut else ""
    if not kept.stored:
        return "nothing of the answer is kept, because no room is left: nothing may be quoted"
    first, last = kept.gap
    place = kept.place(last + 1) or 1
    between = f", lines {first} to {place - 1} are chosen from its middle" if place > first else ""
    of = f"{before}; of the others, " if before else "of "
    return (
        f"{of}{kept.lines:,} lines ({kept.size:,} bytes) {kept.missing:,} are not kept: lines 1 to "
        f"{first - 1} are its start{between}, from line {place} on is its end{cut}"
    )


def _matching(lines: list[str], mark: re.Pattern[str]) -> Iterator[int]:
    return (number for number, line in enumerate(lines, 1) if mark.match(line[:300]))


def _lines(text: str) -> Iterator[str]:
    """The lines of a text, one after the other, without a second copy of it."""
    start = 0
    while (end := text.find("\n", start)) >= 0:
        yield text[start:end]
        start = end + 1
    yield text[start:]
