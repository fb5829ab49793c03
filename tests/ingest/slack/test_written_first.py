"""What Slack gets an acknowledgement for is written, or the person knows that it is not.

A command was acknowledged after 3 ms, while Redis hung; killed then, ingest had neither opened an
incident nor said a word, and Slack sends a command only once.
"""

import asyncio
import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from pydantic import SecretStr

from bus.events import InvestigationId
from bus.streams import INCIDENTS
from bus.testing import entries, eventually
from services.ingest.slack_answers import NOT_YET
from services.notifier.blocks import stop_button
from simulator.redis_server import RedisServer
from simulator.slack import Human, People, payloads
from tests.ingest.slack.conftest import StartIngest, listening
from tests.ingest.slack.test_asking import told
from tests.ingest.slack.test_buttons import card

pytestmark = pytest.mark.timeout(40)
BOB = Human(user="U0BOB")


@contextmanager
def hanging(server: RedisServer) -> Iterator[None]:
    """Redis answers nobody inside the block, and goes on behind it."""
    os.kill(server.pid, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(server.pid, signal.SIGCONT)


async def test_while_redis_hangs_the_person_knows_before_slack_does_or_slack_says_so(
    slack_ingest: StartIngest, people: People, own_redis: RedisServer
) -> None:
    service = await slack_ingest(redis_url=SecretStr(own_redis.url))
    await people.socket.connected()
    await listening(service)
    unheard = payloads.command("frontend", BOB, response_url="https://example.com/elsewhere")
    shown = card(people, stop_button(InvestigationId("inc-7")))

    with hanging(own_redis):
        by_socket = [
            people.command("cartservice"),
            people.socket.deliver("slash_commands", unheard),
        ]
        sent = [asyncio.create_task(each) for each in by_socket]
        await asyncio.sleep(0)  # their way is chosen
        people.request_url = f"http://127.0.0.1:{service.http_port}/slack/events"
        sent += [
            asyncio.create_task(people.press(shown, "nightshift_stop", by=BOB)),
            asyncio.create_task(people.send("slash_commands", unheard)),
        ]
        done = await asyncio.gather(*sent)
        assert [each.acknowledged for each in done] == [True, False, True, False]
        assert people.answers() == people.answers("U0BOB") == [NOT_YET]

    assert "Nightshift investigates cartservice" in await told(people, 2)
    assert "Nothing was changed" in await told(people, 2, user="U0BOB")


async def test_what_is_acknowledged_stands_on_the_stream_already(
    slack_ingest: StartIngest, people: People
) -> None:
    service = await slack_ingest(slack_signing_secret=None)

    for number, text in enumerate(["cartservice", "frontend", "checkoutservice"], 1):
        assert (await people.command(text)).acknowledged
        assert len(await entries(service.bus, INCIDENTS)) == number


async def test_a_mention_that_redis_loses_before_it_is_on_disk_was_not_acknowledged(
    slack_ingest: StartIngest, people: People, own_redis: RedisServer
) -> None:
    """It was acknowledged 15 ms after the write, and Slack would have sent it again."""
    service = await slack_ingest(redis_url=SecretStr(own_redis.url), slack_signing_secret=None)
    await service.bus.redis.config_set("appendonly", "no")
    people.socket.more_tries = 0
    sent = asyncio.create_task(people.mention("cartservice is slow"))

    async def written() -> bool:
        return len(await entries(service.bus, INCIDENTS)) == 1

    await eventually(written)
    own_redis.kill()
    try:
        assert not (await sent).acknowledged
    finally:
        own_redis.start()
