"""Servers that answer what Anthropic's would not: waits that are none, and messages to mend."""

import json
import time
from datetime import UTC, datetime

import httpx2
import pytest
from anthropic import APIStatusError

from bus.errors import Unavailable
from services.reasoner.adapters.answers import reply_in
from services.reasoner.adapters.refusals import asked_wait
from services.reasoner.transcript import Usage
from tests.conftest import MakeBus
from tests.reasoner.asking import question, replicas
from tests.reasoner.conftest import LOGS, MakeLoop
from tests.reasoner.model_desk import Block, ModelDesk, Said, submits

NOW = datetime(2026, 11, 29, 12, 0, 0, tzinfo=UTC)
USE: Block = {"type": "tool_use", "id": "call_0", "name": LOGS, "input": {}}


def refusal(**headers: str) -> APIStatusError:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    request = httpx2.Request("POST", "http://model/v1/messages")
    response = httpx2.Response(429, headers=named, request=request)
    return APIStatusError("slow down", response=response, body=None)


@pytest.mark.parametrize("said", ["0", "-5", "nan", "inf", "", "soon", "Thu, 01 Jan 1970"])
def test_a_wait_that_is_none_is_not_obeyed(said: str) -> None:
    assert asked_wait(refusal(retry_after=said), now=NOW) is None


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"retry_after": " 1.5 "}, 1.5),
        ({"retry_after": "7", "retry_after_ms": "900"}, 0.9),
        ({"retry_after": "7", "retry_after_ms": "0"}, 7.0),
        ({"retry_after": "Sun, 29 Nov 2026 12:00:30 GMT"}, 30.0),
    ],
)
def test_seconds_milliseconds_and_dates_are_understood(
    headers: dict[str, str], seconds: float
) -> None:
    assert asked_wait(refusal(**headers), now=NOW) == seconds


@pytest.mark.parametrize("said", ["0", "-5", "nan"])
async def test_a_limit_that_names_no_wait_is_backed_off_from_and_opens_the_breaker(
    said: str, make_bus: MakeBus
) -> None:
    desk = ModelDesk([Said(status=429, headers={"retry-after": said})])
    async with replicas(desk.app(), make_bus, model_failures=4) as (one,):
        one.claude.back_off_seconds = 0.02
        began = time.monotonic()
        for by in ("inc-1", "inc-2"):
            with pytest.raises(Unavailable, match=r"429|left alone") as away:
                await one.ask(question(by))
            assert away.value.retry_in_seconds >= 0.16
        assert time.monotonic() - began >= 0.14
        with pytest.raises(Unavailable, match="left alone for a while"):
            await one.ask(question("inc-3"))
    assert len(desk.raw) == 5


def body(*content: object, **usage: float) -> bytes:
    message = {"content": content, "model": "m", "stop_reason": "tool_use", "usage": usage}
    return json.dumps(message).encode()


def test_tokens_are_never_fewer_than_none() -> None:
    reply = reply_in(body(USE, input_tokens=-(10**9), output_tokens=-1), asked="m")
    assert reply.usage == Usage()


@pytest.mark.parametrize("given", ["NaN", "Infinity", "1e999"])
def test_a_number_that_is_none_makes_a_call_malformed_and_a_message_none(given: str) -> None:
    call = body(USE | {"input": {"n": 1.25}}).replace(b"1.25", given.encode())
    assert [use.arguments for use in reply_in(call, asked="m").tool_uses] == [None]
    words = body({"type": "text", "text": "x", "n": 1.25}).replace(b"1.25", given.encode())
    with pytest.raises(ValueError, match="Out of range"):
        reply_in(words, asked="m")


def test_calls_get_ids_of_their_own_and_true_ones_stay() -> None:
    uses = [USE | {"id": given} for given in ("toolu_1", "toolu_1", "", None, "call_0", "old")]
    ids = [use.tool_use_id for use in reply_in(body(*uses), asked="m", taken={"old"}).tool_uses]
    assert (ids[0], ids[4]) == ("toolu_1", "call_0")
    assert len({*ids, "old"}) == len(ids) + 1


async def test_what_no_api_takes_back_is_mended_and_told_to_the_model(make_loop: MakeLoop) -> None:
    odd: tuple[tuple[Block, ...], ...] = (
        (USE | {"input": "{bad"}, {"type": "text", "text": None}),
        (USE, USE | {"input": {"a": 1}}),
        (USE | {"id": ""}, USE | {"id": "x", "name": "get logs; drop"}),
    )
    replies = [Said(blocks=blocks, stop_reason="tool_use") for blocks in odd]
    loop = await make_loop(*replies, submits())
    await loop.open()
    record = await loop.ended()
    assert record.outcome == "diagnosed"
    assert record.turn == 4
    assert [call.sentence for call in record.calls][:2] == [
        "refused: the arguments must be a JSON object",
        "",
    ]


def test_a_count_of_tokens_that_cannot_be_makes_an_answer_none() -> None:
    """One wrong count must not spend everybody's day budget."""
    content = [{"type": "text", "text": "hello"}]
    usage = {"input_tokens": 10**12, "output_tokens": 1}
    said = {"content": content, "model": "m", "usage": usage, "stop_reason": "end_turn"}
    with pytest.raises(ValueError, match="this is no message"):
        reply_in(json.dumps(said).encode(), asked="m")
