"""Makes the pictures of `docs/cards.md` by a real browser: `python -m cli.preview.pictures`.

Beside them stands of which page each was made, so that a test sees when a card has changed since.
"""

import hashlib
import json
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

from cli.preview.browser import WIDTH, NoBrowser, picture, version
from cli.preview.page import page
from cli.preview.png import cropped, read, written
from cli.preview.reading import of_sample
from cli.preview.samples import SAMPLES

FOLDER = Path(__file__).parents[2] / "docs" / "cards"
MOST_BYTES = 60_000
MARGIN = 16
AGAIN = "make pictures"


def page_of(name: str) -> str:
    """The page that the picture of that name is made of."""
    return page([of_sample(name).shown], title=f"Nightshift: {name}")


def small(shot: bytes) -> bytes:
    """A browser's picture as it is kept."""
    return written(cropped(read(shot), margin=MARGIN))


def stale(folder: Path = FOLDER) -> list[str]:
    """What is wrong with the pictures in the folder, a sentence each; none when all are right."""
    return list(_stale(folder))


def make(folder: Path = FOLDER) -> Iterator[str]:
    """All pictures, made and noted anew; yields a line for each. Raises NoBrowser."""
    made: dict[str, bytes] = {name: small(picture(page_of(name))) for name in SAMPLES}
    folder.mkdir(exist_ok=True)
    for old in folder.glob("*.png"):
        old.unlink()
    for name, png in made.items():
        (folder / f"{name}.png").write_bytes(png)
        yield f"{name}.png: {len(png):,} bytes"
    notes = {
        name: {"page_sha256": _sha256(page_of(name).encode()), "picture_sha256": _sha256(png)}
        for name, png in made.items()
    }
    text = json.dumps({"made_by": version(), "pictures": notes}, indent=2)
    (folder / "pictures.json").write_text(text + "\n", encoding="utf-8")


def _stale(folder: Path) -> Iterator[str]:
    notes = _notes(folder)
    for name in SAMPLES:
        if wrong := _wrong(folder / f"{name}.png", noted=notes.get(name, {})):
            yield f"{name}.png {wrong}"
    yield from (
        f"{file.name} is of no card" for file in folder.glob("*.png") if file.stem not in SAMPLES
    )


def _wrong(file: Path, *, noted: Mapping[str, str]) -> str:
    """What is wrong with a picture; empty when nothing is."""
    if not file.exists():
        return "is missing"
    png = file.read_bytes()
    width = int.from_bytes(png[16:20], "big")
    findings = {
        "is not the picture that pictures.json speaks of": noted.get("picture_sha256")
        != _sha256(png),
        "shows a card that has changed since": noted.get("page_sha256")
        != _sha256(page_of(file.stem).encode()),
        f"has {len(png):,} bytes, at most {MOST_BYTES:,}": len(png) > MOST_BYTES,
        f"is {width} pixels wide and not {WIDTH}": width != WIDTH,
    }
    return next((sentence for sentence, holds in findings.items() if holds), "")


def _notes(folder: Path) -> Mapping[str, Mapping[str, str]]:
    try:
        notes = json.loads((folder / "pictures.json").read_text(encoding="utf-8"))["pictures"]
    except (OSError, ValueError, KeyError):
        return {}
    return notes if isinstance(notes, dict) else {}


def _sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def main() -> None:
    """Make the pictures; exits 1 where there is no browser."""
    try:
        for line in make():
            print(line)
    except NoBrowser as error:
        sys.exit(f"the pictures cannot be made: {error}")


if __name__ == "__main__":
    main()
