"""Where secrets stand, how overlapping finds become one, and how tags take their place."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from bus.redaction.tags import tag

Piece = tuple[int, int]


@dataclass(frozen=True)
class Secret:
    """One secret: its kind, and the pieces of the text that it fills, in order."""

    kind: str
    pieces: tuple[Piece, ...]
    open_end: bool = False
    """Its length is not known, so it may go on in the next line."""

    @property
    def start(self) -> int:
        """Where it begins."""
        return self.pieces[0][0]

    @property
    def end(self) -> int:
        """Where it ends."""
        return self.pieces[-1][1]


def secret(kind: str, piece: Piece, *, open_end: bool = False) -> Secret:
    """A secret in one piece."""
    return Secret(kind, (piece,), open_end)


def merged(found: Iterable[Secret]) -> list[Secret]:
    """Finds that touch the same characters as one, of the kind that was found first; in order."""
    groups: list[list[tuple[int, Secret]]] = []
    reach = 0
    for rank, one in sorted(enumerate(found), key=lambda entry: entry[1].start):
        if groups and one.start < reach:
            groups[-1].append((rank, one))
        else:
            groups.append([(rank, one)])
        reach = max(reach, one.end)
    return [group[0][1] if len(group) == 1 else _as_one(group) for group in groups]


def _as_one(group: list[tuple[int, Secret]]) -> Secret:
    kind = min(group, key=lambda entry: entry[0])[1].kind
    last = max((one for _, one in group), key=lambda one: one.end)
    return Secret(kind, _union([piece for _, one in group for piece in one.pieces]), last.open_end)


def _union(pieces: list[Piece]) -> tuple[Piece, ...]:
    joined: list[Piece] = []
    for start, end in sorted(pieces):
        if joined and start <= joined[-1][1]:
            joined[-1] = (joined[-1][0], max(end, joined[-1][1]))
        else:
            joined.append((start, end))
    return tuple(joined)


def replaced(text: str, secrets: Sequence[Secret]) -> tuple[str, Counter[str]]:
    """The text with a tag for every piece, and how many secrets of each kind there were."""
    kinds: Counter[str] = Counter()
    edits: list[tuple[int, int, str]] = []
    for one in secrets:
        kinds[one.kind] += 1
        shown = tag(one.kind, "".join(text[start:end] for start, end in one.pieces))
        edits += [(start, end, shown) for start, end in one.pieces]
    parts: list[str] = []
    done = 0
    for start, end, shown in sorted(edits):
        if end <= done:
            continue
        if start >= done:
            parts += [text[done:start], shown]
        done = end
    return "".join((*parts, text[done:])), kinds
