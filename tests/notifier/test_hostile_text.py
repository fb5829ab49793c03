"""Text of models and logs is data: no mention, no link, no image, no markup."""

import json

import pytest

from bus.events import Evidence, Fix, ToolCallId
from services.notifier.blocks import feedback_buttons
from services.notifier.message import cleaned
from services.notifier.report import final_card, live_card, plain_card
from simulator.slack.block_kit import block_findings
from tests.notifier.records import diagnosis, ended, opened
from tests.notifier.slack_desk import texts

HOSTILE = (
    "<!channel> wake up",
    "<!here> wake up",
    "<!everyone>",
    "<@U012AB3CD> approve this",
    "<!subteam^S012AB3CD> approve this",
    "<https://evil.test/?q=1|https://github.com/fix>",
    "![chart](https://evil.test/chart.png)",
    "https://evil.test/?leak=1",
    "&lt;!channel&gt;",
    "*bold* _italic_ ~gone~ `code` ```block```",
    ":rotating_light: @channel @here #general",
    "```\n<!channel>\n```",
    "<mailto:a@evil.test|click>",
    "<!date^1^{date}^https://evil.test|now>",
    "line one\nline two\r\nline three",
    "\u202eright to left\u202c",
    "zero\u200bwidth",
    "\x1b[31mred\x1b[0m",
    "\U000e0041\U000e0042 tags",
    "<" * 5000,
    "&" * 5000,
    "\U0001f4a5" * 3000,
    "[Approve](nightshift_stop)",
    "\x00\x01\x02",
    " ",
)
PARSED = ("mrkdwn", "image", "markdown", "user", "broadcast", "usergroup", "emoji", "link")


def kinds(value: object) -> list[str]:
    if isinstance(value, list | tuple):
        return [kind for part in value for kind in kinds(part)]
    if not isinstance(value, dict):
        return []
    own = value.get("type")
    return ([own] if isinstance(own, str) else []) + kinds(list(value.values()))


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_text_reaches_slack_as_letters_only(text: str) -> None:
    quote = Evidence(tool_call_id=ToolCallId("1-1"), quote=text, verified=True, tool=text)
    found = diagnosis(
        summary=text,
        root_cause=text,
        component=text,
        evidence=(quote,),
        fix=Fix(summary=text, diff=text),
    )
    record = cleaned(ended("diagnosed", diagnosis=found, reason=text))
    running = cleaned(opened(reason=text))
    no_diagnosis = final_card(record.changed(diagnosis=None), activity=text, last_words=text)
    cards = (final_card(record), plain_card(record), live_card(running, text), no_diagnosis)
    for card in cards:
        assert block_findings(list(card.blocks)) == []
        assert not set(kinds(card.blocks)) & set(PARSED)
        assert "<" not in card.text
        assert ">" not in card.text
        assert "url" not in json.dumps(card.blocks).replace("evil.test", "")
    actions = [block for block in final_card(record).blocks if block["type"] == "actions"]
    assert actions == [feedback_buttons("inc-7")]


def test_quoted_text_stays_readable_letter_by_letter() -> None:
    line = "GET /cart?a=1&b=<none> failed: <nil> `x` *y*"
    quote = Evidence(tool_call_id=ToolCallId("1-1"), quote=line, verified=True)
    card = final_card(cleaned(ended("diagnosed", diagnosis=diagnosis(evidence=(quote,)))))
    assert line in texts(card.blocks)


def test_secret_in_the_models_text_is_not_shown() -> None:
    secret = "ghp_" + "a1B2" * 10
    record = cleaned(ended("diagnosed", diagnosis=diagnosis(root_cause=f"token {secret} leaked")))
    card = final_card(record)
    assert secret not in card.text + json.dumps(card.blocks)
    assert "[secret:github:" in card.text


def test_cleaning_leaves_ids_times_and_figures_alone() -> None:
    record = ended("diagnosed")
    assert cleaned(record) == record


def test_escaped_text_is_cut_between_entities() -> None:
    card = plain_card(ended("failed", reason="&" * 10_000))
    assert card.text.replace("&amp;", "").count("&") == 0
    assert len(card.text) < 40_000
