"""JSON as text with places: laid out in lines without touching a token, and found by a path.

Nothing is decoded and written anew: an escape that was harmless stays escaped, and a number keeps
its digits. So what is stored is what was cleaned, with white space between tokens.
"""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain, pairwise

from bus.errors import ToolFailed

SHORT = 3_000
"""A text of so many characters stays as it is."""
FLAT = 240
FLAT_LIST = 1_000
"""An object or list that fits into so many characters stands on one line; a list of values too."""
DEEPEST = 40
"""What lies deeper has no path."""
DEEPEST_INDENT = 20
_TOKEN = re.compile(r'"(?:[^"\\]+|\\.)*+"|[{}\[\],:]|[^\s{}\[\],:"]+', re.DOTALL)
_BREAKS, _OPENING = frozenset("{}[],"), frozenset("{[")
_SPACED = {",": ", ", ":": ": "}
_STEP = re.compile(r"(?:^|\.)([^.\[\]]+)|\[(\d+)\]")


@dataclass(frozen=True)
class Place:
    """Where a value stands, in characters and in lines counted from 1; `children` if it has any."""

    path: tuple[str, ...]
    start: int
    end: int
    children: int


def is_json(text: str) -> bool:
    """Whether the whole text is one JSON object or list."""
    if text[:100].lstrip()[:1] not in ("{", "["):
        return False
    try:
        json.loads(text, object_pairs_hook=len)  # objects are checked, not built
    except (ValueError, RecursionError):
        return False
    return True


def laid_out(text: str) -> str:
    """JSON in lines that can be quoted: each as much of it as reads well, and no more."""
    return text if len(text) <= SHORT else "\n".join(_lines(text, _flat(text)))


def _pieces(text: str) -> Iterator[str]:
    return (found[0] for found in _TOKEN.finditer(text))


def _lines(text: str, flat: Mapping[int, int]) -> Iterator[str]:
    line, until = "", -1
    opened: list[str] = []
    for at, (piece, following) in enumerate(pairwise(chain(_pieces(text), ("",)))):
        if at > until and piece in _OPENING:
            until = flat.get(at, until)
        if at <= until or piece not in _BREAKS or _goes_on(line, (piece, following), opened=opened):
            line += _SPACED.get(piece, piece)
            continue
        before = line if piece in ("}", "]") else line + piece
        if before.strip():
            yield before
        if piece in ("{", "["):
            opened.append(piece)
        elif piece in ("}", "]"):
            opened.pop()
        indent = " " * min(len(opened), DEEPEST_INDENT)
        line = indent + piece if piece in ("}", "]") else indent
    yield line


def _goes_on(line: str, pair: tuple[str, str], *, opened: Sequence[str]) -> bool:
    """Whether the next value of a list stands on the same line: plain ones do, many on one."""
    piece, following = pair
    in_list = piece == "," and opened[-1:] == ["["] and following not in ("{", "[")
    return in_list and len(line) < FLAT and line[-1:] not in ("}", "]")


def _flat(text: str) -> dict[int, int]:
    """Each opening bracket whose contents fit on a line, with its closing one."""
    fits: dict[int, int] = {}
    opened: list[tuple[int, int]] = []
    length, innermost = 0, False
    for at, piece in enumerate(_pieces(text)):
        if piece in ("{", "["):
            opened.append((at, length))
            innermost = piece == "["
        length += len(piece) + (piece in ",:")
        if piece in ("}", "]") and opened:
            start, before = opened.pop()
            if length - before <= (FLAT_LIST if innermost else FLAT):
                fits[start] = at
            innermost = False
    return fits


def steps(path: str) -> tuple[str, ...]:
    """The steps of `items[3].status`, `items.3.status` or `/items/3/status`. Raises ToolFailed."""
    if path.startswith("/"):
        parts = path[1:].split("/")
        return tuple(part.replace("~1", "/").replace("~0", "~") for part in parts)
    path = path.removeprefix("$").removeprefix(".")
    found = [match[1] or match[2] for match in _STEP.finditer(path)]
    if not found or _STEP.sub("", path):
        raise ToolFailed(f"{path[:100]!r} is no path; one is items[3].status or /items/3/status")
    return tuple(found)


def places(text: str) -> Iterator[Place]:
    """Every value of a JSON text that is not too deep, each after those inside it."""
    opened: list[_Open] = []
    for found in _TOKEN.finditer(text):
        piece = found[0]
        if piece in ("{", "["):
            path = _path(opened) if len(opened) < DEEPEST else ()
            opened.append(_Open(path, found.start(), is_list=piece == "["))
        elif piece in ("}", "]"):
            inside = opened.pop()
            count = inside.index + (text[inside.start + 1 : found.start()].strip() != "")
            if len(opened) < DEEPEST:
                yield Place(inside.path, inside.start, found.end(), count)
        elif not opened[-1].takes(piece) and len(opened) <= DEEPEST:
            yield Place(_path(opened), found.start(), found.end(), 0)


def find(text: str, path: str) -> Place:
    """Where the value at the path stands. Raises ToolFailed, saying how far the path leads."""
    wanted = steps(path)
    if not is_json(text):
        raise ToolFailed("that result is no JSON document; read it by lines or pattern")
    near: dict[tuple[str, ...], list[str]] = {}
    for place in places(text):
        if place.path == wanted:
            return place
        parent = place.path[:-1]
        if place.path and parent == wanted[: len(parent)]:
            near.setdefault(parent, []).append(place.path[-1])
    deepest = max((path for path in near if path == wanted[: len(path)]), key=len, default=())
    names = near.get(deepest, [])
    there = ", ".join(names[:20]) + (f" and {len(names) - 20} more" if len(names) > 20 else "")
    at = ".".join(deepest) or "the top"
    raise ToolFailed(f"there is nothing at {path[:100]!r}; at {at} there is: {there or 'nothing'}")


@dataclass(slots=True)
class _Open:
    path: tuple[str, ...]
    start: int
    is_list: bool
    index: int = 0
    key: str | None = None

    def takes(self, piece: str) -> bool:
        """Whether the piece is no value: a comma, a colon or a key."""
        if piece == ",":
            self.index, self.key = self.index + 1, None
            return True
        if piece == ":" or self.is_list or self.key is not None:
            return piece == ":"
        self.key = _decoded(piece)
        return True


def _path(opened: list[_Open]) -> tuple[str, ...]:
    if not opened:
        return ()
    inside = opened[-1]
    return (*inside.path, str(inside.index) if inside.is_list else inside.key or "")


def _decoded(piece: str) -> str:
    if "\\" not in piece:
        return piece.strip('"')
    try:
        return str(json.loads(piece))
    except ValueError:
        return piece
