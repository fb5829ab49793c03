"""The scripted model and the real Anthropic client: whole investigations, thinking, streams."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import cast

import pytest
from anthropic import AsyncAnthropic, AuthenticationError, BadRequestError, NotFoundError
from anthropic.types import Message, MessageParam, TextBlock, ThinkingBlock

from simulator.model import build_model
from simulator.request_log import RequestLog
from simulator.scenario import Scenario, load_scenario
from simulator.serving import served
from tests.simulator.model_talk import KEY, MODEL, OPENING, SUBMIT, calls_of, results, tools

ASK: MessageParam = {"role": "user", "content": OPENING}


@pytest.fixture(scope="module")
def scenario() -> Scenario:
    return load_scenario("cart-loafers")


@pytest.fixture
def log(tmp_path: Path) -> RequestLog:
    return RequestLog(tmp_path / "requests.jsonl")


@pytest.fixture
async def address(scenario: Scenario, log: RequestLog) -> AsyncIterator[str]:
    async with served(build_model(scenario, log, api_key=KEY)) as address:
        yield address


@pytest.fixture
async def client(address: str) -> AsyncIterator[AsyncAnthropic]:
    async with AsyncAnthropic(api_key=KEY, base_url=address, max_retries=0) as client:
        yield client


async def ask(client: AsyncAnthropic, messages: list[MessageParam]) -> Message:
    return await client.messages.create(
        model=MODEL,
        max_tokens=8000,
        system="You look into incidents.",
        thinking={"type": "adaptive", "display": "summarized"},
        tools=tools(),
        messages=messages,
    )


async def investigate(
    client: AsyncAnthropic, scenario: Scenario, messages: list[MessageParam]
) -> list[Message]:
    """Every reply up to the one that submits; `messages` grows to the whole conversation."""
    replies: list[Message] = []
    while not replies or calls_of(replies[-1])[0].name != SUBMIT:
        replies.append(await ask(client, messages))
        messages.append(replies[-1].to_param())
        messages.append(results(scenario, len(replies), replies[-1]))
    return replies


async def test_an_investigation_ends_with_three_exact_quotes_and_the_fix(
    client: AsyncAnthropic, scenario: Scenario
) -> None:
    messages = [ASK]
    replies = await investigate(client, scenario, messages)
    assert [len(calls_of(reply)) for reply in replies] == [3, 2, 2, 1]
    pods = [call.input["pod"] for call in calls_of(replies[1])]
    assert pods == ["cartservice-7c9f6d5b84-x2k4q", "redis-cart-58d6c7f9b4-n7t4w"]
    given = calls_of(replies[-1])[0].input
    evidence = cast("list[dict[str, str]]", given["evidence"])
    assert [quote["call_id"] for quote in evidence] == ["2-1", "2-1", "3-1"]
    told = str(messages)
    assert all(quote["quote"] in told.replace("\\'", "'") for quote in evidence)
    assert given["verdict"] == "fault"
    assert given["confidence"] == "high"
    assert given["gaps"] == []
    fix = cast("dict[str, str]", given["fix"])
    assert fix["diff"].startswith("--- a/src/cartservice")


async def test_everything_that_is_said_is_labelled_as_scripted(
    client: AsyncAnthropic, scenario: Scenario, log: RequestLog
) -> None:
    replies = await investigate(client, scenario, [ASK])
    for reply in replies:
        assert reply.model == f"scripted:{MODEL}"
        said = [block.text for block in reply.content if isinstance(block, TextBlock)]
        said += [block.thinking for block in reply.content if isinstance(block, ThinkingBlock)]
        assert len(said) == 2
        assert all(text.startswith("[scripted] ") for text in said)
    given = calls_of(replies[-1])[0].input
    assert all(str(given[field]).startswith("[scripted]") for field in ("summary", "root_cause"))
    assert sum(reply.usage.output_tokens for reply in replies) >= 900
    assert [line["status"] for line in log.read("model")] == [200] * 4


async def test_the_log_tells_which_incident_was_asked_about_and_what_was_shown(
    client: AsyncAnthropic, scenario: Scenario, log: RequestLog
) -> None:
    await investigate(client, scenario, [ASK])
    lines = log.read("model")
    assert {str(line["opening"]) for line in lines} == {str(ASK["content"])[:600]}
    assert [line["messages"] for line in lines] == [1, 3, 5, 7]
    assert [line["concludes"] for line in lines] == [False] * 4
    assert all(str(line["began_at"]) < str(line["at"]) for line in lines)
    shown = [line["shown"] for line in lines]
    assert [len(hashes) for hashes in shown if isinstance(hashes, dict)] == [0, 3, 5, 7]


async def test_the_same_conversation_gets_the_same_reply_from_a_new_stand_in(
    client: AsyncAnthropic, scenario: Scenario, tmp_path: Path
) -> None:
    messages = [ASK]
    await investigate(client, scenario, messages)
    other = build_model(scenario, RequestLog(tmp_path / "other.jsonl"), api_key=KEY)
    async with (
        served(other) as address,
        AsyncAnthropic(api_key=KEY, base_url=address, max_retries=0) as second,
    ):
        here, there = await ask(client, messages[:5]), await ask(second, messages[:5])
    assert [call.input for call in calls_of(here)] == [call.input for call in calls_of(there)]
    assert here.content[0] == there.content[0]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"thinking": "I thought otherwise"}, "Invalid `signature` in `thinking` block"),
        ({"signature": "scripted.0.0.0"}, "Invalid `signature` in `thinking` block"),
        ({"type": "redacted_thinking"}, "Invalid `data` in `redacted_thinking` block"),
    ],
)
async def test_altered_thinking_is_refused(
    client: AsyncAnthropic, scenario: Scenario, change: dict[str, str], message: str
) -> None:
    first = await ask(client, [ASK])
    reply = first.model_dump(exclude_unset=True)["content"]
    reply[0] |= change
    if "type" in change:
        reply[0] = {"type": "redacted_thinking", "data": "invented"}
    back: MessageParam = {"role": "assistant", "content": reply}
    with pytest.raises(BadRequestError) as refused:
        await ask(client, [ASK, back, results(scenario, 1, first)])
    assert f"messages.1.content.0: {message}" in str(refused.value)


async def test_thinking_that_is_left_out_is_missed(
    client: AsyncAnthropic, scenario: Scenario
) -> None:
    first = await ask(client, [ASK])
    back: MessageParam = {"role": "assistant", "content": first.content[1:]}
    with pytest.raises(BadRequestError, match="Expected `thinking` or `redacted_thinking`"):
        await ask(client, [ASK, back, results(scenario, 1, first)])


async def test_thinking_belongs_to_its_conversation_and_another_model_leaves_it_aside(
    client: AsyncAnthropic, scenario: Scenario
) -> None:
    first = await ask(client, [ASK])
    rest = [first.to_param(), results(scenario, 1, first)]
    other: MessageParam = {"role": "user", "content": f"{OPENING} Hurry."}
    with pytest.raises(BadRequestError, match="bound to a different conversation"):
        await ask(client, [other, *rest])
    told = await client.messages.create(
        model="claude-opus-5-5",
        max_tokens=8000,
        system="You look into incidents.",
        tools=tools(),
        messages=[ASK, *rest],
    )
    assert told.model == "scripted:claude-opus-5-5"


async def test_a_current_model_hides_its_thinking_unless_asked_to_show_it(
    client: AsyncAnthropic,
) -> None:
    reply = await client.messages.create(
        model=MODEL, max_tokens=4000, thinking={"type": "adaptive"}, tools=tools(), messages=[ASK]
    )
    first = reply.content[0]
    assert isinstance(first, ThinkingBlock)
    assert first.thinking == ""
    assert first.signature
    details = reply.usage.output_tokens_details
    assert details is not None
    assert details.thinking_tokens > 0


async def test_a_stream_carries_the_same_reply(client: AsyncAnthropic) -> None:
    whole = await ask(client, [ASK])
    async with client.messages.stream(
        model=MODEL,
        max_tokens=8000,
        system="You look into incidents.",
        thinking={"type": "adaptive", "display": "summarized"},
        tools=tools(),
        messages=[ASK],
    ) as stream:
        streamed = await stream.get_final_message()
    assert streamed.content[0] == whole.content[0]
    texts = [getattr(reply.content[1], "text", "") for reply in (streamed, whole)]
    assert texts[0] == texts[1] != ""
    assert [call.input for call in calls_of(streamed)] == [call.input for call in calls_of(whole)]
    assert streamed.stop_reason == whole.stop_reason == "tool_use"
    assert streamed.usage.output_tokens == whole.usage.output_tokens


async def test_a_reply_stops_at_max_tokens_and_zero_only_warms_the_cache(
    client: AsyncAnthropic,
) -> None:
    for most, blocks in ((60, 1), (0, 0)):
        reply = await client.messages.create(
            model=MODEL, max_tokens=most, tools=tools(), messages=[ASK]
        )
        assert len(reply.content) == blocks
        assert reply.stop_reason == "max_tokens"
        assert reply.usage.output_tokens == most


async def test_keys_and_models_are_refused_with_the_errors_of_the_client(
    client: AsyncAnthropic, address: str
) -> None:
    with pytest.raises(NotFoundError):
        await client.models.retrieve("claude-9")
    assert (await client.models.retrieve(MODEL)).display_name == "Claude Sonnet 5.5 [scripted]"
    assert MODEL in [model.id async for model in client.models.list()]
    async with AsyncAnthropic(api_key="wrong", base_url=address, max_retries=0) as stranger:
        with pytest.raises(AuthenticationError):
            await ask(stranger, [ASK])


async def test_counted_tokens_are_those_of_the_request(client: AsyncAnthropic) -> None:
    counted = await client.messages.count_tokens(model=MODEL, tools=tools(), messages=[ASK])
    reply = await client.messages.create(
        model=MODEL, max_tokens=4000, tools=tools(), messages=[ASK]
    )
    assert counted.input_tokens == reply.usage.input_tokens > 0


async def test_a_refusal_is_logged_with_its_reason(client: AsyncAnthropic, log: RequestLog) -> None:
    with pytest.raises(BadRequestError):
        await ask(client, [ASK, {"role": "assistant", "content": "It is"}])
    last = log.read("model")[-1]
    assert last["status"] == 400
    assert last["request"] == "POST /v1/messages"
    assert "prefill" in str(last["message"])
