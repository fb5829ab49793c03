"""What is spent, what may be spent, and the files that say so."""

import json
from datetime import UTC, datetime, timedelta

import pytest

from bus.errors import NotConfigured
from bus.record import Spend
from services.reasoner import budget
from services.reasoner.adapters import files
from services.reasoner.budget import COST_OF_TURN, Estimate, Limits, Size, TurnCost
from services.reasoner.prices import doubts, prices_from
from services.reasoner.transcript import Usage
from tests.bus.incidents import a_record

PRICES = files.prices()
NOW = datetime(2026, 11, 29, tzinfo=UTC)
SONNET = "claude-sonnet-5-5"


def estimate(model: str, prompt_bytes: int, **size: float) -> Estimate:
    """The worst case of a call with a prompt of that size."""
    whole = Size.model_validate({"hour_bytes": 0, "prompt_bytes": prompt_bytes} | size)
    return budget.estimate(PRICES, model, size=whole, limits=Limits())


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
        prices_from(text)


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
    call = estimate(SONNET, 10_000)
    assert budget.limit_reached(a_record(**changes), call, limits=limits) == limit


def test_without_a_price_dollars_are_no_limit() -> None:
    call = estimate("claude-next", 10_000)
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
    call = estimate(SONNET, 10_000)
    assert budget.limit_reached(record, call, limits=Limits()) == "dollars"


def test_of_two_models_the_dearer_one_is_the_worst_case() -> None:
    cheap, dear, unknown = (
        estimate(model, 10_000) for model in ("claude-haiku-5-5", "claude-fable-5-1", "claude-next")
    )
    assert budget.dearest([cheap, dear]) == dear
    assert budget.dearest([unknown, cheap]) == cheap


@pytest.mark.parametrize(("days", "said"), [(90, []), (91, ["91 days old"]), (-3, [])])
def test_an_old_price_list_is_doubted(days: int, said: list[str]) -> None:
    told = doubts(PRICES, [SONNET], today=PRICES.dated + timedelta(days=days))
    assert [doubt for doubt in told if not any(words in doubt for words in said)] == []
    assert len(told) == len(said)


def test_a_model_without_a_price_is_doubted_by_its_name() -> None:
    (doubt,) = doubts(PRICES, [SONNET, "qwen3-coder"], today=PRICES.dated)
    assert doubt.startswith("no price of qwen3-coder is known: its cost is unknown")


def test_the_conclude_turn_and_its_repeat_are_held_back() -> None:
    """The first reads the last reply too, the second also what the first said."""
    call, reply = estimate(SONNET, 100_000), int(8192 * 2.5)
    first, second = estimate(SONNET, 100_000 + reply), estimate(SONNET, 100_000 + 2 * reply)
    assert call.held_back_usd == pytest.approx(first.call_usd + second.call_usd)
    assert call.held_back_tokens == first.tokens + second.tokens


def test_the_worst_case_writes_the_prefix_for_an_hour_and_the_rest_for_five_minutes() -> None:
    call = estimate(SONNET, 100_000, hour_bytes=10_000)
    later = 36_000 + budget.OVERHEAD_TOKENS
    dollars = (4_000 * 4.0 + later * 2.5 + 8192 * 10.0) / 1e6
    assert call.tokens == 4_000 + later + 8192
    assert call.call_usd == pytest.approx(dollars)


def test_a_prompt_that_was_counted_denser_than_thought_makes_the_next_worst_case_dearer() -> None:
    notes = budget.counted({}, prompt_bytes=10_000, usage=Usage(cache_read_tokens=5_000))
    record = a_record(notes=notes)
    assert budget.bytes_per_token(record) == 2.0
    thin = budget.counted(notes, prompt_bytes=10_000, usage=Usage(input_tokens=3_000))
    assert budget.bytes_per_token(a_record(notes=thin)) == 2.0
    absurd = budget.counted(notes, prompt_bytes=10_000, usage=Usage(input_tokens=900_000))
    assert budget.bytes_per_token(a_record(notes=absurd)) == 1.0
    assert estimate(SONNET, 10_000, bytes_per_token=2.0).tokens > estimate(SONNET, 10_000).tokens


@pytest.mark.parametrize(
    ("model", "most", "said"),
    [
        (SONNET, 1.0, ""),
        (SONNET, 0.2, "a first turn of claude-sonnet-5-5 and its conclude turn may cost $0.3"),
        ("claude-fable-5-1", 1.0, "a first turn of claude-fable-5-1"),
        ("claude-next", 0.0, ""),
    ],
)
def test_limits_that_leave_no_money_for_one_turn_are_told(
    model: str, most: float, said: str
) -> None:
    told = budget.too_small(PRICES, model, limits=Limits(cost_usd=most))
    assert told.startswith(said)
    assert bool(told) == bool(said)


def test_the_last_turns_and_calls_are_announced() -> None:
    said = budget.warnings(a_record(turn=12, notes={budget.SENT: "38"}), Limits())
    assert said == ["1 of 12 turns left, this one included.", "2 of 40 tool calls left."]
    assert budget.warnings(a_record(turn=10), Limits()) == []


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({}, []),
        ({"spend": Spend(cost_usd=0.6)}, ["The money is nearly spent"]),
        ({"spend": Spend(input_tokens=930_000)}, ["The tokens are nearly used up"]),
        ({"spend": Spend(cost_usd=None)}, []),
    ],
)
def test_the_end_of_money_and_tokens_is_announced(
    changes: dict[str, object], words: list[str]
) -> None:
    """While one more turn is still allowed: the check itself comes first."""
    record, call = a_record(**changes), estimate(SONNET, 10_000)
    assert budget.limit_reached(record, call, limits=Limits()) == ""
    said = budget.money_warnings(record, call, limits=Limits())
    assert [text.partition(":")[0] for text in said] == words


def test_without_a_price_no_end_of_money_is_announced() -> None:
    record, call = a_record(spend=Spend(cost_usd=0.99)), estimate("claude-next", 10_000)
    assert budget.money_warnings(record, call, limits=Limits()) == []


def test_a_reservation_is_told_by_its_investigation_and_a_conclude_turn_keeps_nothing() -> None:
    call = estimate(SONNET, 10_000)
    record = a_record(spend=Spend(cost_usd=0.25))
    ordinary = budget.reservation(record, call, limits=Limits(), attempt="a")
    assert (ordinary.name, ordinary.of_investigation) == ("inc-1:1:a", "inc-1:")
    assert (ordinary.keep_usd, ordinary.own_usd) == (call.held_back_usd, 0.75)
    last = budget.reservation(
        record.changed(concluding="turns"), call, limits=Limits(), attempt="a"
    )
    assert (last.usd, last.keep_usd, last.concludes) == (call.call_usd, 0.0, True)


def test_what_every_request_begins_with_is_short() -> None:
    fixed = files.texts().system + json.dumps(files.submit_tool(), separators=(",", ":"))
    assert len(fixed) / 3.5 < 1_300
