"""What the scripted model refuses, in the words and with the status of the real API."""

import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx2
import pytest

from simulator.model import build_model
from simulator.request_log import RequestLog
from simulator.scenario import Scenario, load_scenario
from simulator.serving import served
from tests.simulator.model_talk import KEY, MODEL, OPENING, VERSION

HEADERS = {"authorization": f"Bearer {KEY}", "anthropic-version": VERSION}
TOOL = {"name": "look", "input_schema": {"type": "object"}}
ASK: dict[str, Any] = {"role": "user", "content": OPENING}
USE = {"type": "tool_use", "id": "toolu_1", "name": "look", "input": {}}
RESULT = {"type": "tool_result", "tool_use_id": "toolu_1", "content": "seen"}
CALLED: dict[str, Any] = {"role": "assistant", "content": [USE]}
ANSWERED: dict[str, Any] = {"role": "user", "content": [RESULT]}
EPHEMERAL = {"type": "ephemeral"}
HOUR = {"type": "ephemeral", "ttl": "1h"}
NO_PREFILL = (
    "This model does not support assistant message prefill. "
    "The conversation must end with a user message."
)
UNANSWERED = (
    "messages.1: `tool_use` ids were found without `tool_result` blocks immediately after: "
    "toolu_1. Each `tool_use` block must have a corresponding `tool_result` block in the next "
    "message."
)


def body(**fields: object) -> dict[str, object]:
    """A good request with some fields changed; None leaves one out."""
    good = {"model": MODEL, "max_tokens": 4000, "messages": [ASK], "tools": [TOOL]}
    return {name: value for name, value in (good | fields).items() if value is not None}


def said(*blocks: object) -> list[dict[str, object]]:
    """Messages with one user message of these blocks."""
    return [{"role": "user", "content": list(blocks)}]


def text(words: str, **fields: object) -> dict[str, object]:
    """A text block."""
    return {"type": "text", "text": words} | fields


@pytest.fixture(scope="module")
def scenario() -> Scenario:
    return load_scenario("cart-loafers")


@pytest.fixture
async def address(tmp_path: Path, scenario: Scenario) -> AsyncIterator[str]:
    log = RequestLog(tmp_path / "requests.jsonl")
    async with served(build_model(scenario, log, api_key=KEY)) as address:
        yield address


@pytest.fixture
async def client(address: str) -> AsyncIterator[httpx2.AsyncClient]:
    async with httpx2.AsyncClient(base_url=address, headers=HEADERS) as client:
        yield client


WRONG_SHAPES = [
    (body(max_tokens=None), "max_tokens: Field required"),
    (body(model=None), "model: Field required"),
    (body(messages=None), "messages: Field required"),
    (body(colour="red"), "colour: Extra inputs are not permitted"),
    (body(temperature=1.0), "temperature: Extra inputs are not permitted"),
    (body(top_p=0.9), "top_p: Extra inputs are not permitted"),
    (body(top_k=5), "top_k: Extra inputs are not permitted"),
    (body(max_tokens=-1), "max_tokens: Input should be greater than or equal to 0"),
    (body(max_tokens="9"), "max_tokens: Input should be a valid integer"),
    (
        body(max_tokens=128_001),
        "max_tokens: 128001 > 128000, which is the maximum allowed number of output tokens for "
        "claude-sonnet-5-5",
    ),
    (body(messages=said({"type": "video"})), "messages.0.content.0: Input tag 'video'"),
    (
        body(messages=said(text("x", colour="red"))),
        "messages.0.content.0.text.colour: Extra inputs are not permitted",
    ),
    (
        body(messages=said(text("x", cache_control={"type": "ephemeral", "ttl": "2h"}))),
        "messages.0.content.0.text.cache_control.ttl: Input should be '5m' or '1h'",
    ),
    (body(messages=[ASK | {"name": "me"}]), "messages.0.name: Extra inputs are not permitted"),
    (body(messages=[ASK | {"role": "tool"}]), "messages.0.role: Input should be"),
    (body(tools=[TOOL | {"name": "a.b"}]), "tools.0.custom.name: String should match pattern"),
    (body(tools=[TOOL | {"name": "a" * 65}]), "tools.0.custom.name: String should match pattern"),
    (body(tools=[{"name": "look"}]), "tools.0.custom.input_schema: Field required"),
    (
        body(tools=[TOOL | {"input_schema": {"type": "array"}}]),
        "tools.0.custom.input_schema.type: Input should be 'object'",
    ),
    (body(tools=[TOOL | {"type": "bash_20250124"}]), "tools.0: Input tag 'bash_20250124'"),
]

