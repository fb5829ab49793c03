"""A card as lines of plain text, for wherever there are no blocks: a terminal, a log, a pager."""

import html
import re
from collections.abc import Iterator
from typing import cast

from services.notifier.blocks import Block, Card, Element

_LINK = re.compile(r"<(https?://[^|<>]+)\|([^<>]*)>")
"""A link of ours in a text alone; what others said is escaped."""


def lines_of(card: Card) -> list[str]:
    """The card's lines: its first is its title. Nothing in them steers a terminal.

    Buttons are left out: nobody could press them.
    """
    if card.blocks:
        found = [line for block in card.blocks for line in _block(block)]
    else:
        found = html.unescape(_LINK.sub(r"\2 \1", card.text)).splitlines()
    return [_harmless(line).rstrip() for line in found if line.strip()]


def _block(block: Block) -> Iterator[str]:
    if block.get("type") == "actions":
        return
    if block.get("type") == "context":
        yield " ".join(_texts(block))
    elif block.get("type") == "rich_text":
        for part in _elements(block):
            yield from _rich(part)
    else:
        for text in _texts(block):
            yield from text.splitlines()


def _rich(part: Element) -> Iterator[str]:
    match part.get("type"):
        case "rich_text_list":
            numbered = part.get("style") == "ordered"
            for number, item in enumerate(_elements(part), start=1):
                first = f"  {number}. " if numbered else "  - "
                yield from _indented(_inline(item), first, rest=" " * len(first))
        case "rich_text_preformatted":
            yield from _indented(_inline(part), "  | ", rest="  | ")
        case "rich_text_quote":
            yield from _indented(_inline(part), "  > ", rest="  > ")
        case _:
            yield from _inline(part).splitlines()


def _indented(text: str, first: str, *, rest: str) -> Iterator[str]:
    for number, line in enumerate(text.splitlines()):
        yield (rest if number else first) + line


def _inline(part: Element) -> str:
    said = []
    for element in _elements(part):
        text, url = str(element.get("text") or ""), str(element.get("url") or "")
        said.append(f"{text} {url}".strip() if url else text)
    return "".join(said)


def _elements(part: Element) -> list[Element]:
    found = part.get("elements")
    return [cast(Element, each) for each in found] if isinstance(found, list) else []


def _texts(value: object) -> Iterator[str]:
    """Every text in a part of a block, in order."""
    if isinstance(value, list | tuple):
        for part in value:
            yield from _texts(part)
    elif isinstance(value, dict):
        own = value.get("text")
        if isinstance(own, str):
            yield own
        yield from _texts([part for part in value.values() if not isinstance(part, str)])


def _harmless(line: str) -> str:
    return "".join(
        each if each.isprintable() else each.encode("unicode_escape").decode() for each in line
    )
