"""What the Slack stand-in does with messages, seen through the real Slack client."""

from collections.abc import AsyncIterator, Awaitable
from pathlib import Path
from typing import NamedTuple

import aiohttp
import pytest
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient
from slack_sdk.web.async_slack_response import AsyncSlackResponse

from simulator.request_log import RequestLog
from simulator.serving import served
from simulator.slack import Limits, SlackStandIn, build_slack

CHANNEL = "C0INCIDENTS"
TOKEN = "-".join(("xoxb", "for", "tests"))


class Desk(NamedTuple):
    """A client, what it talks to, and the log of the talk."""

    client: AsyncWebClient
    stand_in: SlackStandIn
    log: RequestLog
    address: str


@pytest.fixture
async def desk(tmp_path: Path) -> AsyncIterator[Desk]:
    log = RequestLog(tmp_path / "requests.jsonl")
    stand_in = SlackStandIn({CHANNEL: "incidents", "C0OTHER": "other"})
    async with served(build_slack(log, TOKEN, stand_in=stand_in)) as address:
        client = AsyncWebClient(token=TOKEN, base_url=f"{address}/api/")
        yield Desk(client, stand_in, log, address)


async def refusal(call: Awaitable[AsyncSlackResponse]) -> dict[str, object]:
    with pytest.raises(SlackApiError) as refused:
        await call
    answer = refused.value.response.data
    assert isinstance(answer, dict)
    return answer


async def test_token_belongs_to_the_bot(desk: Desk) -> None:
    answer = await desk.client.auth_test()
    assert answer["user_id"] == "U0NIGHTSHIFT"
    assert answer["bot_id"]


async def test_wrong_token_is_invalid_auth_and_no_token_is_not_authed(desk: Desk) -> None:
    stranger = AsyncWebClient(token=TOKEN + "x", base_url=f"{desk.address}/api/")
    nobody = AsyncWebClient(base_url=f"{desk.address}/api/")
    assert (await refusal(stranger.auth_test()))["error"] == "invalid_auth"
    assert (await refusal(nobody.auth_test()))["error"] == "not_authed"


async def test_posted_message_stands_in_history_with_its_metadata(desk: Desk) -> None:
    metadata = {"event_type": "nightshift_incident", "event_payload": {"id": "inc-1"}}
    posted = await desk.client.chat_postMessage(channel=CHANNEL, text="working", metadata=metadata)
    with_metadata = await desk.client.conversations_history(
        channel=CHANNEL, include_all_metadata=True
    )
    without = await desk.client.conversations_history(channel=CHANNEL)
    (found,) = with_metadata["messages"]
    assert (found["ts"], found["text"]) == (posted["ts"], "working")
    assert found["metadata"] == metadata
    assert "metadata" not in without["messages"][0]


async def test_channel_can_be_named_and_the_answer_holds_its_id(desk: Desk) -> None:
    posted = await desk.client.chat_postMessage(channel="#incidents", text="hello")
    assert posted["channel"] == CHANNEL
    assert (await desk.client.conversations_info(channel=CHANNEL))["channel"]["is_member"]


async def test_timestamps_are_unique_and_increase(tmp_path: Path) -> None:
    stand_in = SlackStandIn({CHANNEL: "incidents"}, clock=lambda: 1_700_000_000.0)
    stamps = [stand_in.next_ts() for _ in range(1000)]
    assert len(set(stamps)) == 1000
    assert stamps == sorted(stamps)


async def test_update_with_a_text_alone_takes_the_blocks_away_and_keeps_the_metadata(
    desk: Desk,
) -> None:
    blocks = [{"type": "divider"}]
    metadata = {"event_type": "nightshift_incident", "event_payload": {"id": "inc-1"}}
    posted = await desk.client.chat_postMessage(
        channel=CHANNEL, text="first", blocks=blocks, metadata=metadata
    )
    await desk.client.chat_update(channel=CHANNEL, ts=posted["ts"], text="second")
    (message,) = desk.stand_in.messages
    assert [version.text for version in message.versions] == ["first", "second"]
    assert (message.now.blocks, message.now.metadata) == ([], metadata)
    assert message.as_slack(with_metadata=False)["edited"]