WRONG_SENSE = [
    (body(messages=[]), "messages: at least one message is required"),
    (body(messages=[CALLED]), 'messages: first message must use the "user" role'),
    (body(messages=[ASK, {"role": "assistant", "content": "It is"}]), NO_PREFILL),
    (body(messages=[ASK | {"content": []}]), "messages.0: all messages must have non-empty"),
    (body(messages=[ASK | {"content": ""}]), "messages: text content blocks must be non-empty"),
    (body(system=" "), "system: text content blocks must contain non-whitespace text"),
    (
        body(messages=said(text("", cache_control=EPHEMERAL))),
        "messages.0: cache_control cannot be set for empty text blocks",
    ),
    (
        body(messages=said(USE)),
        "messages.0.content.0: `tool_use` blocks can only be in `assistant` messages",
    ),
    (body(messages=[ASK, CALLED, ASK]), UNANSWERED),
    (body(messages=[ASK, CALLED, *said(text("first"), RESULT)]), UNANSWERED),
    (
        body(messages=said(RESULT)),
        "messages.0.content.0: unexpected `tool_use_id` found in `tool_result` blocks: toolu_1.",
    ),
    (
        body(messages=[ASK, CALLED, *said(RESULT, RESULT)]),
        "messages.2.content.1: each tool_use must have a single result. Found multiple",
    ),
    (
        body(messages=[ASK, CALLED, ANSWERED, CALLED, ANSWERED]),
        "messages.3.content.0: `tool_use` ids must be unique",
    ),
    (body(tools=[TOOL, TOOL]), "tools: Tool names must be unique."),
    (
        body(tool_choice={"type": "any"}),
        'tool_choice: type "tool" and "any" are not supported for this model.',
    ),
    (
        body(tool_choice={"type": "tool", "name": "look"}),
        'tool_choice: type "tool" and "any" are not supported for this model.',
    ),
    (
        body(messages=said(*(text(str(n), cache_control=EPHEMERAL) for n in range(5)))),
        "A maximum of 4 blocks with cache_control may be provided. Found 5.",
    ),
    (
        body(
            cache_control=EPHEMERAL,
            messages=said(*(text(str(n), cache_control=EPHEMERAL) for n in range(4)), text("end")),
        ),
        "A maximum of 4 blocks with cache_control may be provided. Found 5.",
    ),
    (
        body(
            tools=[TOOL | {"cache_control": EPHEMERAL}],
            messages=said(text("x", cache_control=HOUR)),
        ),
        "messages.0.content.0.cache_control.ttl: a ttl='1h' cache_control block must not come "
        "after a ttl='5m' cache_control block.",
    ),
    (
        body(thinking={"type": "enabled", "budget_tokens": 2000}),
        '"thinking.type.enabled" is not supported for this model. Use "thinking.type.adaptive"',
    ),
    (
        body(thinking={"type": "disabled"}),
        '"thinking.type.disabled" is not supported for this model. Use '
        '"thinking.type.between_tools"',
    ),
    (
        body(
            model="claude-sonnet-4-6",
            max_tokens=1500,
            thinking={"type": "enabled", "budget_tokens": 2000},
        ),
        "`max_tokens` must be greater than `thinking.budget_tokens`.",
    ),
    (
        body(messages=[ASK, CALLED, ANSWERED], thinking={"type": "adaptive"}),
        "messages.1.content.0.type: Expected `thinking` or `redacted_thinking`, but found "
        "`tool_use`.",
    ),
]


