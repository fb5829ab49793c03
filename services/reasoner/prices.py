"""What models cost, from a dated list: USD per million tokens. An unknown price is never 0."""

import math
import re
import tomllib
from collections.abc import Sequence
from datetime import date

from pydantic import ConfigDict, Field, ValidationError

from bus.errors import NotConfigured
from bus.events import Value
from services.reasoner.transcript import Usage

MILLION = 1_000_000
FRESH_DAYS = 90
"""Older price lists are doubted."""


class Price(Value):
    """USD per million tokens of a model, for prompts up to a length."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    model: str
    prompt_up_to: int | None = None
    input: float = Field(ge=0, allow_inf_nan=False)
    output: float = Field(ge=0, allow_inf_nan=False)
    cache_write_5m: float = Field(ge=0, allow_inf_nan=False)
    cache_write_1h: float = Field(ge=0, allow_inf_nan=False)
    cache_read: float = Field(ge=0, allow_inf_nan=False)


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
        """Dollars of one reply of the model that was asked.

        None when its price is unknown, or a server counted no tokens at all.
        """
        price = self.of(model, usage.prompt_tokens)
        if price is None or not usage.counted:
            return None
        return (
            usage.input_tokens * price.input
            + usage.cache_read_tokens * price.cache_read
            + usage.cache_write_5m_tokens * price.cache_write_5m
            + usage.cache_write_1h_tokens * price.cache_write_1h
            + usage.output_tokens * price.output
        ) / MILLION

    def worst_usd(self, model: str, *, hour: int, prompt: int, reply: int) -> float:
        """The most that one call can cost; 0 when the price is unknown.

        All `prompt` tokens are written to the cache, `hour` of them for an hour, and the
        reply is as long as it may be, thinking included.
        """
        price = self.of(model, prompt)
        if price is None:
            return 0.0
        written = max(price.input, price.cache_write_5m)
        longer = max(written, price.cache_write_1h)
        return (hour * longer + (prompt - hour) * written + reply * price.output) / MILLION


def prices_from(text: str) -> Prices:
    """The price list in a TOML text. Raises NotConfigured with what is wrong in it."""
    try:
        read = Prices.model_validate(tomllib.loads(text))
        problem = _problem(read.price)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        problem = f"{where}: {first['msg']}"
    except tomllib.TOMLDecodeError as error:
        problem = str(error)
    if problem:
        raise NotConfigured(f"the price file cannot be used: {problem}")
    return read


def _problem(rows: Sequence[Price]) -> str:
    """Which model has rows of which one would never count, or prompts without a price."""
    for model in dict.fromkeys(row.model for row in rows):
        bounds = [row.prompt_up_to or math.inf for row in rows if row.model == model]
        if bounds != sorted(set(bounds)):
            return f"{model}: its rows must go by `prompt_up_to`, the smallest first, each once"
        if bounds[-1] != math.inf:
            return f"{model}: its last row must be one without `prompt_up_to`, for longer prompts"
    return ""


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
