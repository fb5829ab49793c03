"""Each fault of the Slack stand-in, as Slack's own client meets it."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient

from simulator.faults import Fault, Faults
from simulator.known_faults import KNOWN_FAULTS, SHARED
from simulator.request_log import RequestLog
from simulator.serving import served
from simulator.slack import Limits, SlackStandIn, build_slack
from simulator.slack.faulty import possible

CHANNEL = "C0INCIDENTS"
TOKEN = "-".join(("xoxb", "of-the-tests"))


@dataclass(frozen=True)
class Desk:
    """The stand-in with a client, its faults and its log."""

    client: AsyncWebClient
    stand_in: SlackStandIn
    faults: Faults
    log: RequestLog

    def plan(self, name: str, **more: Any) -> None:
        self.faults.plan(Fault(stand_in="slack", fault=name, **more))

    async def post(self, text: str = "a card") -> str:
        posted = await self.client.chat_postMessage(channel=CHANNEL, text=text)
        return str(posted["ts"])

    async def edit(self, ts: str) -> None:
        await self.client.chat_update(channel=CHANNEL, ts=ts, text="an edit")


@pytest.fixture
async def desk(tmp_path: Path) -> AsyncIterator[Desk]:
    stand_in, faults = SlackStandIn({CHANNEL: "incidents"}), Faults()
    log = RequestLog(tmp_path / "requests.jsonl")
    app = build_slack(log, TOKEN, stand_in=stand_in, faults=faults)
    async with served(app) as address:
        client = AsyncWebClient(
            token=TOKEN, base_url=f"{address}/api/", timeout=1, retry_handlers=[]
        )
        yield Desk(client, stand_in, faults, log)


@pytest.mark.parametrize(
    ("name", "error"),
    [
        ("archived", "is_archived"),
        ("channel_not_found", "channel_not_found"),
        ("not_in_channel", "not_in_channel"),
        ("missing_scope", "missing_scope"),
        ("restricted_action", "restricted_action"),
        ("restricted_action_read_only_channel", "restricted_action_read_only_channel"),
        ("token_revoked", "token_revoked"),
        ("token_expired", "token_expired"),
        ("account_inactive", "account_inactive"),
        ("invalid_auth", "invalid_auth"),
        ("internal_error", "internal_error"),
        ("msg_too_long", "msg_too_long"),
        ("msg_blocks_too_long", "msg_blocks_too_long"),
        ("too_many_blocks", "invalid_blocks"),
        ("invalid_blocks", "invalid_blocks"),
    ],
)
async def test_a_refused_post_has_slacks_word_stands_nowhere_and_is_in_the_log(
    desk: Desk, name: str, error: str
) -> None:
    desk.plan(name)
    with pytest.raises(SlackApiError) as refused:
        await desk.post()
    assert (refused.value.response.status_code, refused.value.response["error"]) == (200, error)
    assert desk.stand_in.messages == []
    (line,) = desk.log.read("slack")
    assert (line["fault"], line["error"]) == (name, error)
    assert await desk.post()


@pytest.mark.parametrize(
    ("name", "error"),
    [
        ("archived", "is_inactive"),
        ("deleted", "message_not_found"),
        ("edit_window_closed", "edit_window_closed"),
    ],
)
async def test_a_refused_edit_has_the_word_that_slack_has_for_edits(
    desk: Desk, name: str, error: str
) -> None:
    ts = await desk.post()
    desk.plan(name)
    with pytest.raises(SlackApiError, match=error):
        await desk.edit(ts)


async def test_a_deleted_message_is_gone_for_good(desk: Desk) -> None:
    desk.plan("deleted")
    ts = await desk.post()
    for _ in range(2):
        with pytest.raises(SlackApiError, match="message_not_found"):
            await desk.edit(ts)
    assert desk.stand_in.messages == []


async def test_a_rate_limit_says_how_long_to_wait(desk: Desk) -> None:
    desk.plan("rate_limited", seconds=3)
    with pytest.raises(SlackApiError) as limited:
        await desk.post()
    response = limited.value.response
    assert (response.status_code, response.headers["Retry-After"]) == (429, "3")


async def test_an_outage_is_a_page_and_no_json(desk: Desk) -> None:
    desk.plan("unavailable")
    with pytest.raises(SlackApiError) as down:
        await desk.post()
    assert down.value.response.status_code == 503
    assert desk.stand_in.messages == []


async def test_a_fatal_error_may_leave_the_post_standing(desk: Desk) -> None:
    desk.plan("fatal_error")
    with pytest.raises(SlackApiError, match="fatal_error"):
        await desk.post()
    assert len(desk.stand_in.messages) == 1


@pytest.mark.parametrize(("name", "posts"), [("accepted_dropped", 1), ("dropped", 0), ("cut", 1)])
async def test_a_lost_connection_tells_nothing_of_whether_the_post_stands(
    desk: Desk, name: str, posts: int
) -> None:
    desk.plan(name)
    with pytest.raises(aiohttp.ClientError):
        await desk.post()
    assert len(desk.stand_in.messages) == posts


async def test_a_hanging_post_lasts_until_the_client_gives_up(desk: Desk) -> None:
    desk.plan("hang")
    with pytest.raises(TimeoutError):
        await desk.post()
    assert desk.stand_in.messages == []


async def test_a_fault_can_be_kept_for_one_method_and_one_text(desk: Desk) -> None:
    desk.plan("invalid_auth", where="postMessage case-7")
    ts = await desk.post("case-8")
    await desk.edit(ts)
    with pytest.raises(SlackApiError, match="invalid_auth"):
        await desk.post("the card of case-7")


async def test_a_method_is_never_struck_by_an_error_that_it_does_not_have(desk: Desk) -> None:
    desk.plan("archived", times=0)
    assert (await desk.client.auth_test())["ok"]
    assert (await desk.client.conversations_history(channel=CHANNEL))["ok"]


def test_every_fault_of_slack_can_strike_some_method() -> None:
    methods = ("chat.postMessage", "chat.update", "chat.delete", "files.getUploadURLExternal")
    assert set.union(*(possible(method) for method in methods)) == set(KNOWN_FAULTS["slack"])
    assert set(SHARED) <= possible("auth.test")


def test_the_real_limits_are_a_post_a_second_and_fifty_edits_a_minute() -> None:
    now = [0.0]
    limits = Limits.real(clock=lambda: now[0])
    posts = [limits.seconds_to_wait("chat.postMessage", CHANNEL) for _ in range(6)]
    assert posts == [0, 0, 0, 0, 1, 1]
    now[0] = 1.0
    assert limits.seconds_to_wait("chat.postMessage", CHANNEL) == 0
    assert limits.seconds_to_wait("chat.postMessage", CHANNEL) == 1
    edits = [limits.seconds_to_wait("chat.update", CHANNEL) for _ in range(51)]
    assert edits == [0] * 50 + [60]
    now[0] = 31.0
    assert limits.seconds_to_wait("chat.update", CHANNEL) == 30
    now[0] = 61.0
    assert limits.seconds_to_wait("chat.update", CHANNEL) == 0