@pytest.mark.parametrize(("request_body", "message"), WRONG_SHAPES + WRONG_SENSE)
async def test_a_request_against_the_rules_gets_a_400_that_names_the_place(
    client: httpx2.AsyncClient, request_body: dict[str, object], message: str
) -> None:
    response = await client.post("/v1/messages", json=request_body)
    answer = response.json()
    assert response.status_code == 400
    assert answer["error"]["message"].startswith(message)
    assert answer["error"]["type"] == "invalid_request_error"
    assert answer["type"] == "error"
    assert answer["request_id"] == response.headers["request-id"]


async def test_counting_tokens_refuses_what_messages_refuses(client: httpx2.AsyncClient) -> None:
    asked = {"model": MODEL, "messages": [ASK, CALLED, ASK]}
    response = await client.post("/v1/messages/count_tokens", json=asked)
    assert response.status_code == 400
    assert response.json()["error"]["message"] == UNANSWERED
    response = await client.post("/v1/messages/count_tokens", json=body())
    assert response.json()["error"]["message"] == "max_tokens: Extra inputs are not permitted"


@pytest.mark.parametrize(
    ("headers", "status", "kind"),
    [
        ({"authorization": "Bearer wrong"}, 401, "authentication_error"),
        ({"authorization": ""}, 401, "authentication_error"),
        ({"x-api-key": "wrong"}, 401, "authentication_error"),
        ({"authorization": "", "x-api-key": KEY}, 200, None),
        ({"anthropic-version": ""}, 400, "invalid_request_error"),
        ({"anthropic-version": "2021-01-01"}, 400, "invalid_request_error"),
        ({"anthropic-version": "2023-06-01"}, 200, None),
    ],
)
async def test_key_and_version_are_checked(
    client: httpx2.AsyncClient, headers: dict[str, str], status: int, kind: str | None
) -> None:
    response = await client.post("/v1/messages", json=body(), headers=headers)
    assert response.status_code == status
    assert response.json().get("error", {}).get("type") == kind


async def test_a_missing_version_header_is_refused(address: str) -> None:
    async with httpx2.AsyncClient(base_url=address, headers={"x-api-key": KEY}) as client:
        response = await client.post("/v1/messages", json=body())
    assert response.json()["error"]["message"] == "anthropic-version: header is required"


async def test_an_unknown_model_is_not_found(client: httpx2.AsyncClient) -> None:
    response = await client.post("/v1/messages", json=body(model="claude-9"))
    assert response.status_code == 404
    assert response.json()["error"] == {"type": "not_found_error", "message": "model: claude-9"}


async def test_a_body_that_is_no_json_is_refused(client: httpx2.AsyncClient) -> None:
    response = await client.post("/v1/messages", content=b"{")
    assert response.status_code == 400
    assert "not valid JSON" in response.json()["error"]["message"]


async def test_a_body_above_32_megabytes_is_too_large(client: httpx2.AsyncClient) -> None:
    large = json.dumps(body(messages=[ASK | {"content": "x" * (33 * 1024 * 1024)}])).encode()
    response = await client.post("/v1/messages", content=large)
    assert response.status_code == 413
    assert response.json()["error"]["type"] == "request_too_large"


async def test_neighbours_of_one_role_are_read_as_one_message(client: httpx2.AsyncClient) -> None:
    second = USE | {"id": "toolu_2"}
    late = RESULT | {"tool_use_id": "toolu_2"}
    messages = [
        ASK,
        ASK,
        CALLED,
        {"role": "assistant", "content": [second]},
        {"role": "user", "content": [late]},
        ANSWERED,
    ]
    response = await client.post("/v1/messages", json=body(messages=messages))
    assert response.status_code == 200
