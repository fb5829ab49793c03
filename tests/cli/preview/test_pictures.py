"""The pictures belong to the present cards; in the full lane a real browser makes them anew."""

import re
import shutil
import struct
import zlib
from pathlib import Path

import pytest

from cli.preview.browser import NoBrowser, browser, document
from cli.preview.page import Shown, page
from cli.preview.pictures import AGAIN, FOLDER, MOST_BYTES, make, stale
from cli.preview.png import SIGNATURE, NotAPicture, Picture, cropped, read, written
from cli.preview.samples import SAMPLES
from tests.cli.preview.hostile import HOSTILE, Elements, payload
from tests.lane import Figures, Lane

RED, WHITE, BLUE = (255, 0, 0), (255, 255, 255), (0, 0, 255)


def test_every_card_has_its_picture_and_every_picture_shows_the_card_of_today() -> None:
    assert stale() == [], f"run `{AGAIN}` (it needs Chromium), and look at the pictures"


def test_the_page_of_the_cards_shows_every_picture() -> None:
    text = FOLDER.with_suffix(".md").read_text(encoding="utf-8")
    assert re.findall(r"\]\(cards/(\w+)\.png\)", text) == list(SAMPLES)


def test_what_is_wrong_with_the_pictures_is_said_of_each(tmp_path: Path) -> None:
    folder = Path(shutil.copytree(FOLDER, tmp_path / "cards"))
    (folder / "live.png").unlink()
    shutil.copy(folder / "failed.png", folder / "healthy.png")
    shutil.copy(folder / "failed.png", folder / "gone.png")
    notes = (folder / "pictures.json").read_text()
    wrong = re.sub(r'("cancelled": \{\s+"page_sha256": ")\w', r"\1-", notes)
    (folder / "pictures.json").write_text(wrong)
    assert stale(folder) == [
        "live.png is missing",
        "healthy.png is not the picture that pictures.json speaks of",
        "cancelled.png shows a card that has changed since",
        "gone.png is of no card",
    ]
    (folder / "pictures.json").write_text("{")
    assert len(stale(folder)) == len(SAMPLES) + 1


def png(rows: list[list[tuple[int, int, int]]], kinds: list[int]) -> bytes:
    """A picture as a browser writes it, each row by that filter."""
    above, lines = [0] * 3 * len(rows[0]), b""
    for row, kind in zip(rows, kinds, strict=True):
        flat = [value for colour in row for value in colour]
        lines += bytes([kind, *(_filtered(kind, flat, above))])
        above = flat
    parts = (
        (b"IHDR", struct.pack(">IIBBBBB", len(rows[0]), len(rows), 8, 2, 0, 0, 0)),
        (b"IDAT", zlib.compress(lines)),
        (b"IEND", b""),
    )
    chunks = (
        struct.pack(">I", len(b)) + n + b + struct.pack(">I", zlib.crc32(n + b)) for n, b in parts
    )
    return SIGNATURE + b"".join(chunks)


def _filtered(kind: int, flat: list[int], above: list[int]) -> list[int]:
    filtered = []
    for i, value in enumerate(flat):
        left, corner = (flat[i - 3], above[i - 3]) if i >= 3 else (0, 0)
        up = above[i]
        whole = left + up - corner
        nearest = min((left, up, corner), key=lambda near: abs(whole - near))
        guess = (0, left, up, (left + up) // 2, nearest)[kind]
        filtered.append((value - guess) & 255)
    return filtered


ROWS = [
    [(200, 10, 30), (13, 250, 7), (0, 0, 1)],
    [(9, 9, 9), (255, 254, 3), (80, 81, 82)],
    [(1, 2, 3), (4, 5, 6), (7, 8, 9)],
    [(90, 0, 255), (31, 7, 200), (3, 99, 4)],
    [(0, 255, 0), (128, 127, 126), (250, 1, 77)],
]


def test_picture_of_a_browser_is_read_whatever_filter_its_rows_have() -> None:
    for first in range(5):
        kinds = [(first + place) % 5 for place in range(5)]
        found = read(png(ROWS, kinds))
        assert found.rows == [bytes(value for c in row for value in c) for row in ROWS]


def test_what_is_no_picture_of_a_browser_is_refused() -> None:
    for content in (b"GIF89a", written(Picture(1, [bytes(RED)]))):
        with pytest.raises(NotAPicture):
            read(content)


def test_empty_rows_at_the_end_are_cut_but_for_a_margin() -> None:
    rows = [bytes(colour) for colour in (WHITE, RED, WHITE, WHITE, WHITE, WHITE)]
    assert cropped(Picture(1, rows), margin=2).rows == rows[:4]


def test_few_colours_are_kept_exactly_and_many_become_few() -> None:
    content = written(Picture(4, [bytes([*RED, *WHITE, *BLUE, *WHITE])]))
    at = content.index(b"PLTE")
    assert content[at + 4 : at + 13] == bytes([*BLUE, *RED, *WHITE])
    line = zlib.decompress(content[content.index(b"IDAT") + 4 : -16])
    assert line == bytes([0, 0x12, 0x02])
    shades = bytes(value for shade in range(256) for value in (shade, shade, 255 - shade))
    many = written(Picture(256, [shades]))
    assert struct.unpack(">I", many[many.index(b"PLTE") - 4 :][:4])[0] == 32 * 3


@pytest.fixture
def real_browser(lane: Lane) -> str:
    """The browser of this machine, in the full lane."""
    if not lane.full:
        pytest.skip("in the full lane only")
    try:
        return browser()
    except NoBrowser as error:
        pytest.skip(f"no browser: {error}")


@pytest.mark.timeout(600)
def test_a_browser_makes_every_picture_small_and_whole(
    real_browser: str, tmp_path: Path, figures: Figures
) -> None:
    assert len(list(make(tmp_path))) == len(SAMPLES)
    assert stale(tmp_path) == []
    sizes = [file.stat().st_size for file in tmp_path.glob("*.png")]
    figures.add("preview", f"bytes of the largest of {len(sizes)} pictures", max(sizes), MOST_BYTES)
    assert min(sizes) > 2_000  # an empty page has some hundred bytes


@pytest.mark.timeout(600)
def test_a_browser_finds_no_element_that_a_hostile_text_made(real_browser: str) -> None:
    shown = [Shown(message=payload(text)) for text in HOSTILE]
    text = page(shown, title="hostile")
    assert sorted(Elements(document(text)).tags) == sorted(Elements(text).tags)
