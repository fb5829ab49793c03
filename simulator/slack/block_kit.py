"""What Slack accepts as `blocks` of a message: the limits of Block Kit as data, and their check.

Block types that a message of ours has no use for (tables, videos, plans, cards and the like) are
not modelled and refused like unknown ones.
"""

from collections.abc import Iterator

from simulator.slack.rich_text import BLOCK_ID, RICH_TEXT
from simulator.slack.shapes import Finding, Flag, Items, OneOf, Record, Text, Url, Whole, units

MAX_BLOCKS = 50
# Undocumented by Slack; users measured that all texts of one message together may hold about this.
MAX_BLOCK_CHARACTERS = 13_200
MAX_MARKDOWN_CHARACTERS = 12_000
"""Of all `markdown` blocks of a message together."""


def _plain(longest: int) -> OneOf:
    return OneOf({"plain_text": Record({"text": Text(longest, 1)}, {"emoji": Flag()})})


def _text(longest: int) -> OneOf:
    marked = Record({"text": Text(longest, 1)}, {"verbatim": Flag()})
    return OneOf({**_plain(longest).shapes, "mrkdwn": marked})


_CONFIRM = Record(
    {"title": _plain(100), "text": _plain(300), "confirm": _plain(30), "deny": _plain(30)},
    {"style": Text(words=("primary", "danger"))},
)
_ACTION = {"action_id": Text(255, 1), "confirm": _CONFIRM}
_OPTION = Record({"text": _plain(75), "value": Text(150, 1)}, {"description": _plain(75)})
_LINKED_OPTION = Record(_OPTION.required, {**_OPTION.optional, "url": Url()})
_FOCUS = {"focus_on_load": Flag()}

_BUTTON = Record(
    {"text": _plain(75)},
    _ACTION
    | {
        "url": Url(),
        "value": Text(2000),
        "style": Text(words=("primary", "danger")),
        "accessibility_label": Text(75),
    },
)
_OVERFLOW = Record({"options": Items(_LINKED_OPTION, 5, 1)}, _ACTION)
_STATIC_SELECT = Record(
    {"options": Items(_OPTION, 100, 1)},
    _ACTION | _FOCUS | {"placeholder": _plain(150), "initial_option": _OPTION},
)
_SLACK_FILE = Record(optional={"id": Text(), "url": Url()}, some_of=("id", "url"))
_IMAGE_ELEMENT = Record(
    {"alt_text": Text(2000, 1)},
    {"image_url": Url(), "slack_file": _SLACK_FILE},
    some_of=("image_url", "slack_file"),
)
_INTERACTIVE = {"button": _BUTTON, "overflow": _OVERFLOW, "static_select": _STATIC_SELECT}

_SECTION = Record(
    optional={
        "text": _text(3000),
        "fields": Items(_text(2000), 10, 1),
        "accessory": OneOf({**_INTERACTIVE, "image": _IMAGE_ELEMENT}),
        "expand": Flag(),
        **BLOCK_ID,
    },
    some_of=("text", "fields"),
)
_CONTEXT = Record(
    {"elements": Items(OneOf({**_text(3000).shapes, "image": _IMAGE_ELEMENT}), 10, 1)}, BLOCK_ID
)
_IMAGE = Record(
    {"alt_text": Text(2000, 1)},
    {"image_url": Url(), "slack_file": _SLACK_FILE, "title": _plain(2000), **BLOCK_ID},
    some_of=("image_url", "slack_file"),
)
_DISPATCH = Record(
    optional={
        "trigger_actions_on": Items(Text(words=("on_enter_pressed", "on_character_entered")), 2, 1)
    }
)
_TEXT_INPUT = Record(
    optional={
        "action_id": Text(255, 1),
        "initial_value": Text(3000),
        "multiline": Flag(),
        "min_length": Whole(0, 3000),
        "max_length": Whole(1, 3000),
        "placeholder": _plain(150),
        "dispatch_action_config": _DISPATCH,
        **_FOCUS,
    }
)
_INPUT = Record(
    {"label": _plain(2000), "element": OneOf({"plain_text_input": _TEXT_INPUT})},
    {"optional": Flag(), "dispatch_action": Flag(), "hint": _plain(2000), **BLOCK_ID},
)

BLOCKS = Items(
    OneOf(
        {
            "section": _SECTION,
            "header": Record({"text": _plain(150)}, BLOCK_ID),
            "divider": Record(optional=BLOCK_ID),
            "context": _CONTEXT,
            "actions": Record({"elements": Items(OneOf(_INTERACTIVE), 25, 1)}, BLOCK_ID),
            "image": _IMAGE,
            "input": _INPUT,
            "rich_text": RICH_TEXT,
            "markdown": Record({"text": Text(MAX_MARKDOWN_CHARACTERS, 1)}, BLOCK_ID),
        }
    ),
    MAX_BLOCKS,
)


def block_findings(blocks: object) -> list[Finding]:
    """Everything Slack would refuse in `blocks`, in their order; empty when they are good."""
    findings = list(BLOCKS.findings(blocks, "/blocks"))
    if findings or not isinstance(blocks, list):
        return findings
    findings += _repeated(blocks, "block_id", pointer="/blocks")
    marked = [block for block in blocks if block["type"] == "markdown"]
    if block_characters(marked) > MAX_MARKDOWN_CHARACTERS:
        most = f"markdown blocks hold no more than {MAX_MARKDOWN_CHARACTERS} characters together"
        findings.append(Finding(most, "/blocks"))
    for number, block in enumerate(blocks):
        elements = block.get("elements", []) if block["type"] == "actions" else []
        findings += _repeated(elements, "action_id", pointer=f"/blocks/{number}/elements")
    return findings


def block_characters(value: object) -> int:
    """How many characters of text all blocks hold together."""
    if isinstance(value, list):
        return sum(block_characters(item) for item in value)
    if not isinstance(value, dict):
        return 0
    own = value.get("text")
    count = units(own) if isinstance(own, str) else 0
    return count + sum(block_characters(part) for part in value.values())


def _repeated(parts: list[dict[str, object]], name: str, *, pointer: str) -> Iterator[Finding]:
    seen: set[object] = set()
    for number, part in enumerate(parts):
        given = part.get(name)
        if given is not None and given in seen:
            yield Finding(f"`{name}` already exists: {given}", f"{pointer}/{number}/{name}")
        seen.add(given)
