"""What stands in for Slack and the model in a cluster: one token each, and a way to read it."""

import asyncio

import pytest
from slack_sdk.web.async_client import AsyncWebClient

from simulator.serving import served
from simulator.standing_in import main, read, standing_in

GIVEN = {
    "SLACK_BOT_TOKEN": "a-token-of-the-tests",
    "NIGHTSHIFT_SLACK_CHANNEL": "C0123456789",
    "ANTHROPIC_API_KEY": "a-key-of-the-tests",
    "NIGHTSHIFT_NAMESPACES": "online-boutique",
}


async def test_a_message_of_the_notifiers_token_and_channel_is_kept_and_can_be_read() -> None:
    async with served(standing_in("slack", GIVEN)) as address:
        assert await asyncio.to_thread(read, address) == "no message yet"
        client = AsyncWebClient(GIVEN["SLACK_BOT_TOKEN"], base_url=f"{address}/api/")
        await client.chat_postMessage(channel="C0123456789", text="cartservice: root cause found")
        shown = await asyncio.to_thread(read, address)
    assert shown == "── C0123456789\ncartservice: root cause found"


@pytest.mark.parametrize("kind", ["slack", "model"])
def test_without_its_token_it_does_not_start_and_says_which_is_missing(
    kind: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in GIVEN:
        monkeypatch.delenv(name, raising=False)
    assert main([kind]) == 1
    assert "is not set" in capsys.readouterr().err


def test_anything_else_that_is_asked_of_it_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["both"]) == 2
    assert "slack, model or read" in capsys.readouterr().err
