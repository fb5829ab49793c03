"""Whatever is posted, with whatever headers, the answer is one that the document names."""

import asyncio
import json
import random
from collections.abc import Callable

import pytest

from bus.streams import INCIDENTS
from bus.testing import dead_letters, events
from services.ingest.adapters.openapi import description
from simulator.aws.sns_sender import SnsSender
from tests.ingest.http.conftest import ALERTS, LOGS, SNS, TOPIC, Open
from tests.ingest.http.forgeries import good
from tests.ingest.http.test_token_doors import ACCESS, BEARER, alerts, batch, delivery
from tests.ingest.test_any_wrapping import KILLING
from tests.lane import Figures, Lane

Draw = random.Random
ODD: list[object] = [
    None,
    True,
    -1,
    1e308,
    "",
    "\x00",
    "\ud800",
    "\U0001f525" * 40,
    [],
    [[]],
    {},
    {"a": {}},
]
HEADERS = (
    "Content-Type",
    "Content-Encoding",
    "Authorization",
    "X-Amz-Firehose-Access-Key",
    "X-Amz-Firehose-Request-Id",
    "x-amz-sns-message-type",
    "x-amz-sns-rawdelivery",
)
VALUES = (
    "",
    "gzip",
    "application/json",
    "text/plain; charset=latin-1",
    "true",
    "Bearer",
    "é",
    "a" * 3000,
)


def twisted(body: bytes, draw: Draw) -> bytes:
    """The body with a value, a name or some bytes changed."""
    if draw.random() < 0.3:
        at = draw.randrange(len(body) + 1)
        return body[:at] + draw.randbytes(draw.randrange(4)) + body[at + draw.randrange(3) :]
    document = json.loads(body)
    inner = document
    while isinstance(inner, dict) and inner and draw.random() < 0.7:
        name = draw.choice(list(inner))
        if isinstance(inner[name], list) and inner[name]:
            inner = inner[name][0]
        elif isinstance(inner[name], dict):
            inner = inner[name]
        else:
            inner[name] = draw.choice(ODD)
            break
    return json.dumps(document).encode()


@pytest.mark.timeout(900)
async def test_any_request_gets_a_documented_answer(
    open_doors: Open, sns_sender: SnsSender, lane: Lane, figures: Figures
) -> None:
    doors = await open_doors()
    posted = good(sns_sender)
    bodies: dict[str, Callable[[], tuple[bytes, dict[str, str]]]] = {
        SNS: lambda: (posted.body, dict(posted.headers)),
        ALERTS: lambda: (alerts("HighErrorRate"), BEARER),
        LOGS: lambda: (delivery(batch("ERROR no cart")), ACCESS),
    }
    draw = lane.random("any request")
    documented = {
        path: {int(code) for code in item["post"]["responses"]}
        for path, item in description(list(bodies))["paths"].items()
        if "post" in item
    }

    async def one_more(path: str) -> tuple[str, int]:
        body, headers = bodies[path]()
        if draw.random() < 0.3:
            headers = headers | {draw.choice(HEADERS): draw.choice(VALUES)}
        body = twisted(body, draw) if draw.random() < 0.9 else draw.randbytes(draw.randrange(200))
        return path, (await doors.post(path, body, headers)).status

    got: list[tuple[str, int]] = []
    for _ in range(lane.pick(1, 20)):
        got += await asyncio.gather(*(one_more(path) for path in list(bodies) * 120))

    undocumented = [each for each in got if each[1] not in documented[each[0]]]
    assert undocumented == []
    assert not [status for _, status in got if status >= 500]
    figures.add("issue 8", "random requests at the doors, each with a documented answer", len(got))


async def test_what_ended_ingest_gets_an_answer_and_holds_nothing_else_up(
    open_doors: Open, sns_sender: SnsSender
) -> None:
    """A record nested too deeply was answered with 500, so the good one beside it never got in."""
    doors = await open_doors()
    signed = sns_sender.notification(KILLING["half a character as a batch"], topic_arn=TOPIC)

    got = await asyncio.gather(
        doors.post(SNS, signed.body, signed.headers),
        doors.post(LOGS, delivery(KILLING["a deep batch"].encode(), batch("ERROR")), ACCESS),
    )

    assert [each.status for each in got] == [200, 200]
    assert len(await dead_letters(doors.bus, INCIDENTS)) == 2
    assert len(await events(doors.bus, INCIDENTS)) == 1
