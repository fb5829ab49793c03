"""Which blocks the Slack stand-in refuses, with Slack's words and places; needs no network."""

import pytest

from simulator.slack.block_kit import block_characters, block_findings

Block = dict[str, object]


def section(text: str, **more: object) -> Block:
    return {"type": "section", "text": {"type": "mrkdwn", "text": text}, **more}


def button(label: str = "Stop", **more: object) -> Block:
    return {"type": "button", "text": {"type": "plain_text", "text": label}, **more}


def actions(*elements: Block) -> Block:
    return {"type": "actions", "elements": list(elements)}


def rich(*elements: Block) -> Block:
    return {"type": "rich_text", "elements": list(elements)}


def found(*blocks: object) -> list[str]:
    return [str(finding) for finding in block_findings(list(blocks))]


def test_card_within_the_limits_has_no_findings() -> None:
    assert (
        found(
            {"type": "header", "text": {"type": "plain_text", "text": "x" * 150, "emoji": True}},
            section("x" * 3000, block_id="b1", accessory=button()),
            {"type": "section", "fields": [{"type": "mrkdwn", "text": "x" * 2000}] * 10},
            {"type": "context", "elements": [{"type": "mrkdwn", "text": "x", "verbatim": True}]},
            {"type": "divider"},
            actions(button("Stop", action_id="stop", style="danger"), button(action_id="more")),
            {"type": "image", "image_url": "https://example.com/a.png", "alt_text": "a"},
            rich(
                {
                    "type": "rich_text_section",
                    "elements": [
                        {"type": "text", "text": "bold", "style": {"bold": True}},
                        {"type": "link", "url": "https://example.com", "text": "trace"},
                        {"type": "emoji", "name": "eyes"},
                    ],
                },
                {
                    "type": "rich_text_list",
                    "style": "bullet",
                    "elements": [
                        {"type": "rich_text_section", "elements": [{"type": "text", "text": "x"}]}
                    ],
                },
                {
                    "type": "rich_text_preformatted",
                    "elements": [{"type": "text", "text": "at RedisCartStore.cs"}],
                },
                {"type": "rich_text_quote", "elements": [{"type": "text", "text": "q"}]},
            ),
        )
        == []
    )


def line(**element: object) -> Block:
    return rich({"type": "rich_text_section", "elements": [element]})


FIRST = "[json-pointer:/blocks/0/elements/0"
EMPTY = "no fewer than 1 items allowed"
OPTION = {"text": {"type": "plain_text", "text": "x"}, "value": "x"}
CONFIRM = {name: {"type": "plain_text", "text": "x"} for name in ("title", "confirm", "deny")}


