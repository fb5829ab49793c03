"""Base64 of a secret: decoded as far as needed, looked through, and replaced as a whole."""

import base64
import binascii
import re
from collections.abc import Callable, Iterator

from bus.redaction.lines import goes_on
from bus.redaction.spans import Piece, Secret

_RUN = re.compile(r"[A-Za-z0-9+/_-]{20,}+={0,2}")
_PART = re.compile(r"[A-Za-z0-9+]{20,}+={0,2}")
_LONGEST = 262_144
_ASCII = re.compile(
    "(?:[A-Za-f][A-HQ-Xg-nw-z0-3][ABEFIJMNQRUVYZcdghklopstwx014589][A-Za-z0-9+/_-]){5}"
    "|(?:[A-Za-f][AQgw][AB][A-Za-z0-9+/]A[A-H][A-Za-z0-9+/]A){2}"
)
"""What base64 of ASCII begins with: the high bit of every byte is clear; or of UTF-16."""


def find(text: str, holds: Callable[[str], bool]) -> Iterator[Secret]:
    """Every run of base64 whose plain text holds a secret; `holds` tells."""
    done = chained = 0
    for run in _RUN.finditer(text):
        if run.start() < done:
            continue
        pieces = _wrapped(text, run.span()) if run.start() >= chained else [run.span()]
        chained = max(chained, pieces[-1][1])
        joined = "".join(text[start:end] for start, end in pieces)
        if len(pieces) > 1 and _secret_inside(joined, holds):
            done = pieces[-1][1]
            yield Secret("base64", tuple(pieces))
        elif _secret_inside(run[0], holds):
            yield Secret("base64", (run.span(),))
        elif "/" in run[0] or "-" in run[0] or "_" in run[0]:
            parts = _PART.finditer(text, *run.span())
            held = (part.span() for part in parts if _secret_inside(part[0], holds))
            yield from (Secret("base64", (piece,)) for piece in held)


def _wrapped(text: str, piece: Piece) -> list[Piece]:
    """The run and the lines of base64 below it."""
    start, end = piece
    if end - start < 40 or text[end : end + 1] not in ("\n", '"', "\\", "'"):
        return [piece]
    return [piece, *goes_on(text, end, start=start, dense=True)]


def _secret_inside(run: str, holds: Callable[[str], bool]) -> bool:
    if not _ASCII.match(run):
        return False
    plain = _decoded(run[:_LONGEST])
    return _readable(plain) and holds(plain.replace(b"\x00", b"").decode("utf-8", "ignore"))


def _decoded(run: str) -> bytes:
    core = run.rstrip("=")
    core = core[: len(core) - (len(core) % 4 == 1)]
    try:
        return base64.b64decode(core.translate(_STANDARD) + "=" * (-len(core) % 4))
    except (binascii.Error, ValueError):
        return b""


_STANDARD = str.maketrans("-_", "+/")


def _readable(plain: bytes) -> bool:
    if not plain.isascii():
        try:
            plain.decode()
        except UnicodeDecodeError as cut:
            return cut.start > 12 and cut.start >= len(plain) - 3
    return len(plain) > 8 and not _UNREADABLE.search(plain)


_UNREADABLE = re.compile(rb"[\x01-\x08\x0b\x0c\x0e-\x1f\x7f]")
