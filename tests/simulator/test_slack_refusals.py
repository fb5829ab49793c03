"""How the refusal of blocks reaches the real Slack client."""

from pathlib import Path

import pytest
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient

from simulator.request_log import RequestLog
from simulator.serving import served
from simulator.slack import SlackStandIn, build_slack

CHANNEL = "C0INCIDENTS"
TOKEN = "-".join(("xoxb", "for", "tests"))
LONG = {"type": "section", "text": {"type": "plain_text", "text": "x" * 3000}}


@pytest.mark.parametrize(
    ("blocks", "error"),
    [
        ([{"type": "marquee"}], "invalid_blocks"),
        ("not json", "invalid_blocks_format"),
        ({"type": "divider"}, "invalid_blocks_format"),
        ([LONG] * 5, "msg_blocks_too_long"),
    ],
)
async def test_bad_blocks_are_refused_when_posted_and_when_edited(
    tmp_path: Path, blocks: object, error: str
) -> None:
    log = RequestLog(tmp_path / "requests.jsonl")
    stand_in = SlackStandIn({CHANNEL: "incidents"})
    async with served(build_slack(log, TOKEN, stand_in=stand_in)) as address:
        client = AsyncWebClient(token=TOKEN, base_url=f"{address}/api/")
        posted = await client.chat_postMessage(channel=CHANNEL, text="good")
        said = {"channel": CHANNEL, "text": "x", "blocks": blocks}
        for method in ("chat.postMessage", "chat.update"):
            with pytest.raises(SlackApiError) as refused:
                await client.api_call(method, json=said | {"ts": posted["ts"]})
            assert refused.value.response["error"] == error
    assert [len(message.versions) for message in stand_in.messages] == [1]


async def test_refused_blocks_come_with_every_reason(tmp_path: Path) -> None:
    log = RequestLog(tmp_path / "requests.jsonl")
    stand_in = SlackStandIn({CHANNEL: "incidents"})
    async with served(build_slack(log, TOKEN, stand_in=stand_in)) as address:
        client = AsyncWebClient(token=TOKEN, base_url=f"{address}/api/")
        with pytest.raises(SlackApiError) as refused:
            await client.chat_postMessage(channel=CHANNEL, text="x", blocks=[{"type": "marquee"}])
    finding = "unsupported type: marquee [json-pointer:/blocks/0/type]"
    assert refused.value.response["errors"] == [finding]
    assert refused.value.response["response_metadata"] == {"messages": [f"[ERROR] {finding}"]}
    assert log.read("slack")[-1]["errors"] == [finding]
