"""What Slack publishes of the methods that a bot needs: each rule at its limit and just beyond.

Every rule names the page that says so. `within` and `beyond` are arguments that are added to those
of a good call: a post, or an edit of a message that stands.
"""

from dataclasses import dataclass

from tests.simulator.model_rules import Fields

DOCS = "https://docs.slack.dev/reference"
POST = f"{DOCS}/methods/chat.postMessage"
UPDATE = f"{DOCS}/methods/chat.update"
HISTORY = f"{DOCS}/methods/conversations.history"
REACTION = f"{DOCS}/methods/reactions.add"
WEB_API = "https://docs.slack.dev/apis/web-api"
METADATA = "https://docs.slack.dev/messaging/message-metadata"
BLOCKS = f"{DOCS}/block-kit/blocks"
ELEMENTS = f"{DOCS}/block-kit/block-elements"
MEASURED = "https://github.com/slackapi/bolt-js/issues/2509"
CHANNEL = "C0INCIDENTS"


@dataclass(frozen=True)
class SlackRule:
    """One published rule; `error` is Slack's word for it."""

    rule: str
    source: str
    method: str
    within: Fields
    beyond: Fields
    error: str


def _plain(length: int) -> Fields:
    return {"type": "plain_text", "text": "x" * length}


def _mrkdwn(length: int) -> Fields:
    return {"type": "mrkdwn", "text": "x" * length}


def _section(length: int) -> Fields:
    return {"type": "section", "text": _mrkdwn(length)}


def _fields(count: int, length: int = 1) -> Fields:
    return {"type": "section", "fields": [_mrkdwn(length)] * count}


def _context(count: int) -> Fields:
    return {"type": "context", "elements": [_mrkdwn(1)] * count}


def _actions(*elements: Fields) -> Fields:
    return {"type": "actions", "elements": list(elements)}


def _button(label: int = 4, **more: object) -> Fields:
    return {"type": "button", "text": _plain(label)} | more


def _url(length: int) -> str:
    return "https://example.com/".ljust(length, "x")


def _menu(options: int) -> Fields:
    some = [{"text": _plain(1), "value": f"v{number}"} for number in range(options)]
    return {"type": "static_select", "options": some}


def _image(length: int) -> Fields:
    return {"type": "image", "image_url": _url(30), "alt_text": "x" * length}


def _metadata(kind: str = "seen", **payload: object) -> Fields:
    return {"metadata": {"event_type": kind, "event_payload": payload}}


def _blocks(rule: str, source: str, within: object, *, beyond: object) -> SlackRule:
    one: Fields = {"blocks": [within]}
    other: Fields = {"blocks": [beyond]}
    return SlackRule(rule, source, "chat.postMessage", one, other, "invalid_blocks")


def _buttons(count: int) -> Fields:
    return _actions(*(_button(action_id=f"a{number}") for number in range(count)))


_LAYOUT = [
    SlackRule(
        "50 blocks",
        BLOCKS,
        "chat.postMessage",
        {"blocks": [{"type": "divider"}] * 50},
        {"blocks": [{"type": "divider"}] * 51},
        "invalid_blocks",
    ),
    _blocks("a section of 3,000", f"{BLOCKS}/section-block", _section(3000), beyond=_section(3001)),
    _blocks("a text is not empty", f"{BLOCKS}/section-block", _section(1), beyond=_section(0)),
    _blocks("ten fields", f"{BLOCKS}/section-block", _fields(10), beyond=_fields(11)),
    _blocks(
        "a field of 2,000", f"{BLOCKS}/section-block", _fields(1, 2000), beyond=_fields(1, 2001)
    ),
    _blocks(
        "a header of 150",
        f"{BLOCKS}/header-block",
        {"type": "header", "text": _plain(150)},
        beyond={"type": "header", "text": _plain(151)},
    ),
    _blocks(
        "a header is plain",
        f"{BLOCKS}/header-block",
        {"type": "header", "text": _plain(9)},
        beyond={"type": "header", "text": _mrkdwn(9)},
    ),
    _blocks(
        "ten elements of a context", f"{BLOCKS}/context-block", _context(10), beyond=_context(11)
    ),
    _blocks("25 actions", f"{BLOCKS}/actions-block", _buttons(25), beyond=_buttons(26)),
    _blocks("an image's text of 2,000", f"{BLOCKS}/image-block", _image(2000), beyond=_image(2001)),
    _blocks(
        "a block id of 255",
        BLOCKS,
        {"type": "divider", "block_id": "b" * 255},
        beyond={"type": "divider", "block_id": "b" * 256},
    ),
    _blocks(
        "markdown of 12,000",
        f"{BLOCKS}/markdown-block",
        {"type": "markdown", "text": "x" * 12_000},
        beyond={"type": "markdown", "text": "x" * 12_001},
    ),
    _blocks("a known block", BLOCKS, {"type": "divider"}, beyond={"type": "line"}),
    _blocks("a known field", BLOCKS, {"type": "divider"}, beyond={"type": "divider", "text": "x"}),
    _blocks(
        "a button's label of 75",
        f"{ELEMENTS}/button-element",
        _actions(_button(75)),
        beyond=_actions(_button(76)),
    ),
    _blocks(
        "a button's value of 2,000",
        f"{ELEMENTS}/button-element",
        _actions(_button(value="v" * 2000)),
        beyond=_actions(_button(value="v" * 2001)),
    ),
    _blocks(
        "a button's address of 3,000",
        f"{ELEMENTS}/button-element",
        _actions(_button(url=_url(3000))),
        beyond=_actions(_button(url=_url(3001))),
    ),
    _blocks(
        "an action id of 255",
        f"{ELEMENTS}/button-element",
        _actions(_button(action_id="a" * 255)),
        beyond=_actions(_button(action_id="a" * 256)),
    ),
    _blocks(
        "100 options",
        f"{ELEMENTS}/select-menu-element",
        _actions(_menu(100)),
        beyond=_actions(_menu(101)),
    ),
]

