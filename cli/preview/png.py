"""A browser's picture made small: cut below what is drawn, in a palette of few colours."""

import struct
import zlib
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

SIGNATURE = b"\x89PNG\r\n\x1a\n"
COLOURS = 32
_CHANNELS = {2: 3, 6: 4}

Colour = tuple[int, int, int]


class NotAPicture(ValueError):
    """The bytes are no PNG of the kind that a browser writes."""


@dataclass(frozen=True)
class Picture:
    """Rows of red, green and blue, a byte each."""

    width: int
    rows: list[bytes]

    @property
    def height(self) -> int:
        """How many rows."""
        return len(self.rows)


def read(png: bytes) -> Picture:
    """The picture; raises NotAPicture for anything but true colour in eight bits."""
    if not png.startswith(SIGNATURE):
        raise NotAPicture("no PNG")
    chunks = list(_chunks(png))
    width, height, depth, kind = struct.unpack(">IIBB", chunks[0][1][:10])
    if depth != 8 or kind not in _CHANNELS or chunks[0][1][12]:
        raise NotAPicture("not eight bits of true colour, row by row")
    size = _CHANNELS[kind]
    lines = zlib.decompress(b"".join(body for name, body in chunks if name == b"IDAT"))
    rows, above = [], bytes(width * size)
    for at in range(0, height * (width * size + 1), width * size + 1):
        line = lines[at + 1 : at + 1 + width * size]
        above = _unfiltered(lines[at], line, above=above, size=size)
        rows.append(above)
    if size == 4:
        rows = [bytes(b for i, b in enumerate(row) if i % 4 != 3) for row in rows]
    return Picture(width, rows)


def cropped(picture: Picture, *, margin: int) -> Picture:
    """The picture without the empty rows at its end, but for so many."""
    last = picture.rows[-1]
    end = next((i for i in range(picture.height, 0, -1) if picture.rows[i - 1] != last), 0)
    return Picture(picture.width, picture.rows[: end + margin])


def written(picture: Picture, colours: int = COLOURS) -> bytes:
    """The picture as PNG with at most so many colours, the same bytes for the same picture."""
    counts = Counter(colour for row in picture.rows for colour in _colours(row))
    palette = _palette(counts, colours)
    places = {colour: _nearest(colour, palette) for colour in counts}
    bits = 4 if len(palette) <= 16 else 8
    lines = b"".join(b"\0" + _packed([places[c] for c in _colours(r)], bits) for r in picture.rows)
    head = struct.pack(">IIBBBBB", picture.width, picture.height, bits, 3, 0, 0, 0)
    table = b"".join(bytes(colour) for colour in palette)
    parts = ((b"IHDR", head), (b"PLTE", table), (b"IDAT", zlib.compress(lines, 9)), (b"IEND", b""))
    return SIGNATURE + b"".join(_chunk(name, body) for name, body in parts)


def _chunks(png: bytes) -> Iterator[tuple[bytes, bytes]]:
    at = len(SIGNATURE)
    while at + 8 <= len(png):
        (length,) = struct.unpack(">I", png[at : at + 4])
        yield png[at + 4 : at + 8], png[at + 8 : at + 8 + length]
        at += 12 + length


def _chunk(name: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))


def _unfiltered(kind: int, line: bytes, *, above: bytes, size: int) -> bytes:
    if kind == 0:
        return line
    if kind == 2 and not any(line):
        return above
    row = bytearray(len(line) + size)  # as many zeros stand to the left of the first pixel
    for i, byte in enumerate(line):
        left, up = row[i], above[i]
        corner = above[i - size] if i >= size else 0
        guess = (0, left, up, (left + up) // 2, _paeth(left, up, corner=corner))[kind]
        row[i + size] = (byte + guess) & 255
    return bytes(row[size:])


def _paeth(left: int, up: int, *, corner: int) -> int:
    whole = left + up - corner
    by = (abs(whole - left), abs(whole - up), abs(whole - corner))
    return (left, up, corner)[by.index(min(by))]


def _colours(row: bytes) -> Iterator[Colour]:
    return zip(row[0::3], row[1::3], row[2::3], strict=True)


def _palette(counts: "Counter[Colour]", most: int) -> list[Colour]:
    """The commonest colours, and of all the others the commonest of each box.

    A box is halved where its spread is widest, until there are enough.
    """
    common = [colour for colour, _ in counts.most_common(most // 4)]
    boxes = [sorted(set(counts) - set(common))]
    while len(boxes) < most - len(common):
        box = max((box for box in boxes if len(box) > 1), key=_spread, default=None)
        if box is None:
            break
        boxes.remove(box)
        boxes += _halves(box)
    typical = [max(box, key=lambda colour: (counts[colour], colour)) for box in boxes if box]
    return sorted({*common, *typical})


def _spreads(box: list[Colour]) -> list[int]:
    return [max(channel) - min(channel) for channel in zip(*box, strict=True)]


def _spread(box: list[Colour]) -> int:
    return max(_spreads(box))


def _halves(box: list[Colour]) -> list[list[Colour]]:
    """The box, cut at the middle of its widest channel."""
    spreads = _spreads(box)
    widest = spreads.index(max(spreads))
    inside = sorted({colour[widest] for colour in box})
    middle = (inside[0] + inside[-1]) / 2
    first = [colour for colour in box if colour[widest] <= middle]
    return [first, [colour for colour in box if colour[widest] > middle]]


def _nearest(colour: Colour, palette: list[Colour]) -> int:
    def far(place: int) -> int:
        return sum(abs(a - b) for a, b in zip(colour, palette[place], strict=True))

    return min(range(len(palette)), key=far)


def _packed(places: list[int], bits: int) -> bytes:
    if bits == 8:
        return bytes(places)
    even = places if len(places) % 2 == 0 else [*places, 0]
    return bytes(a << 4 | b for a, b in list(pairwise(even))[::2])
