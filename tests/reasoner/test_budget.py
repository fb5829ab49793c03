"""What is spent, what may be spent, and the files that say so."""

import json
from datetime import UTC, datetime, timedelta

import pytest

from bus.errors import NotConfigured
from bus.record import Spend
from services.reasoner import budget
from services.reasoner.adapters import files
from services.reasoner.budget import COST_OF_TURN, Limits, TurnCost
from services.reasoner.transcript import Usage
from tests.bus.incidents import a_record

PRICES = files.prices()
NOW = datetime(2026, 11, 29, tzinfo=UTC)
SONNET = "claude-sonnet-5-5"


@pytest.mark.parametrize(
    ("model", "usage", "dollars"),
    [
        (SONNET, Usage(input_tokens=1_000_000), 2.0),
        (SONNET, Usage(cache_read_tokens=1_000_000), 0.10),
        (SONNET, Usage(cache_write_5m_tokens=1_000_000), 2.5),
        (SONNET, Usage(cache_write_1h_tokens=1_000_000), 4.0),
        (SONNET, Usage(output_tokens=1_000_000), 10.0),
        ("claude-opus-5-5", Usage(output_tokens=1_000_000), 20.0),
        ("claude-fable-5-1", Usage(cache_read_tokens=1_000_000), 0.25),
        ("claude-haiku-5-5", Usage(input_tokens=100_000), 0.01),
        ("claude-haiku-5-5", Usage(input_tokens=100_001), 0.0500005),
        ("claude-haiku-5-5", Usage(cache_read_tokens=100_000, input_tokens=1), 0.0050005),
        ("claude-sonnet-5-5-20261001", Usage(output_tokens=1_000_000), 10.0),
    ],
)
def test_each_kind_of_token_has_its_price(model: str, usage: Usage, dollars: float) -> None:
    assert PRICES.cost_usd(model, usage) == pytest.approx(dollars)


def test_an_unknown_price_is_unknown_and_makes_the_sum_unknown() -> None:
    assert PRICES.cost_usd("claude-next", Usage(input_tokens=1)) is None
    spend = budget.added(Spend(cost_usd=0.5), Usage(), cost_usd=None)
    assert budget.added(spend, Usage(), cost_usd=0.1).cost_usd is None


def test_the_price_file_is_dated_and_says_where_it_is_from() -> None:
    assert PRICES.dated.year >= 2026
    assert "trackers" in PRICES.source


@pytest.mark.parametrize("text", ["not toml [", 'dated = 2026-01-01\nsource = "x"\nprize = 1'])
def test_a_price_file_that_cannot_be_used_is_one_sentence(text: str) -> None:
    with pytest.raises(NotConfigured, match="the price file cannot be used"):
        budget.prices_from(text)


@pytest.mark.parametrize(
    ("changes", "limit"),
    [
        ({}, ""),
        ({"turn": 12}, ""),
        ({"turn": 13}, "turns"),
        ({"notes": {budget.SENT: "39"}}, ""),
        ({"notes": {budget.SENT: "40"}}, "tool calls"),
        ({"spend": Spend(input_tokens=600_000, output_tokens=391_000)}, "tokens"),
        ({"spend": Spend(cost_usd=0.5)}, ""),
        ({"spend": Spend(cost_usd=0.9)}, "dollars"),
        ({"spend": Spend(cost_usd=None)}, ""),
    ],
)
def test_each_limit_has_its_name(changes: dict[str, object], limit: str) -> None:
    limits = Limits()
    call = budget.estimate(PRICES, SONNET, prompt_bytes=10_000, limits=limits)
    assert budget.limit_reached(a_record(**changes), call, limits=limits) == limit


def test_without_a_price_dollars_are_no_limit() -> None:
    call = budget.estimate(PRICES, "claude-next", prompt_bytes=10_000, limits=Limits())
    spent = a_record(spend=Spend(cost_usd=5.0))
    assert budget.limit_reached(spent, call, limits=Limits()) == ""


def test_what_is_known_counts_against_the_dollars_also_beside_turns_of_unknown_cost() -> None:
    """An unknown turn makes the sum unknown; the limit goes on to see the turns with a price."""
    costs = [
        TurnCost(at=NOW, model="m", stop_reason="end_turn", usage=Usage(), cost_usd=dollars)
        for dollars in (0.5, None, 0.45)
    ]
    notes = {f"{COST_OF_TURN}{at}": cost.model_dump_json() for at, cost in enumerate(costs, 1)}
    record = a_record(spend=Spend(cost_usd=None), notes=notes)
    assert budget.known_usd(record) == pytest.approx(0.95)
    call = budget.estimate(PRICES, SONNET, prompt_bytes=10_000, limits=Limits())
    assert budget.limit_reached(record, call, limits=Limits()) == "dollars"


def test_of_two_models_the_dearer_one_is_the_worst_case() -> None:
    cheap, dear, unknown = (
        budget.estimate(PRICES, model, prompt_bytes=10_000, limits=Limits())
        for model in ("claude-haiku-5-5", "claude-fable-5-1", "claude-next")
    )
    assert budget.dearest([cheap, dear]) == dear
    assert budget.dearest([unknown, cheap]) == cheap


@pytest.mark.parametrize(("days", "said"), [(90, []), (91, ["91 days old"]), (-3, [])])
def test_an_old_price_list_is_doubted(days: int, said: list[str]) -> None:
    doubts = budget.doubts(PRICES, [SONNET], today=PRICES.dated + timedelta(days=days))
    assert [doubt for doubt in doubts if not any(words in doubt for words in said)] == []
    assert len(doubts) == len(said)


def test_a_model_without_a_price_is_doubted_by_its_name() -> None:
    (doubt,) = budget.doubts(PRICES, [SONNET, "qwen3-coder"], today=PRICES.dated)
    assert doubt.startswith("no price of qwen3-coder is known: its cost is unknown")


def test_the_conclude_turn_and_its_repeat_are_held_back() -> None:
    call = budget.estimate(PRICES, SONNET, prompt_bytes=100_000, limits=Limits())
    again = budget.estimate(PRICES, SONNET, prompt_bytes=100_000 + 20_480, limits=Limits())
    assert call.held_back_usd == pytest.approx(2 * again.call_usd)


def test_the_last_turns_and_calls_are_announced() -> None:
    said = budget.warnings(a_record(turn=12, notes={budget.SENT: "38"}), Limits())
    assert said == ["1 of 12 turns left, this one included.", "2 of 40 tool calls left."]
    assert budget.warnings(a_record(turn=10), Limits()) == []


def test_what_every_request_begins_with_is_short() -> None:
    fixed = files.texts().system + json.dumps(files.submit_tool(), separators=(",", ":"))
    assert len(fixed) / 3.5 < 1_300
