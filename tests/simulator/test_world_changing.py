"""The route that shows another scenario: what it was asked for is shown, or refused in words."""

from collections.abc import AsyncIterator

import aiohttp
import pytest
from starlette.applications import Starlette

from simulator.changing import changing
from simulator.scenario import Scenario, ScenarioError
from simulator.serving import served


@pytest.fixture
async def session() -> AsyncIterator[aiohttp.ClientSession]:
    async def show(scenario: Scenario) -> None:
        if scenario.name == "cart-loafers":
            raise ScenarioError("not in this world")

    app = Starlette(routes=[changing(show)])
    async with served(app) as address, aiohttp.ClientSession(address) as session:
        yield session


@pytest.mark.parametrize(
    ("asked", "status", "words"),
    [
        (b'{"scenario": "recommendation-sample"}', 200, "recommendation-sample"),
        (b'{"scenario": "cart-loafers"}', 400, "not in this world"),
        (b'{"scenario": "nothing-like-it"}', 400, "no scenario 'nothing-like-it'"),
        (b"{}", 400, "NAME"),
        (b"[]", 400, "NAME"),
        (b"not json", 400, "NAME"),
    ],
)
async def test_another_scenario_is_shown_or_refused_with_a_sentence(
    session: aiohttp.ClientSession, asked: bytes, status: int, words: str
) -> None:
    async with session.post("/_simulator/scenario", data=asked) as answer:
        assert answer.status == status
        assert words in await answer.text()