async def test_update_of_a_message_that_is_not_there_is_message_not_found(desk: Desk) -> None:
    answer = await refusal(desk.client.chat_update(channel=CHANNEL, ts="1.000001", text="x"))
    assert answer["error"] == "message_not_found"


async def test_ephemeral_message_stands_in_no_history_and_cannot_be_updated(desk: Desk) -> None:
    shown = await desk.client.chat_postEphemeral(channel=CHANNEL, user="U1", text="for you")
    history = await desk.client.conversations_history(channel=CHANNEL)
    assert history["messages"] == []
    ts = shown["message_ts"]
    answer = await refusal(desk.client.chat_update(channel=CHANNEL, ts=ts, text="x"))
    assert answer["error"] == "cant_update_message"


@pytest.mark.parametrize(
    ("arguments", "error"),
    [
        ({"channel": "C0NOWHERE", "text": "x"}, "channel_not_found"),
        ({"channel": CHANNEL, "text": ""}, "no_text"),
        ({"channel": CHANNEL, "text": "x" * 40_001}, "msg_too_long"),
        ({"channel": CHANNEL, "text": "x", "thread_ts": "yesterday"}, "invalid_thread_ts"),
        ({"channel": CHANNEL, "text": "x", "metadata": {"id": 1}}, "invalid_metadata_format"),
        (
            {"channel": CHANNEL, "text": "x", "metadata": {"event_type": "a b"}},
            "invalid_metadata_format",
        ),
        (
            {
                "channel": CHANNEL,
                "text": "x",
                "metadata": {"event_type": "a", "event_payload": {"long": "x" * 16_000}},
            },
            "metadata_too_large",
        ),
    ],
)
async def test_refused_post_leaves_nothing_behind(
    desk: Desk, arguments: dict[str, object], error: str
) -> None:
    answer = await refusal(desk.client.api_call("chat.postMessage", json=arguments))
    assert answer["error"] == error
    assert desk.stand_in.messages == []
    assert desk.log.read("slack")[-1]["error"] == error


async def test_text_of_forty_thousand_characters_is_taken(desk: Desk) -> None:
    await desk.client.chat_postMessage(channel=CHANNEL, text="x" * 40_000)
    assert len(desk.stand_in.messages) == 1


async def test_form_encoded_call_is_understood_like_a_json_one(desk: Desk) -> None:
    arguments = {"channel": CHANNEL, "text": "form & all", "blocks": '[{"type": "divider"}]'}
    await desk.client.api_call("chat.postMessage", data=arguments)
    (message,) = desk.stand_in.messages
    assert (message.now.text, message.now.blocks) == ("form & all", [{"type": "divider"}])


async def test_unreadable_bodies_get_slacks_words(desk: Desk) -> None:
    url = f"{desk.address}/api/chat.postMessage"
    json_type = {"Content-Type": "application/json"}
    async with aiohttp.ClientSession() as session:
        async with session.post(url, data=b"{not json", headers=json_type) as answer:
            assert (answer.status, (await answer.json())["error"]) == (200, "invalid_json")
        async with session.post(url, data=b"[]", headers=json_type) as answer:
            assert (await answer.json())["error"] == "json_not_object"
        async with session.post(f"{desk.address}/api/chat.shout", data={}) as answer:
            assert (await answer.json())["error"] == "unknown_method"


async def test_unknown_arguments_are_tolerated_and_recorded(desk: Desk) -> None:
    await desk.client.chat_postMessage(channel=CHANNEL, text="x", colour="red")
    assert desk.stand_in.messages[0].unknown_arguments == ["colour"]
    assert desk.log.read("slack")[-1]["unknown_arguments"] == ["colour"]


