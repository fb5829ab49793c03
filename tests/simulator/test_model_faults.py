"""Each fault of the scripted model, as the real Anthropic client meets it."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx2
import pytest
from anthropic import APIConnectionError, APIStatusError, APITimeoutError, AsyncAnthropic
from anthropic.types import Message, MessageParam

from simulator.faults import Fault, Faults
from simulator.known_faults import KNOWN_FAULTS
from simulator.model import build_model
from simulator.request_log import RequestLog
from simulator.scenario import load_scenario
from simulator.serving import served
from tests.simulator.model_talk import KEY, MODEL, OPENING, SUBMIT, calls_of, results, tools

ASK: MessageParam = {"role": "user", "content": OPENING}
SCENARIO = load_scenario("cart-loafers")


@dataclass(frozen=True)
class Asked:
    """The model stand-in with a client, its faults and its log."""

    client: AsyncAnthropic
    faults: Faults
    log: RequestLog

    async def message(self, *messages: MessageParam, **more: Any) -> Message:
        message: Message = await self.client.messages.create(
            model=MODEL,
            max_tokens=8000,
            thinking={"type": "adaptive", "display": "summarized"},
            tools=tools(),
            messages=list(messages) or [ASK],
            **more,
        )
        return message

    async def struck(self, name: str, **more: Any) -> Message:
        self.faults.plan(Fault(stand_in="model", fault=name, **more))
        return await self.message()


@pytest.fixture
async def asked(tmp_path: Path) -> AsyncIterator[Asked]:
    log, faults = RequestLog(tmp_path / "requests.jsonl"), Faults()
    app = build_model(SCENARIO, log, api_key=KEY, faults=faults)
    async with (
        served(app) as address,
        AsyncAnthropic(api_key=KEY, base_url=address, max_retries=0) as client,
    ):
        yield Asked(client, faults, log)


def error_of(error: APIStatusError) -> dict[str, Any]:
    body: Any = error.body
    assert (body["type"], body["request_id"]) == ("error", error.request_id)
    wrong: dict[str, Any] = body["error"]
    return wrong


@pytest.mark.parametrize(
    ("name", "status", "kind"),
    [
        ("rate_limited", 429, "rate_limit_error"),
        ("spend_limit", 429, "rate_limit_error"),
        ("overloaded", 529, "overloaded_error"),
        ("api_error", 500, "api_error"),
        ("timeout", 504, "timeout_error"),
        ("prompt_too_long", 400, "invalid_request_error"),
    ],
)
async def test_an_error_has_the_status_and_body_of_the_real_one_and_is_in_the_log(
    asked: Asked, name: str, status: int, kind: str
) -> None:
    with pytest.raises(APIStatusError) as refused:
        await asked.struck(name)
    assert (refused.value.status_code, error_of(refused.value)["type"]) == (status, kind)
    (line,) = asked.log.read("model")
    assert (line["status"], line["fault"], line["error"]) == (status, name, kind)
    assert (await asked.message()).stop_reason == "tool_use"


async def test_a_rate_limit_says_how_long_to_wait_and_a_spent_month_does_not(asked: Asked) -> None:
    with pytest.raises(APIStatusError) as limited:
        await asked.struck("rate_limited", seconds=7)
    assert limited.value.response.headers["retry-after"] == "7"
    with pytest.raises(APIStatusError) as spent:
        await asked.struck("spend_limit")
    assert "retry-after" not in spent.value.response.headers
    assert error_of(spent.value)["details"] == {"error_code": "enforced_spend_limit_reached"}


async def test_a_hanging_request_lasts_until_the_client_gives_up(asked: Asked) -> None:
    asked.faults.plan(Fault(stand_in="model", fault="hang"))
    with pytest.raises(APITimeoutError):
        await asked.message(timeout=0.3)
    (line,) = asked.log.read("model")
    assert (line["status"], line["fault"]) == (0, "hang")


@pytest.mark.parametrize("name", ["cut", "dropped", "accepted_dropped"])
async def test_a_lost_connection_is_no_answer(asked: Asked, name: str) -> None:
    with pytest.raises(APIConnectionError):
        await asked.struck(name)
    assert (await asked.message()).stop_reason == "tool_use"


async def test_a_stream_that_is_cut_ends_without_its_last_event(asked: Asked) -> None:
    asked.faults.plan(Fault(stand_in="model", fault="cut"))
    stream = await asked.client.messages.create(
        model=MODEL, max_tokens=8000, messages=[ASK], tools=tools(), stream=True
    )
    kinds: dict[str, None] = {}

    async def read() -> None:
        async for event in stream:
            kinds.update({event.type: None})

    with pytest.raises(httpx2.RemoteProtocolError):
        await read()
    assert "message_start" in kinds
    assert "message_stop" not in kinds


async def test_a_refusal_has_its_stop_reason_and_details(asked: Asked) -> None:
    message = await asked.struck("refusal")
    assert (message.stop_reason, calls_of(message)) == ("refusal", [])
    assert message.stop_details is not None
    assert message.stop_details.category == "cyber"


async def test_a_reply_cut_off_in_its_text_has_spent_all_tokens(asked: Asked) -> None:
    message = await asked.struck("max_tokens_in_text")
    assert (message.stop_reason, message.usage.output_tokens) == ("max_tokens", 8000)
    assert [block.type for block in message.content] == ["thinking", "text"]


async def test_a_reply_cut_off_in_a_call_has_half_its_arguments(asked: Asked) -> None:
    asked.faults.plan(Fault(stand_in="model", fault="max_tokens_in_call", after=1))
    whole = calls_of(await asked.message())[-1]
    message = await asked.message()
    half = calls_of(message)[-1]
    assert message.stop_reason == "max_tokens"
    assert (half.name, len(half.input)) == (whole.name, len(whole.input) // 2)


async def test_silence_has_no_content_and_a_blank_reply_only_white_space(asked: Asked) -> None:
    silent = await asked.struck("silence")
    assert (silent.stop_reason, silent.content) == ("end_turn", [])
    blank = await asked.struck("blank")
    assert blank.stop_reason == "end_turn"
    assert [block.text for block in blank.content if block.type == "text"] == ["\n\n"]


async def test_a_reply_without_a_call_has_words(asked: Asked) -> None:
    message = await asked.struck("no_call")
    assert (message.stop_reason, calls_of(message)) == ("end_turn", [])
    assert any(block.type == "text" and block.text for block in message.content)


@pytest.mark.parametrize(
    ("name", "kinds"),
    [
        ("thinking", ["thinking", "text", "thinking", "tool_use"]),
        ("redacted_thinking", ["redacted_thinking", "text", "tool_use"]),
    ],
)
async def test_thinking_is_taken_back_as_it_was_and_in_no_other_form(
    asked: Asked, name: str, kinds: list[str]
) -> None:
    message = await asked.struck(name)
    assert [block.type for block in message.content][: len(kinds)] == kinds
    answers = results(SCENARIO, 1, message)
    given: Any = message.to_param()
    assert (await asked.message(ASK, given, answers)).stop_reason == "tool_use"
    sealed = {"thinking": "signature", "redacted_thinking": "data"}
    changed = [
        block | {sealed[block["type"]]: "abc"} if block["type"] in sealed else block
        for block in [dict(block) for block in given["content"]]
    ]
    other: Any = {"role": "assistant", "content": changed}
    with pytest.raises(APIStatusError, match="Invalid `"):
        await asked.message(ASK, other, answers)


async def test_a_full_context_window_has_its_stop_reason_and_no_call(asked: Asked) -> None:
    message = await asked.struck("context_window")
    assert (message.stop_reason, calls_of(message)) == ("model_context_window_exceeded", [])


@pytest.mark.parametrize(
    ("name", "status", "kind", "size"),
    [
        ("bad_gateway", 502, "text/html", 30),
        ("page", 200, "text/html", 20),
        ("redirect", 307, "", 0),
        ("packed", 200, "application/json", 300),
        ("huge_answer", 200, "application/json", 100_000),
    ],
)
async def test_what_comes_from_before_the_api_is_no_reply_and_stands_in_the_log(
    asked: Asked, name: str, status: int, kind: str, size: int
) -> None:
    asked.faults.plan(Fault(stand_in="model", fault=name, amount=100_000))
    asked_for = {"model": MODEL, "max_tokens": 10, "messages": [ASK]}
    headers = {"x-api-key": KEY, "anthropic-version": "2026-10-21"}
    async with httpx2.AsyncClient() as client:
        url = asked.client.base_url.join("/v1/messages")
        told = await client.post(url, json=asked_for, headers=headers)
    assert (told.status_code, told.headers.get("content-type", "").split(";")[0]) == (status, kind)
    assert len(told.content) >= size
    assert told.headers.get("content-encoding", "") == ("gzip" if name == "packed" else "")
    assert [line["fault"] for line in asked.log.read("model")] == [name]


async def test_parallel_calls_all_have_an_id_of_their_own(asked: Asked) -> None:
    calls = calls_of(await asked.struck("parallel_calls", amount=12))
    assert len({call.id for call in calls}) == 12
    assert len({call.name for call in calls}) == 1


async def test_an_unknown_tool_is_one_that_was_not_offered(asked: Asked) -> None:
    (call,) = calls_of(await asked.struck("unknown_tool"))
    assert call.name not in [tool["name"] for tool in tools()]


async def test_arguments_can_have_wrong_types_be_missing_or_be_huge(asked: Asked) -> None:
    good = calls_of(await asked.message())[0].input
    wrong = calls_of(await asked.struck("wrong_types"))[0].input
    assert {type(value) for value in wrong.values()} == {list}
    assert calls_of(await asked.struck("missing_field"))[0].input == {}
    huge = calls_of(await asked.struck("huge_arguments", amount=5000))[0].input
    assert (list(huge), len(str(next(iter(huge.values()))))) == (list(good), 5000)


async def test_invented_quotes_stand_in_a_diagnosis_at_once(asked: Asked) -> None:
    (call,) = calls_of(await asked.struck("invented_quotes"))
    evidence: Any = call.input["evidence"]
    assert call.name == SUBMIT
    assert all("made of cheese" in item["quote"] for item in evidence)


async def test_endless_calls_go_on_when_told_to_conclude(asked: Asked) -> None:
    asked.faults.plan(Fault(stand_in="model", fault="endless_calls", times=0))
    told: MessageParam = {"role": "user", "content": f"{OPENING} Please conclude now."}
    for _ in range(3):
        (call,) = calls_of(await asked.message(told))
        assert call.name != SUBMIT


@pytest.mark.parametrize("name", sorted(KNOWN_FAULTS["model"]))
async def test_a_fault_strikes_only_the_incident_it_was_planned_for(
    asked: Asked, name: str
) -> None:
    asked.faults.plan(Fault(stand_in="model", fault=name, where="another-incident", seconds=0))
    message = await asked.message()
    assert message.stop_reason == "tool_use"
    assert [line.get("fault") for line in asked.log.read("model")] == [None]
