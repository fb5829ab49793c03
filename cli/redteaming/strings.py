"""Texts of others for the red team: every `strings.jsonl` below a folder, or a sentence why not."""

import json
from collections.abc import Iterator
from pathlib import Path

STRINGS = "strings.jsonl"
MOST_BYTES = 8 * 1024 * 1024
"""Of one file."""
MOST_TEXTS = 5_000
"""Cases have four digits, and most of the other ones come first."""
MOST_CHARACTERS = 20_000
"""Of one text, which has to fit into a line of a log."""


class BadStrings(Exception):
    """The folder's texts cannot be used; the text says which file and line, and why."""


def texts_below(folder: Path) -> list[str]:
    """The texts of every strings.jsonl below the folder; at least one. Raises BadStrings."""
    try:
        files = sorted(folder.rglob(STRINGS)) if folder.is_dir() else []
    except OSError as error:
        raise BadStrings(f"{folder} cannot be read: {error.strerror}") from None
    if not files:
        why = f"no {STRINGS} lies below it" if folder.is_dir() else "there is no such folder"
        raise BadStrings(f"{folder}: {why}")
    texts: list[str] = []
    for file in files:
        texts += _texts_in(file)
        if len(texts) > MOST_TEXTS:
            raise BadStrings(f"{folder} holds more than {MOST_TEXTS:,} texts")
    if not texts:
        raise BadStrings(f"{folder}: there is not one text in {', '.join(map(str, files[:3]))}")
    return texts


def _texts_in(file: Path) -> Iterator[str]:
    for number, line in enumerate(_content(file).split("\n"), start=1):
        if line.strip():
            yield _text(line, f"{file}, line {number}")


def _content(file: Path) -> str:
    try:
        if not file.is_file():
            raise BadStrings(f"{file} is no file")
        with file.open("rb") as opened:
            content = opened.read(MOST_BYTES + 1)
    except OSError as error:
        raise BadStrings(f"{file} cannot be read: {error.strerror}") from None
    if len(content) > MOST_BYTES:
        raise BadStrings(f"{file} holds more than {MOST_BYTES:,} bytes")
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise BadStrings(f"{file} is no text in UTF-8 (byte {error.start})") from None


def _text(line: str, where: str) -> str:
    try:
        given = json.loads(line)
    except (ValueError, RecursionError):
        raise BadStrings(f"{where} is not JSON") from None
    text = given.get("text") if isinstance(given, dict) else None
    if not isinstance(text, str) or not text.strip():
        raise BadStrings(f'{where} is no JSON object with a `text`, such as {{"text": "words"}}')
    if len(text) > MOST_CHARACTERS:
        raise BadStrings(f"{where}: its text has more than {MOST_CHARACTERS:,} characters")
    if any("\ud800" <= letter <= "\udfff" for letter in text):
        raise BadStrings(f"{where}: its text holds half a character (a lone surrogate)")
    return text
