"""An upload is three steps, each once, and the thread must be one."""

from collections.abc import AsyncIterator, Awaitable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient

from simulator.request_log import RequestLog
from simulator.serving import served
from simulator.slack import SlackStandIn, build_slack

CHANNEL = "C0INCIDENTS"
TOKEN = "-".join(("xoxb", "for", "tests"))


@dataclass
class Desk:
    """A client of Slack, and what Slack was told."""

    client: AsyncWebClient
    stand_in: SlackStandIn

    async def parent(self) -> str:
        """The `ts` of a message in the channel."""
        posted = await self.client.chat_postMessage(channel=CHANNEL, text="parent")
        return str(posted["ts"])

    async def announced(self, length: int = 4) -> tuple[str, str]:
        """A file's id and where its bytes go."""
        answer = await self.client.files_getUploadURLExternal(filename="a.txt", length=length)
        return str(answer["file_id"]), str(answer["upload_url"])

    async def shared(self, file_id: str, **where: Any) -> str:
        """The refusal of the last step, or nothing."""
        share = self.client.files_completeUploadExternal(files=[{"id": file_id}], **where)
        return await refusal(share)


@pytest.fixture
async def desk(tmp_path: Path) -> AsyncIterator[Desk]:
    stand_in = SlackStandIn({CHANNEL: "incidents"})
    log = RequestLog(tmp_path / "requests.jsonl")
    async with served(build_slack(log, TOKEN, stand_in=stand_in)) as address:
        client = AsyncWebClient(token=TOKEN, base_url=f"{address}/api/", retry_handlers=[])
        yield Desk(client, stand_in)


async def refusal(call: Awaitable[object]) -> str:
    try:
        await call
    except SlackApiError as error:
        return str(error.response["error"])
    return ""


async def send(url: str, content: bytes) -> int:
    async with aiohttp.ClientSession() as session, session.post(url, data=content) as answer:
        return answer.status


async def test_bytes_are_taken_once_and_only_as_many_as_were_announced(desk: Desk) -> None:
    _, url = await desk.announced(length=4)
    assert [await send(url, text) for text in (b"12345", b"1234", b"1234")] == [400, 200, 404]
    assert await send(url[:-1] + "9", b"1234") == 404


async def test_file_is_completed_once_and_not_before_its_bytes_came(desk: Desk) -> None:
    file_id, url = await desk.announced()
    where = {"channel_id": CHANNEL, "thread_ts": await desk.parent()}
    assert await desk.shared(file_id, **where) == "file_not_found"
    await send(url, b"1234")
    assert [await desk.shared(file_id, **where) for _ in range(2)] == ["", "file_not_found"]
    thread = await desk.client.conversations_replies(channel=CHANNEL, ts=where["thread_ts"])
    (file,) = thread["messages"][1]["files"]
    assert (file["id"], file["name"]) == (file_id, "a.txt")


async def test_file_goes_only_into_a_thread_that_stands(desk: Desk) -> None:
    file_id, url = await desk.announced()
    await send(url, b"1234")
    parent = await desk.parent()
    reply = await desk.client.chat_postMessage(channel=CHANNEL, text="x", thread_ts=parent)
    for thread_ts in ("1700000000.000001", "nonsense", str(reply["ts"])):
        refused = await desk.shared(file_id, channel_id=CHANNEL, thread_ts=thread_ts)
        assert refused == "invalid_thread_ts"
    assert await desk.shared(file_id, thread_ts=parent) == "invalid_thread_ts"
    assert await desk.shared(file_id, channel_id="incidents") == "invalid_arguments"
    assert await desk.shared(file_id, channel_id="C0NOWHERE") == "channel_not_found"
    assert await desk.shared(file_id, channel_id=CHANNEL, thread_ts=parent) == ""


async def test_reply_to_a_reply_or_to_nothing_is_refused(desk: Desk) -> None:
    parent = await desk.parent()
    reply = await desk.client.chat_postMessage(channel=CHANNEL, text="x", thread_ts=parent)
    words = []
    for thread_ts in (str(reply["ts"]), "1700000000.000001", "nonsense"):
        post = desk.client.chat_postMessage(channel=CHANNEL, text="x", thread_ts=thread_ts)
        words.append(await refusal(post))
    assert words == ["cannot_reply_to_message", "thread_not_found", "invalid_thread_ts"]
