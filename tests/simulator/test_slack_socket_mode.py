"""Socket Mode of the stand-in: as strict as Slack, by a client of another make."""

import json
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from slack_sdk.errors import SlackApiError
from slack_sdk.signature import SignatureVerifier
from slack_sdk.web.async_client import AsyncWebClient
from websockets.asyncio.client import connect
from websockets.exceptions import InvalidStatus

from simulator.request_log import RequestLog
from simulator.serving import served
from simulator.slack import Human, People, SlackStandIn, build_slack, let_people_in
from simulator.slack.payloads import command, event_callback, mention, signed
from simulator.slack.socket_mode import SocketMode

CHANNEL = "C0INCIDENTS"
BOT = "-".join(("xoxb", "for", "tests"))
APP = "-".join(("xapp", "for", "tests"))


@pytest.fixture
async def people(tmp_path: Path) -> AsyncIterator[People]:
    world = SlackStandIn({CHANNEL: "incidents"})
    found = let_people_in(world, app_token=APP, socket=SocketMode(acknowledge_seconds=0.3))
    found.socket.more_tries = 1
    app = build_slack(RequestLog(tmp_path / "log.jsonl"), BOT, stand_in=world)
    async with served(app) as address:
        found.address = address
        yield found


async def address_of(people: People, token: str = APP) -> str:
    client = AsyncWebClient(base_url=f"{people.address}/api/")
    return str((await client.apps_connections_open(app_token=token))["url"])


async def test_a_socket_opens_with_the_apps_token_once_per_ticket(people: People) -> None:
    place = await address_of(people)

    async with connect(place) as socket:
        hello = json.loads(await socket.recv())
        assert (hello["type"], hello["num_connections"]) == ("hello", 1)
    with pytest.raises(InvalidStatus):
        async with connect(place):
            pass


@pytest.mark.parametrize(
    ("method", "token", "error"),
    [
        ("apps.connections.open", BOT, "not_allowed_token_type"),
        ("apps.connections.open", "xapp-other", "invalid_auth"),
        ("chat.postMessage", APP, "not_allowed_token_type"),
        ("auth.test", APP, "not_allowed_token_type"),
    ],
)
async def test_each_kind_of_token_is_for_its_own_methods(
    people: People, method: str, token: str, error: str
) -> None:
    client = AsyncWebClient(token=token, base_url=f"{people.address}/api/")

    with pytest.raises(SlackApiError) as refused:
        await client.api_call(method, json={"channel": CHANNEL, "text": "x"})

    assert refused.value.response["error"] == error


async def test_an_event_without_an_acknowledgement_comes_again_and_a_command_does_not(
    people: People,
) -> None:
    async with connect(await address_of(people)) as socket:
        await socket.recv()
        lost = await people.mention("cart")
        sent = [json.loads(await socket.recv()) for _ in range(2)]
        assert (lost.acknowledged, lost.tries) == (False, 2)
        assert [each["retry_attempt"] for each in sent] == [0, 1]
        assert sent[0]["payload"] == sent[1]["payload"]
        assert sent[0]["envelope_id"] != sent[1]["envelope_id"]

        assert (await people.command("cart")).tries == 1


async def test_what_is_no_acknowledgement_is_noted(people: People) -> None:
    async with connect(await address_of(people)) as socket:
        await socket.recv()
        for said in ("{", '{"envelope_id": "of nobody"}', '{"ok": true}'):
            await socket.send(said)
        await people.command("cart")

    assert len(people.socket.violations) == 3


def test_what_is_signed_is_what_slacks_own_library_accepts() -> None:
    secret = "".join(("a", "secret", "of", "tests"))
    for sent in (
        command("cart", Human(), response_url="x"),
        mention("cart", Human()),
        event_callback({"type": "message"}, Human()),
    ):
        body, headers = signed(sent, secret)
        assert SignatureVerifier(secret).is_valid_request(body, headers)
