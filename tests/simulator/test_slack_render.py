"""A Slack message in a terminal."""

from simulator.slack import render_message

CARD = {
    "text": "fallback",
    "blocks": [
        {"type": "header", "text": {"type": "plain_text", "text": "cartservice: fault"}},
        {
            "type": "section",
            "text": {"type": "mrkdwn", "text": "see <https://x.test/t|trace> &amp; <a"},
        },
        {"type": "section", "fields": [{"type": "mrkdwn", "text": "*Cost*\n$0.03"}]},
        {
            "type": "rich_text",
            "elements": [
                {
                    "type": "rich_text_section",
                    "elements": [
                        {"type": "text", "text": "Evidence "},
                        {"type": "link", "url": "https://x.test", "text": "log"},
                    ],
                },
                {
                    "type": "rich_text_list",
                    "style": "ordered",
                    "elements": [
                        {
                            "type": "rich_text_section",
                            "elements": [{"type": "text", "text": "one"}],
                        },
                        {
                            "type": "rich_text_section",
                            "elements": [{"type": "text", "text": "two"}],
                        },
                    ],
                },
                {
                    "type": "rich_text_preformatted",
                    "elements": [{"type": "text", "text": "line 1\nline 2"}],
                },
                {"type": "rich_text_quote", "elements": [{"type": "text", "text": "said"}]},
            ],
        },
        {"type": "divider"},
        {"type": "context", "elements": [{"type": "plain_text", "text": "3 turns"}]},
        {
            "type": "actions",
            "elements": [{"type": "button", "text": {"type": "plain_text", "text": "Stop"}}],
        },
    ],
}


def test_card_reads_top_to_bottom_as_a_person_sees_it() -> None:
    assert render_message(CARD).splitlines() == [
        "cartservice: fault",
        "==================",
        "see trace (https://x.test/t) & <a",
        "*Cost* $0.03",
        "Evidence log (https://x.test)",
        "1. one",
        "2. two",
        "    line 1",
        "    line 2",
        "> said",
        "-" * 78,
        "3 turns",
        "[Stop]",
    ]


def test_message_without_blocks_is_its_text() -> None:
    assert render_message({"text": "plain &lt;text&gt;", "blocks": []}) == "plain <text>"