RULES = [
    *_LAYOUT,
    SlackRule(
        "about 13,200 characters in all blocks",
        MEASURED,
        "chat.postMessage",
        {"blocks": [_section(3000)] * 4},
        {"blocks": [_section(3000)] * 5},
        "msg_blocks_too_long",
    ),
    SlackRule(
        "a post of 40,000",
        POST,
        "chat.postMessage",
        {"text": "x" * 40_000},
        {"text": "x" * 40_001},
        "msg_too_long",
    ),
    SlackRule(
        "an edit of 4,000",
        UPDATE,
        "chat.update",
        {"text": "x" * 4_000},
        {"text": "x" * 4_001},
        "msg_too_long",
    ),
    SlackRule(
        "an edit's text is counted escaped",
        UPDATE,
        "chat.update",
        {"text": "<" * 1_000},
        {"text": "<" * 1_001},
        "msg_too_long",
    ),
    SlackRule("a text at all", POST, "chat.postMessage", {"text": "x"}, {"text": ""}, "no_text"),
    SlackRule(
        "100 attachments",
        POST,
        "chat.postMessage",
        {"attachments": [{"text": "x"}] * 100},
        {"attachments": [{"text": "x"}] * 101},
        "too_many_attachments",
    ),
    SlackRule(
        "markdown instead of a text",
        POST,
        "chat.postMessage",
        {"text": "", "markdown_text": "x" * 12_000},
        {"text": "x", "markdown_text": "x"},
        "markdown_text_conflict",
    ),
    SlackRule(
        "a post may name the channel",
        POST,
        "chat.postMessage",
        {"channel": "#incidents"},
        {"channel": "#incident"},
        "channel_not_found",
    ),
    SlackRule(
        "an edit needs the channel's id",
        UPDATE,
        "chat.update",
        {"channel": CHANNEL},
        {"channel": "#incidents"},
        "channel_not_found",
    ),
    SlackRule(
        "the history needs the channel's id",
        HISTORY,
        "conversations.history",
        {"channel": CHANNEL},
        {"channel": "incidents"},
        "channel_not_found",
    ),
    SlackRule(
        "a page of 999",
        HISTORY,
        "conversations.history",
        {"limit": 999},
        {"limit": 1000},
        "invalid_limit",
    ),
    SlackRule(
        "metadata of 16 KB",
        METADATA,
        "chat.postMessage",
        _metadata(id="x" * 15_000),
        _metadata(id="x" * 16_000),
        "metadata_too_large",
    ),
    SlackRule(
        "letters of an event type",
        METADATA,
        "chat.postMessage",
        _metadata("task_created"),
        _metadata("task created"),
        "invalid_metadata_format",
    ),
    SlackRule(
        "metadata is flat",
        METADATA,
        "chat.postMessage",
        _metadata(who={"id": 1}),
        _metadata(who={"id": {"deep": 1}}),
        "invalid_metadata_format",
    ),
    SlackRule(
        "metadata holds no null",
        METADATA,
        "chat.postMessage",
        _metadata(id="x"),
        _metadata(id=None),
        "invalid_metadata_format",
    ),
    SlackRule(
        "a message that stands",
        UPDATE,
        "chat.update",
        {},
        {"ts": "1700000000.000001"},
        "message_not_found",
    ),
    SlackRule(
        "an emoji's name",
        REACTION,
        "reactions.add",
        {"name": "eyes"},
        {"name": "two words"},
        "invalid_name",
    ),
]
