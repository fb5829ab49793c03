"""What stands in for Slack and the model in a cluster: one token each, and a way to read it."""

import asyncio
from urllib.request import urlopen

import pytest
from anthropic import AsyncAnthropic
from slack_sdk.web.async_client import AsyncWebClient

from simulator.serving import served
from simulator.standing_in import SECONDS_PER_REPLY, main, read, standing_in
from tests.simulator.model_talk import MODEL

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


async def test_the_model_takes_its_time_for_a_reply_and_is_well_meanwhile() -> None:
    assert await is_answered_soon(seconds_per_reply=0.0)
    assert not await is_answered_soon(seconds_per_reply=SECONDS_PER_REPLY)


async def is_answered_soon(*, seconds_per_reply: float) -> bool:
    app = standing_in("model", GIVEN, seconds_per_reply=seconds_per_reply)
    key = GIVEN["ANTHROPIC_API_KEY"]
    async with (
        served(app) as address,
        AsyncAnthropic(api_key=key, base_url=address, max_retries=0) as client,
    ):
        reply = asyncio.create_task(
            client.messages.create(
                model=MODEL,
                max_tokens=1000,
                messages=[{"role": "user", "content": "service: cartservice"}],
            )
        )
        await asyncio.wait([reply], timeout=1.0 if seconds_per_reply else 5.0)
        with await asyncio.to_thread(urlopen, f"{address}/healthz", timeout=5) as health:
            assert health.read() == b"ok"
        if reply.done():
            return bool(reply.result().content)
        reply.cancel()
        await asyncio.wait([reply])
    return False


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