async def test_replies_stand_in_their_thread_and_not_in_history(desk: Desk) -> None:
    parent = await desk.client.chat_postMessage(channel=CHANNEL, text="parent")
    for number in range(3):
        await desk.client.chat_postMessage(
            channel=CHANNEL, text=f"reply {number}", thread_ts=parent["ts"]
        )
    history = await desk.client.conversations_history(channel=CHANNEL)
    thread = await desk.client.conversations_replies(channel=CHANNEL, ts=parent["ts"])
    assert [(said["text"], said["reply_count"]) for said in history["messages"]] == [("parent", 3)]
    texts = [said["text"] for said in thread["messages"]]
    assert texts == ["parent", "reply 0", "reply 1", "reply 2"]


async def test_history_comes_newest_first_in_pages_within_the_given_times(desk: Desk) -> None:
    stamps = [
        (await desk.client.chat_postMessage(channel=CHANNEL, text=str(number)))["ts"]
        for number in range(7)
    ]
    texts: list[str] = []
    pages = 0
    async for page in await desk.client.conversations_history(
        channel=CHANNEL, oldest=stamps[0], latest=stamps[6], limit=2
    ):
        texts += [said["text"] for said in page["messages"]]
        pages += 1
    assert (texts, pages) == (["5", "4", "3", "2", "1"], 3)
    inclusive = await desk.client.conversations_history(
        channel=CHANNEL, oldest=stamps[0], latest=stamps[6], inclusive=True
    )
    assert len(inclusive["messages"]) == 7


async def test_same_reaction_twice_is_already_reacted(desk: Desk) -> None:
    posted = await desk.client.chat_postMessage(channel=CHANNEL, text="x")
    await desk.client.reactions_add(channel=CHANNEL, timestamp=posted["ts"], name="eyes")
    again = desk.client.reactions_add(channel=CHANNEL, timestamp=posted["ts"], name="eyes")
    assert (await refusal(again))["error"] == "already_reacted"


async def test_uploaded_file_stands_in_the_thread_with_its_content(desk: Desk) -> None:
    parent = await desk.client.chat_postMessage(channel=CHANNEL, text="parent")
    await desk.client.files_upload_v2(
        channel=CHANNEL, thread_ts=parent["ts"], filename="log.txt", content="a line\n"
    )
    async with (
        aiohttp.ClientSession() as session,
        session.get(f"{desk.address}/_simulator/messages") as answer,
    ):
        messages = (await answer.json())["messages"]
    (file,) = messages[1]["files"]
    assert (file["name"], file["content"]) == ("log.txt", "a line\n")
    assert messages[1]["thread_ts"] == parent["ts"]


async def test_permalink_names_channel_and_message(desk: Desk) -> None:
    posted = await desk.client.chat_postMessage(channel=CHANNEL, text="x")
    link = await desk.client.chat_getPermalink(channel=CHANNEL, message_ts=posted["ts"])
    assert link["permalink"].endswith(f"/{CHANNEL}/p{posted['ts'].replace('.', '')}")


async def test_socket_mode_is_refused_with_a_reason(desk: Desk) -> None:
    answer = await refusal(desk.client.apps_connections_open(app_token=TOKEN))
    assert "Socket Mode" in str(answer["response_metadata"])


async def test_post_beyond_the_limit_is_ratelimited_with_a_time_to_wait(tmp_path: Path) -> None:
    stand_in = SlackStandIn({CHANNEL: "incidents", "C0OTHER": "other"})
    now = [100.0]
    limit = Limits(posts_per_second=1, burst=2, clock=lambda: now[0])
    log = RequestLog(tmp_path / "requests.jsonl")
    async with served(build_slack(log, TOKEN, stand_in=stand_in, limit=limit)) as address:
        client = AsyncWebClient(token=TOKEN, base_url=f"{address}/api/", retry_handlers=[])
        for _ in range(2):
            await client.chat_postMessage(channel=CHANNEL, text="x")
        with pytest.raises(SlackApiError) as refused:
            await client.chat_postMessage(channel=CHANNEL, text="x")
        assert refused.value.response.status_code == 429
        assert refused.value.response.headers["Retry-After"] == "1"
        await client.chat_postMessage(channel="C0OTHER", text="x")
        now[0] += 1
        await client.chat_postMessage(channel=CHANNEL, text="x")
    assert len(stand_in.messages) == 4
