"""The stand-ins are never laxer than the vendors' published rules: at each limit, and beyond it."""

import io
import json
from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import pytest
import pytest_asyncio

from simulator.model import build_model
from simulator.model.web import VERSIONS
from simulator.request_log import RequestLog
from simulator.scenario import load_scenario
from simulator.serving import served
from simulator.slack import Limits, SlackStandIn, build_slack
from tests.simulator import model_rules, slack_rules
from tests.simulator.model_rules import ASK, ModelRule
from tests.simulator.model_talk import KEY, MODEL
from tests.simulator.slack_rules import CHANNEL, SlackRule

ONE_LOOP = pytest.mark.asyncio(loop_scope="module")
SCENARIO = load_scenario("cart-loafers")
HEADERS = {"x-api-key": KEY, "anthropic-version": VERSIONS[-1]}
JSON = {"content-type": "application/json"}
TOKEN = "-".join(("xoxb", "of-the-tests"))


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def model_address(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[str]:
    log = RequestLog(tmp_path_factory.mktemp("model") / "requests.jsonl")
    async with served(build_model(SCENARIO, log, api_key=KEY)) as address:
        yield address


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def model(model_address: str) -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession(model_address, headers=HEADERS) as session:
        yield session


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def slack(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[aiohttp.ClientSession]:
    app = build_slack(
        RequestLog(tmp_path_factory.mktemp("slack") / "requests.jsonl"),
        TOKEN,
        stand_in=SlackStandIn({CHANNEL: "incidents"}),
    )
    headers = {"authorization": f"Bearer {TOKEN}"}
    async with (
        served(app) as address,
        aiohttp.ClientSession(address, headers=headers) as session,
    ):
        yield session


async def asked(model: aiohttp.ClientSession, fields: dict[str, object]) -> tuple[int, Any]:
    good = {"model": MODEL, "max_tokens": 4000, "messages": [ASK]}
    sent = {name: value for name, value in (good | fields).items() if value is not None}
    # A stream, because one of the requests is larger than the client likes to send at once.
    body = io.BytesIO(json.dumps(sent).encode())
    async with model.post("/v1/messages", data=body, headers=JSON) as answer:
        return answer.status, await answer.json()


async def called(
    slack: aiohttp.ClientSession, method: str, arguments: dict[str, object]
) -> dict[str, Any]:
    async with slack.post(f"/api/{method}", json=arguments) as answer:
        said: dict[str, Any] = await answer.json()
        return said


@ONE_LOOP
@pytest.mark.parametrize("rule", model_rules.RULES, ids=lambda rule: rule.rule)
async def test_model_takes_a_request_at_the_limit_and_none_beyond(
    model: aiohttp.ClientSession, rule: ModelRule
) -> None:
    status, taken = await asked(model, rule.within)
    assert (status, taken["type"]) == (200, "message"), (taken, rule.source)
    status, refused = await asked(model, rule.beyond)
    assert (status, refused["type"]) == (rule.status, "error"), rule.source


@ONE_LOOP
@pytest.mark.parametrize("rule", slack_rules.RULES, ids=lambda rule: rule.rule)
async def test_slack_takes_a_call_at_the_limit_and_none_beyond(
    slack: aiohttp.ClientSession, rule: SlackRule
) -> None:
    standing = await called(slack, "chat.postMessage", {"channel": CHANNEL, "text": "a card"})
    good: dict[str, dict[str, object]] = {
        "chat.postMessage": {"text": "a card"},
        "chat.update": {"ts": standing["ts"], "text": "an edit"},
        "conversations.history": {},
        "reactions.add": {"timestamp": standing["ts"]},
    }
    arguments = {"channel": CHANNEL} | good[rule.method]
    taken = await called(slack, rule.method, arguments | rule.within)
    assert taken["ok"], (taken, rule.source)
    refused = await called(slack, rule.method, arguments | rule.beyond)
    assert (refused["ok"], refused.get("error")) == (False, rule.error), rule.source


@ONE_LOOP
@pytest.mark.parametrize(("left_out", "status"), [("x-api-key", 401), ("anthropic-version", 400)])
async def test_model_answers_nobody_without_a_key_or_a_version(
    model_address: str, left_out: str, status: int
) -> None:
    """https://platform.claude.com/docs/en/api/versioning and .../api/errors."""
    headers = {name: value for name, value in HEADERS.items() if name != left_out}
    body = {"model": MODEL, "max_tokens": 10, "messages": [ASK]}
    async with (
        aiohttp.ClientSession(model_address, headers=headers) as session,
        session.post("/v1/messages", json=body) as answer,
    ):
        assert answer.status == status


@ONE_LOOP
async def test_slack_looks_for_the_token_in_the_header_and_not_in_json(
    slack: aiohttp.ClientSession,
) -> None:
    """https://docs.slack.dev/apis/web-api/using-the-slack-web-api."""
    said = {"channel": CHANNEL, "text": "x", "token": TOKEN}
    no_header = {"authorization": ""}
    async with slack.post("/api/chat.postMessage", json=said, headers=no_header) as answer:
        assert (await answer.json())["error"] == "not_authed"
    async with slack.post("/api/chat.postMessage", data=said, headers=no_header) as answer:
        assert (await answer.json())["ok"]


@pytest.mark.parametrize(
    ("method", "calls"), [("chat.update", 50), ("conversations.history", 50), ("chat.delete", 50)]
)
def test_slack_allows_no_more_calls_a_minute_than_the_tier_of_the_method(
    method: str, calls: int
) -> None:
    """https://docs.slack.dev/apis/web-api/rate-limits."""
    limits = Limits.real(clock=lambda: 0.0)
    assert [limits.seconds_to_wait(method, CHANNEL) for _ in range(calls)] == [0] * calls
    assert limits.seconds_to_wait(method, CHANNEL) == 60


@pytest.mark.parametrize("rule", [*model_rules.RULES, *slack_rules.RULES], ids=lambda r: r.rule)
def test_every_rule_says_where_it_is_published(rule: ModelRule | SlackRule) -> None:
    vendors = ("https://platform.claude.com/", "https://docs.slack.dev/", slack_rules.MEASURED)
    assert rule.source.startswith(vendors)
