"""What strangers hold at one door takes nothing from another one, and little from that door.

All doors shared one count: 500 slow bodies at SNS's door, which anybody may begin, and whoever had
a token for another door was answered 503.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from tests.ingest.http.conftest import ALERTS, LOGS, OTHER_TOPIC, SNS, Doors, Open
from tests.ingest.http.test_limits import head, sent
from tests.ingest.http.test_token_doors import ACCESS, BEARER

PLAIN = {"Content-Type": "text/plain"}


@asynccontextmanager
async def slow_bodies(doors: Doors, count: int) -> AsyncIterator[None]:
    """So many requests at SNS's door whose bodies have begun and go on for ever."""
    begun = head(SNS, "Content-Type: text/plain", "Content-Length: 100") + b"{"
    opened = [await asyncio.open_connection("127.0.0.1", doors.port) for _ in range(count)]
    for _, writer in opened:
        writer.write(begun)
        await writer.drain()
    async with asyncio.timeout(5):
        while (await doors.post(SNS, b"{}", PLAIN)).status != 503:
            continue
    yield
    for _, writer in opened:
        writer.transport.abort()


async def test_slow_strangers_at_one_door_close_no_other_and_make_way_at_their_own(
    open_doors: Open,
) -> None:
    doors = await open_doors(http_at_once=4, http_body_seconds=600)

    async with slow_bodies(doors, 4):
        alerts = await doors.post(ALERTS, b'{"version": "3"}', BEARER)
        logs = await doors.post(LOGS, b"{}", ACCESS)
        async with asyncio.timeout(5):
            while (own := await doors.post(SNS, b"{}", PLAIN)).status == 503:
                continue

    assert (alerts.status, logs.status) == (400, 400)
    assert own.status == 400


async def test_a_head_that_names_another_topic_is_refused_before_its_body(open_doors: Open) -> None:
    doors = await open_doors(http_body_seconds=600)
    typed = ("Content-Type: text/plain", "Content-Length: 100")

    said = await sent(doors, head(SNS, *typed, f"x-amz-sns-topic-arn: {OTHER_TOPIC}"))

    assert b" 403 " in said
