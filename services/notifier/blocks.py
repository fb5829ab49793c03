"""Block Kit built from text that is data: nothing in it is parsed, linked, mentioned or loaded.

Texts become `plain_text` or rich-text elements, which Slack shows letter by letter: it looks for
links and mentions in `mrkdwn` only, and a rich text has a link where there is a link element.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace

from services.notifier.cutting import cut, one_line

Block = dict[str, object]
Element = dict[str, object]

HEADER_CHARACTERS = 150
TEXT_CHARACTERS = 3000
BUTTON_CHARACTERS = 75
DASH: tuple[Element, ...] = ({"type": "text", "text": "-"},)


@dataclass(frozen=True)
class Card:
    """A message: blocks, and the text for notifications and wherever blocks are not shown."""

    text: str
    blocks: tuple[Block, ...] = ()
    plainer: "Card | None" = None
    """What stands instead where Slack refuses these blocks."""


def with_line(card: Card, line: str) -> Card:
    """The card with a line of small print below its first block, or its text."""
    if not card.blocks:
        return replace(card, text=f"{card.text}\n{line}")
    return replace(card, blocks=(*card.blocks[:1], small(line), *card.blocks[1:]))


def escaped(text: str, most: int) -> str:
    """The text for a field that Slack parses: cut first, so that no entity is cut, then escaped."""
    whole = cut(text, most)
    return whole.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def header(text: str) -> Block:
    """A title of one line."""
    return {"type": "header", "text": _plain_text(one_line(text, HEADER_CHARACTERS))}


def plain(text: str) -> Element:
    """Text as it is."""
    return {"type": "text", "text": text}


def bold(text: str) -> Element:
    """Bold text."""
    return {"type": "text", "text": text, "style": {"bold": True}}


def code(text: str) -> Element:
    """A name as it stands in code."""
    return {"type": "text", "text": text, "style": {"code": True}}


def paragraph(*elements: Element) -> Block:
    """One paragraph; elements without text are left out, and a dash stands for nothing at all."""
    section = _section(elements)
    return {"type": "rich_text", "elements": [section if section["elements"] else _section(DASH)]}


def quoted(label: Iterable[Element], text: str) -> Block:
    """A line that says where the text stands, and the text letter by letter."""
    above = _section(label)
    body = {"type": "rich_text_preformatted", "elements": [plain(text)]}
    return {"type": "rich_text", "elements": [above, body] if text else [above]}


def bullets(
    title: str, items: Iterable[str | Iterable[Element]], *, style: str = "bullet"
) -> Block:
    """A titled list; `style` may be `ordered`."""
    rows = [[plain(item)] if isinstance(item, str) else list(item) for item in items]
    listed = [section for row in rows if (section := _section(row))["elements"]]
    above = _section([bold(title)])
    below = {"type": "rich_text_list", "style": style, "elements": listed}
    return {"type": "rich_text", "elements": [above, below] if listed else [above]}


def small(text: str) -> Block:
    """A line of small print."""
    return {"type": "context", "elements": [_plain_text(cut(text, TEXT_CHARACTERS))]}


def stop_button(investigation_id: str) -> Block:
    """The button whose press ingest receives as action `nightshift_stop`."""
    return _actions(_button("Stop", "nightshift_stop", value=investigation_id, style="danger"))


def feedback_buttons(investigation_id: str) -> Block:
    """The buttons whose presses ingest receives as `nightshift_useful`, `nightshift_not_useful`."""
    return _actions(
        _button("\U0001f44d Useful", "nightshift_useful", value=investigation_id),
        _button("\U0001f44e Not useful", "nightshift_not_useful", value=investigation_id),
    )


def _section(elements: Iterable[Element]) -> dict[str, object]:
    shown = [element for element in elements if element["text"]]
    return {"type": "rich_text_section", "elements": shown}


def _plain_text(text: str) -> Element:
    return {"type": "plain_text", "text": text, "emoji": False}


def _actions(*buttons: Element) -> Block:
    return {"type": "actions", "elements": list(buttons)}


def _button(label: str, action_id: str, *, value: str, style: str = "") -> Element:
    button: Element = {"type": "button", "action_id": action_id, "value": value}
    text = _plain_text(one_line(label, BUTTON_CHARACTERS))
    return button | ({"style": style} if style else {}) | {"text": text}
