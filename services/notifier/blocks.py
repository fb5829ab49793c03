"""Block Kit built from text that is data: nothing in it is parsed, linked, mentioned or loaded.

Texts become `plain_text` or rich-text elements, which Slack shows letter by letter. Slack's limits
are kept by giving every part a length, and what does not fit is said to be missing.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from urllib.parse import urlsplit

Block = dict[str, object]
Element = dict[str, object]

HEADER_CHARACTERS = 150
TEXT_CHARACTERS = 3000
MAX_BLOCKS = 50
MAX_CHARACTERS = 12_500
"""Of all blocks of a message together; Slack refuses somewhat more than this."""


@dataclass(frozen=True)
class Card:
    """A message: blocks, and the text for notifications and wherever blocks are not shown."""

    text: str
    blocks: tuple[Block, ...] = ()


def cut(text: str, most: int) -> str:
    """The text in at most that many characters; what is left out is counted at its end."""
    if len(text) <= most:
        return text
    kept = most - len(f"… {len(text)} more characters")
    return f"{text[:kept]}… {len(text) - kept} more characters"


def one_line(text: str, most: int) -> str:
    """The text without line breaks, cut."""
    return cut(" ".join(text.split()), most)


def escaped(text: str, most: int) -> str:
    """The text for a field that Slack parses: cut first, so that no entity is cut, then escaped."""
    whole = cut(text, most)
    return whole.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def header(text: str) -> Block:
    """A title of one line."""
    title = one_line(text, HEADER_CHARACTERS)
    return {"type": "header", "text": {"type": "plain_text", "text": title, "emoji": False}}


def plain(text: str) -> Element:
    """Text as it is."""
    return {"type": "text", "text": text}


def bold(text: str) -> Element:
    """Bold text."""
    return {"type": "text", "text": text, "style": {"bold": True}}


def code(text: str) -> Element:
    """A name as it stands in code."""
    return {"type": "text", "text": text, "style": {"code": True}}


def link(label: str, url: str) -> Element:
    """A link that shows where it leads."""
    return {"type": "link", "url": url, "text": f"{label} ({urlsplit(url).netloc})"}


def paragraph(*elements: Element) -> Block:
    """One paragraph; elements without text are left out."""
    shown = [element for element in elements if element["text"]]
    section = {"type": "rich_text_section", "elements": shown}
    return {"type": "rich_text", "elements": [section]}


def quoted(label: Iterable[Element], text: str) -> Block:
    """A line that says where the text stands, and the text letter by letter."""
    above = {"type": "rich_text_section", "elements": list(label)}
    body = {"type": "rich_text_preformatted", "elements": [plain(text)]}
    return {"type": "rich_text", "elements": [above, body] if text else [above]}


def bullets(title: str, items: Iterable[str]) -> Block:
    """A titled list."""
    listed = [{"type": "rich_text_section", "elements": [plain(item)]} for item in items if item]
    above = {"type": "rich_text_section", "elements": [bold(title)]}
    rows = {"type": "rich_text_list", "style": "bullet", "elements": listed}
    return {"type": "rich_text", "elements": [above, rows] if listed else [above]}


def small(text: str) -> Block:
    """A line of small print."""
    line = {"type": "plain_text", "text": cut(text, TEXT_CHARACTERS), "emoji": False}
    return {"type": "context", "elements": [line]}


def stop_button(investigation_id: str) -> Block:
    """The button whose press ingest receives as action `nightshift_stop`."""
    button = {
        "type": "button",
        "action_id": "nightshift_stop",
        "value": investigation_id,
        "style": "danger",
        "text": {"type": "plain_text", "text": "Stop", "emoji": False},
    }
    return {"type": "actions", "elements": [button]}


def characters(value: object) -> int:
    """How many characters of text a block, or any part of one, holds."""
    if isinstance(value, list | tuple):
        return sum(characters(part) for part in value)
    if not isinstance(value, dict):
        return 0
    own = value.get("text")
    count = len(own) if isinstance(own, str) else 0
    return count + sum(characters(part) for part in value.values())


def fitted(blocks: Iterable[Block], *, keep_last: int) -> tuple[Block, ...]:
    """As many blocks as one message holds, the last ones always; how many are missing is said."""
    wanted = list(blocks)
    if len(wanted) <= MAX_BLOCKS and characters(wanted) <= MAX_CHARACTERS:
        return tuple(wanted)
    first, last = wanted[:-keep_last], wanted[-keep_last:]
    room = MAX_CHARACTERS - characters(last) - 100
    kept: list[Block] = []
    for block in first[: MAX_BLOCKS - keep_last - 1]:
        room -= characters(block)
        if room < 0:
            break
        kept.append(block)
    missing = len(first) - len(kept)
    return (*kept, small(f"… {missing} more parts of this card do not fit into one message"), *last)
