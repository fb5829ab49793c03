"""What an investigation may spend, and what it costs: limits are checked here and nowhere else."""

import re
import tomllib
from collections.abc import Sequence
from datetime import date, datetime

from pydantic import ConfigDict, Field, ValidationError

from bus.errors import NotConfigured
from bus.events import Value
from bus.record import Record, Spend
from services.reasoner.transcript import Usage

MILLION = 1_000_000
BYTES_PER_TOKEN = 2.5
"""Bytes of one token in dense text (hex, stack traces): a worst case on the safe side."""
FRESH_DAYS = 90
SENT = "calls_sent"
"""Note in the record: how many calls went out."""
COST_OF_TURN = "cost of turn "
"""Notes in the record, one a turn: a `TurnCost` as JSON, for a person who asks what it was."""
LIMITS = ("turns", "tool calls", "tokens", "dollars", "day budget")
"""Reasons to conclude that are limits."""


class Price(Value):
    """USD per million tokens of a model, for prompts up to a length."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    model: str
    prompt_up_to: int | None = None
    input: float = Field(ge=0)
    output: float = Field(ge=0)
    cache_write_5m: float = Field(ge=0)
    cache_write_1h: float = Field(ge=0)
    cache_read: float = Field(ge=0)


class Prices(Value):
    """A dated price list."""

    dated: date
    source: str
    price: tuple[Price, ...]

    def of(self, model: str, prompt_tokens: int) -> Price | None:
        """The price of a model for a prompt of that length; None when it is not known.

        A dated name (`-20261001`) has the price of the plain one.
        """
        name = re.sub(r"-\d{8}$", "", model)
        for price in self.price:
            if price.model in (model, name) and prompt_tokens <= (
                price.prompt_up_to or prompt_tokens
            ):
                return price
        return None

    def cost_usd(self, model: str, usage: Usage) -> float | None:
        """Dollars of one reply of the model that was asked; None when its price is unknown."""
        price = self.of(model, usage.prompt_tokens)
        if price is None:
            return None
        return (
            usage.input_tokens * price.input
            + usage.cache_read_tokens * price.cache_read
            + usage.cache_write_5m_tokens * price.cache_write_5m
            + usage.cache_write_1h_tokens * price.cache_write_1h
            + usage.output_tokens * price.output
        ) / MILLION

    def worst_usd(self, model: str, *, prompt_tokens: int, reply_tokens: int) -> float:
        """The most that one call can cost: nothing cached, a full reply; 0 when unknown."""
        usage = Usage(cache_write_5m_tokens=prompt_tokens, output_tokens=reply_tokens)
        return self.cost_usd(model, usage) or 0.0


class Limits(Value):
    """What one investigation may spend."""

    turns: int = 12
    tool_calls: int = 40
    tokens: int = 1_000_000
    cost_usd: float = 1.0
    reply_tokens: int = 8192


class TurnCost(Value):
    """When a turn's committed reply came in, from which model, how it ended, and what it cost."""

    at: datetime
    model: str
    stop_reason: str
    usage: Usage
    cost_usd: float | None


class Estimate(Value):
    """Worst case of one call, and of the conclude turn and its repeat after it."""

    tokens: int
    call_usd: float
    held_back_usd: float


def prices_from(text: str) -> Prices:
    """The price list in a TOML text. Raises NotConfigured with what is wrong in it."""
    try:
        return Prices.model_validate(tomllib.loads(text))
    except (tomllib.TOMLDecodeError, ValidationError) as error:
        raise NotConfigured(f"the price file cannot be used: {error}") from None


def doubts(prices: Prices, models: Sequence[str], *, today: date) -> Sequence[str]:
    """What a person should know of the prices: one sentence each."""
    said = [
        f"no price of {model} is known: its cost is unknown and no limit in dollars sees it"
        for model in models
        if prices.of(model, 0) is None
    ]
    days = (today - prices.dated).days
    if days > FRESH_DAYS:
        said.append(
            f"the price list is of {prices.dated}, {days} days old: check the prices and name a "
            "newer list with NIGHTSHIFT_PRICES_FILE"
        )
    return said


def estimate(prices: Prices, model: str, *, prompt_bytes: int, limits: Limits) -> Estimate:
    """The worst case of a call with a prompt of that size."""
    prompt, reply = int(prompt_bytes / BYTES_PER_TOKEN), limits.reply_tokens
    return Estimate(
        tokens=prompt + reply,
        call_usd=prices.worst_usd(model, prompt_tokens=prompt, reply_tokens=reply),
        held_back_usd=2 * prices.worst_usd(model, prompt_tokens=prompt + reply, reply_tokens=reply),
    )


def dearest(estimates: Sequence[Estimate]) -> Estimate:
    """The worst case of a call when any of some models may answer it."""
    return Estimate(
        tokens=max(each.tokens for each in estimates),
        call_usd=max(each.call_usd for each in estimates),
        held_back_usd=max(each.held_back_usd for each in estimates),
    )


def limit_reached(record: Record, call: Estimate, *, limits: Limits) -> str:
    """The limit that forbids another ordinary turn, or nothing: the one check before each call."""
    spend = record.spend
    used = spend.input_tokens + spend.cache_read_tokens + spend.cache_write_tokens
    if record.turn > limits.turns:
        return "turns"
    if calls_sent(record) >= limits.tool_calls:
        return "tool calls"
    if used + spend.output_tokens + call.tokens > limits.tokens:
        return "tokens"
    if known_usd(record) + call.call_usd + call.held_back_usd > limits.cost_usd:
        return "dollars" if call.call_usd else ""
    return ""


def known_usd(record: Record) -> float:
    """What is known of its cost: where one price was unknown, the turns whose price is known."""
    if record.spend.cost_usd is not None:
        return record.spend.cost_usd
    told = (text for name, text in record.notes.items() if name.startswith(COST_OF_TURN))
    return sum(TurnCost.model_validate_json(text).cost_usd or 0.0 for text in told)


def calls_sent(record: Record) -> int:
    """How many calls went out; refused ones cost nothing."""
    return int(record.notes.get(SENT, "0"))


def warnings(record: Record, limits: Limits) -> Sequence[str]:
    """What the model should know before a limit is reached."""
    turns, calls = limits.turns - record.turn + 1, limits.tool_calls - calls_sent(record)
    said = []
    if turns <= 2:
        said.append(f"{max(turns, 0)} of {limits.turns} turns left, this one included.")
    if calls <= 5:
        said.append(f"{max(calls, 0)} of {limits.tool_calls} tool calls left.")
    return said


def added(spend: Spend, usage: Usage, *, cost_usd: float | None) -> Spend:
    """The spend after one more reply; once a price was unknown the sum stays unknown."""
    known = spend.cost_usd is not None and cost_usd is not None
    return Spend(
        model_calls=spend.model_calls + 1,
        input_tokens=spend.input_tokens + usage.input_tokens,
        cache_read_tokens=spend.cache_read_tokens + usage.cache_read_tokens,
        cache_write_tokens=spend.cache_write_tokens + usage.cache_write_tokens,
        output_tokens=spend.output_tokens + usage.output_tokens,
        cost_usd=(spend.cost_usd or 0.0) + (cost_usd or 0.0) if known else None,
    )