@pytest.mark.parametrize(
    ("block", "finding"),
    [
        (
            rich({"type": "rich_text_section", "elements": []}),
            f"{EMPTY} {FIRST}/elements]",
        ),
        (rich({"type": "rich_text_quote", "elements": []}), f"{EMPTY} {FIRST}/elements]"),
        (rich({"type": "rich_text_preformatted", "elements": []}), f"{EMPTY} {FIRST}/elements]"),
        (
            rich({"type": "rich_text_list", "style": "bullet", "elements": []}),
            f"{EMPTY} {FIRST}/elements]",
        ),
        (
            line(type="link", url="https://x.test", text=""),
            f"must be more than 0 characters {FIRST}/elements/0/text]",
        ),
        (
            line(type="link", url="https://x.test/a b"),
            f"must be a valid URL {FIRST}/elements/0/url]",
        ),
        (line(type="link", url="https://"), f"must be a valid URL {FIRST}/elements/0/url]"),
        (
            line(type="link", url="javascript:alert(1)"),
            f"must be a valid URL {FIRST}/elements/0/url]",
        ),
        (
            line(type="text", text="half \ud83d of a sign"),
            f"must be valid unicode {FIRST}/elements/0/text]",
        ),
        (
            {"type": "header", "text": {"type": "plain_text", "text": "\U0001f4a5" * 76}},
            "must be less than 151 characters [json-pointer:/blocks/0/text/text]",
        ),
        (
            actions(button(confirm=CONFIRM | {"text": {"type": "mrkdwn", "text": "x"}})),
            f"unsupported type: mrkdwn {FIRST}/confirm/text/type]",
        ),
        (
            actions(
                {
                    "type": "overflow",
                    "options": [OPTION | {"text": {"type": "mrkdwn", "text": "x"}}],
                }
            ),
            f"unsupported type: mrkdwn {FIRST}/options/0/text/type]",
        ),
        (
            actions({"type": "static_select", "options": [OPTION | {"url": "https://x.test"}]}),
            f"invalid additional property: url {FIRST}/options/0]",
        ),
        (
            section("x" * 3001),
            "must be less than 3001 characters [json-pointer:/blocks/0/text/text]",
        ),
        (section(""), "must be more than 0 characters [json-pointer:/blocks/0/text/text]"),
        (
            section("x", colour="red"),
            "invalid additional property: colour [json-pointer:/blocks/0]",
        ),
        (
            section("x", block_id="b" * 256),
            "must be less than 256 characters [json-pointer:/blocks/0/block_id]",
        ),
        ({"type": "section"}, "missing required field: text or fields [json-pointer:/blocks/0]"),
        (
            {"type": "section", "fields": [{"type": "mrkdwn", "text": "x"}] * 11},
            "no more than 10 items allowed [json-pointer:/blocks/0/fields]",
        ),
        (
            {"type": "section", "fields": [{"type": "mrkdwn", "text": "x" * 2001}]},
            "must be less than 2001 characters [json-pointer:/blocks/0/fields/0/text]",
        ),
        (
            {"type": "header", "text": {"type": "mrkdwn", "text": "x"}},
            "unsupported type: mrkdwn [json-pointer:/blocks/0/text/type]",
        ),
        (
            {"type": "header", "text": {"type": "plain_text", "text": "x" * 151}},
            "must be less than 151 characters [json-pointer:/blocks/0/text/text]",
        ),
        (
            {"type": "context", "elements": [{"type": "mrkdwn", "text": "x"}] * 11},
            "no more than 10 items allowed [json-pointer:/blocks/0/elements]",
        ),
        (
            {"type": "context", "elements": []},
            "no fewer than 1 items allowed [json-pointer:/blocks/0/elements]",
        ),
        (
            actions(*[button()] * 26),
            "no more than 25 items allowed [json-pointer:/blocks/0/elements]",
        ),
        (
            actions(button("x" * 76)),
            "must be less than 76 characters [json-pointer:/blocks/0/elements/0/text/text]",
        ),
        (
            actions(button(action_id="a" * 256)),
            "must be less than 256 characters [json-pointer:/blocks/0/elements/0/action_id]",
        ),
        (
            actions(button(action_id="a"), button(action_id="a")),
            "`action_id` already exists: a [json-pointer:/blocks/0/elements/1/action_id]",
        ),
        (
            {"type": "image", "image_url": "https://example.com/a.png"},
            "missing required field: alt_text [json-pointer:/blocks/0]",
        ),
        ({"type": "marquee"}, "unsupported type: marquee [json-pointer:/blocks/0/type]"),
        ({"text": "x"}, "missing required field: type [json-pointer:/blocks/0]"),
        ("divider", "must be an object [json-pointer:/blocks/0]"),
        (
            rich({"type": "rich_text_section", "elements": [{"type": "text", "text": ""}]}),
            "must be more than 0 characters [json-pointer:/blocks/0/elements/0/elements/0/text]",
        ),
        (
            rich({"type": "rich_text_section", "elements": [{"type": "mrkdwn", "text": "x"}]}),
            "unsupported type: mrkdwn [json-pointer:/blocks/0/elements/0/elements/0/type]",
        ),
        (
            rich({"type": "rich_text_list", "style": "bullet", "elements": [{"type": "text"}]}),
            "unsupported type: text [json-pointer:/blocks/0/elements/0/elements/0/type]",
        ),
        (
            rich(
                {
                    "type": "rich_text_preformatted",
                    "elements": [{"type": "emoji", "name": "eyes"}],
                }
            ),
            "unsupported type: emoji [json-pointer:/blocks/0/elements/0/elements/0/type]",
        ),
        (
            rich(
                {
                    "type": "rich_text_section",
                    "elements": [{"type": "text", "text": "x", "style": {"loud": True}}],
                }
            ),
            "invalid additional property: loud "
            "[json-pointer:/blocks/0/elements/0/elements/0/style]",
        ),
    ],
)
def test_block_outside_the_limits_is_found_with_its_place(block: object, finding: str) -> None:
    assert found(block) == [finding]


def test_fifty_one_blocks_are_one_too_many() -> None:
    assert found(*[{"type": "divider"}] * 50) == []
    assert found(*[{"type": "divider"}] * 51) == [
        "no more than 50 items allowed [json-pointer:/blocks]"
    ]


def test_markdown_blocks_hold_twelve_thousand_characters_together() -> None:
    half = {"type": "markdown", "text": "x" * 6000}
    assert found(half, half) == []
    assert found(half, half, {"type": "markdown", "text": "x"}) == [
        "markdown blocks hold no more than 12000 characters together [json-pointer:/blocks]"
    ]


def test_block_id_is_unique_in_a_message_and_action_id_in_its_block() -> None:
    twice = found(section("x", block_id="b"), section("y", block_id="b"))
    assert twice == ["`block_id` already exists: b [json-pointer:/blocks/1/block_id]"]
    assert found(actions(button(action_id="a")), actions(button(action_id="a"))) == []


def test_every_finding_of_a_message_is_told_at_once() -> None:
    assert len(found(section(""), {"type": "marquee"}, section("x", colour="red"))) == 3


def test_characters_of_all_texts_are_counted_once() -> None:
    assert block_characters([section("four"), actions(button("six123"))]) == 10
