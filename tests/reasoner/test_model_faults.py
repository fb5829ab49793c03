"""Every fault of the model and of the way to it, at the wire: it passes, or it is said for good."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from bus.errors import Unavailable
from services.reasoner.adapters.claude import MAX_TRIES
from services.reasoner.ports import CutOff, SaidNo, TooLong
from simulator.faults import Fault, Faults
from simulator.known_faults import KNOWN_FAULTS
from simulator.model import build_model
from simulator.request_log import RequestLog
from simulator.scenario import load_scenario
from tests.conftest import MakeBus
from tests.reasoner.asking import Replica, replicas
from tests.reasoner.conftest import MakeLoop
from tests.reasoner.model_desk import KEY

PASSING = (
    *("rate_limited", "overloaded", "api_error", "timeout", "bad_gateway"),
    *("dropped", "accepted_dropped", "cut", "page", "packed", "huge_answer"),
)
"""No usable answer now, perhaps the next time."""
WORDS = {
    "packed": "the answer is packed (gzip), which was not asked for",
    "huge_answer": "the answer has more than 8,388,608 bytes",
}
FOR_GOOD = {
    "redirect": "it redirects to http://127.0.0.1:9/v1/messages; none is followed",
    "spend_limit": "429 rate_limit_error: The monthly spend limit is reached",
    "prompt_too_long": "400 invalid_request_error: prompt is too long",
}
REPLIES = (
    *("refusal", "max_tokens_in_text", "max_tokens_in_call", "silence", "blank", "no_call"),
    *("thinking", "redacted_thinking", "parallel_calls", "unknown_tool", "wrong_types", "slow"),
    *("missing_field", "huge_arguments", "invented_quotes", "endless_calls", "context_window"),
)
"""Usable answers; what they lead to is decided in `investigation.py` and tested beside it."""


class World:
    """The scripted model with its faults, its log, and a replica that asks it."""

    def __init__(self, folder: Path) -> None:
        self.faults = Faults()
        self.log = RequestLog(folder / "requests.jsonl")
        scenario = load_scenario("cart-loafers")
        self.app = build_model(scenario, self.log, api_key=KEY, faults=self.faults)

    def plan(self, fault: str, *, times: int = 1) -> None:
        self.faults.plan(Fault(stand_in="model", fault=fault, times=times, seconds=0))

    @property
    def requests(self) -> int:
        return len(self.log.read("model"))


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path)


@pytest.fixture
async def replica(world: World, make_bus: MakeBus) -> AsyncIterator[Replica]:
    async with replicas(world.app, make_bus) as (one,):
        yield one


def test_every_fault_that_the_stand_in_knows_is_tested_here() -> None:
    assert sorted([*PASSING, *FOR_GOOD, *REPLIES, "hang"]) == sorted(KNOWN_FAULTS["model"])


@pytest.mark.parametrize("fault", PASSING)
async def test_a_fault_that_passes_costs_one_more_try_and_one_that_stays_hands_the_turn_back(
    world: World, replica: Replica, fault: str
) -> None:
    world.plan(fault)
    assert (await replica.ask()).stop_reason == "tool_use"
    assert world.requests == 2
    world.plan(fault, times=0)
    with pytest.raises(Unavailable) as away:
        await replica.ask()
    assert not isinstance(away.value, CutOff)
    assert away.value.retry_in_seconds < 5
    assert WORDS.get(fault, "") in str(away.value)
    assert world.requests == 2 + MAX_TRIES
    assert (await replica.claude.reach.check()).startswith("claude-sonnet-5-5: ")


@pytest.mark.parametrize("fault", FOR_GOOD)
async def test_what_is_said_for_good_is_asked_once_and_told_in_words(
    world: World, replica: Replica, fault: str
) -> None:
    world.plan(fault)
    with pytest.raises(SaidNo, match="the model API refused: ") as no:
        await replica.ask()
    assert FOR_GOOD[fault] in str(no.value)
    assert isinstance(no.value, TooLong) == (fault == "prompt_too_long")
    assert world.requests == 1


async def test_a_hanging_call_is_cut_off_by_the_clock(world: World, replica: Replica) -> None:
    world.faults.plan(Fault(stand_in="model", fault="hang", seconds=60))
    with pytest.raises(CutOff):
        await replica.ask(seconds=0.3)


@pytest.mark.parametrize("fault", ["prompt_too_long", "context_window"])
async def test_a_full_context_window_becomes_the_conclude_turn_and_ends_inconclusive_when_it_stays(
    make_loop: MakeLoop, world: World, fault: str
) -> None:
    world.plan(fault, times=0)
    loop = await make_loop(app=world.app)
    await loop.open()
    record = await loop.ended()
    assert (record.outcome, record.concluding) == ("inconclusive", "context window")
    assert world.requests == 2


@pytest.mark.parametrize("fault", ["prompt_too_long", "context_window"])
async def test_a_conclude_turn_that_fits_ends_with_what_was_found(
    make_loop: MakeLoop, world: World, fault: str
) -> None:
    world.plan(fault)
    loop = await make_loop(app=world.app)
    await loop.open()
    record = await loop.ended()
    assert (record.concluding, world.requests) == ("context window", 2)
    assert record.outcome == "inconclusive", "nothing was read before"
    assert record.diagnosis is not None
