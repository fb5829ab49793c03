"""What a diagnosis costs: `python -m benchmarks cost`.

The real four services as processes over a real Redis, against the simulator: its model is scripted,
counts tokens as characters / 3.5 rounded up, and keeps a prompt cache by the vendor's rules.
Dollars are those of the reasoner's dated price list. What a model would think is not in the script;
its price is told beside it.
"""

import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path

from benchmarks.condensing import CAP, LOGS, cart_log
from benchmarks.load.incidents import MODEL, Played, dollars, input_only, play, uncached
from benchmarks.load.long import write_long
from benchmarks.load.parts import parts_of
from benchmarks.table import Table
from bus.events import IncidentOpened
from cli.stack import Plan, running_stack
from services.reasoner.adapters.files import prices
from services.reasoner.prices import MILLION
from services.reasoner.transcript import Usage
from services.toolrunner.condense import condensed
from simulator.model.usage import CHARACTERS_PER_TOKEN

COMMAND = "python -m benchmarks cost"
MOST_USD, MOST_CALLS, MOST_PREFIX, LEAST_SAVED = 0.035, 6, 2_500, 0.83
LEAST_OUTPUT = 900
THINKING_TOKENS = 3_000
TURNS = 20
CART_LINES = 1_000
MODEL_SECONDS = 0.05
SECOND = IncidentOpened(service="cartservice", summary="Shoppers report HTTP 500 on checkout")
LONG = {
    "NIGHTSHIFT_MAX_TURNS": str(TURNS + 4),
    "NIGHTSHIFT_MAX_TOOL_CALLS": "100",
    "NIGHTSHIFT_MAX_TOKENS": "5000000",
    "NIGHTSHIFT_MAX_COST_USD": "20",
}
"""Limits that 20 turns do not reach."""


def tables() -> Iterator[Table]:
    """The cart incident call by call, what it comes to, and an investigation of 20 turns."""
    first, second = measured("cart-loafers", {})
    yield calls_table("The cart incident, 1,000 log lines (160 KB), cold cache", first.usages)
    yield sums_table(first.usages, second.usages)
    yield parts_table(first, prefix_tokens=second.usages[0].cache_read_tokens)
    with tempfile.TemporaryDirectory() as folder:
        (long,) = measured(str(write_long(Path(folder), TURNS)), LONG, again=False)
    if len(long.usages) != TURNS:
        raise RuntimeError(f"it ended after {len(long.usages)} turns: the table would say nothing")
    yield calls_table(f"An investigation of {TURNS} turns", long.usages)
    yield saved_table(first.usages, long.usages)
    yield condensing_table(first.usages)


def measured(scenario: str, settings: dict[str, str], *, again: bool = True) -> list[Played]:
    """The scenario's incident, and another one right after it."""
    plan = Plan(
        scenario=scenario,
        model_seconds=MODEL_SECONDS,
        own_redis=True,
        real_model=False,
        settings={"NIGHTSHIFT_FINAL_REPEAT_SECONDS": "1", **settings},
    )
    with running_stack(plan, lambda _: None) as stack:
        return play(stack, *([SECOND] if again else []))


def calls_table(title: str, usages: Sequence[Usage]) -> Table:
    """Each call with its tokens and dollars, then their sum."""
    total = Usage(
        input_tokens=sum(usage.input_tokens for usage in usages),
        cache_read_tokens=sum(usage.cache_read_tokens for usage in usages),
        cache_write_5m_tokens=sum(usage.cache_write_5m_tokens for usage in usages),
        cache_write_1h_tokens=sum(usage.cache_write_1h_tokens for usage in usages),
        output_tokens=sum(usage.output_tokens for usage in usages),
    )
    rows = [_call_row(str(n), usage, usd=cost([usage])) for n, usage in enumerate(usages, start=1)]
    rows.append(_call_row("all", total, usd=cost(usages)))
    columns = ("call", "uncached", "cache write", "cache read", "output", "dollars")
    return Table(title, COMMAND, columns, tuple(rows))


def sums_table(first: Sequence[Usage], second: Sequence[Usage]) -> Table:
    """What is asked of the cart incident, and what came out."""
    thought = THINKING_TOKENS
    once = Usage(output_tokens=thought)
    kept = Usage(
        output_tokens=thought,
        cache_write_5m_tokens=thought,
        cache_read_tokens=(len(first) - 2) * thought,
    )
    read = second[0].cache_read_tokens
    rows = (
        ("dollars", f"{cost(first):.4f}", f"at most {MOST_USD}"),
        ("model calls", str(len(first)), f"at most {MOST_CALLS}"),
        (
            "output tokens that the script writes",
            f"{sum(usage.output_tokens for usage in first):,}",
            f"at least {LEAST_OUTPUT}",
        ),
        (f"dollars with {THINKING_TOKENS:,} tokens of thinking", f"{cost([*first, once]):.4f}", ""),
        ("the same, read again by all later calls", f"{cost([*first, kept]):.4f}", ""),
        (
            "tools, system, catalogue: what a second incident's first call reads of the cache",
            f"{read:,}",
            f"at most {MOST_PREFIX:,}, and not 0",
        ),
        ("dollars of that second incident", f"{cost(second):.4f}", ""),
        ("dollars of the same requests uncached", f"{cost([uncached(u) for u in first]):.4f}", ""),
    )
    prices_dated = f"{MODEL}, prices of {prices().dated}"
    return Table(f"What the cart incident comes to ({prices_dated})", COMMAND, _ASKED, rows)


def parts_table(played: Played, *, prefix_tokens: int) -> Table:
    """Where each cent of the incident goes: every part of the prompts, and what was written."""
    price = prices().of(MODEL, 0)
    if price is None:
        raise ValueError(f"there is no price of {MODEL}")
    parts = sorted(
        parts_of(played.transcript, prefix_tokens=prefix_tokens), key=lambda part: -part.usd(price)
    )
    whole = cost(played.usages)
    wrote = sum(usage.output_tokens for usage in played.usages)
    replies = wrote * price.output / MILLION
    rows = [("what the model writes", f"{wrote:,}", "", *_cents(replies, whole))]
    for part in parts:
        usd = _cents(part.usd(price), whole)
        rows.append((part.name, f"{part.tokens:,.0f}", str(part.reads), *usd))
    columns = ("part", "tokens", "read again", "cents", "share")
    return Table("Where each cent of the cart incident goes", COMMAND, columns, tuple(rows))


def condensing_table(usages: Sequence[Usage]) -> Table:
    """What the one long log would cost whole: written once to the cache, read by one call more."""
    text, numbers = cart_log(), 4 * CART_LINES
    whole = int((len(text) + numbers) / CHARACTERS_PER_TOKEN)
    told = sum(len(line) + 1 for line in condensed(LOGS, text, cap=CAP).shown)
    shown = int(told / CHARACTERS_PER_TOKEN)
    more = Usage(cache_write_5m_tokens=whole - shown, cache_read_tokens=whole - shown)
    rows = (
        ("condensed, as measured above", f"{shown:,}", f"{cost(usages):.4f}"),
        ("whole", f"{whole:,}", f"{cost([*usages, more]):.4f}"),
    )
    columns = ("the log of 1,000 lines", "its tokens", "dollars of the incident")
    return Table("What condensing saves", COMMAND, columns, rows)


def _cents(usd: float, whole: float) -> tuple[str, str]:
    return (f"{100 * usd:.2f}", f"{100 * usd / whole:.0f} %")


def saved_table(short: Sequence[Usage], long: Sequence[Usage]) -> Table:
    """What caching saves of the input's cost, and of the whole."""
    rows = [
        (name, f"{100 * saved_of_input(usages):.1f} %", wanted, f"{100 * saved(usages):.1f} %")
        for name, usages, wanted in (
            ("the cart incident", short, ""),
            (f"{TURNS} turns", long, f"at least {100 * LEAST_SAVED:.0f} %"),
        )
    ]
    columns = ("investigation", "saved of input cost", "asked", "saved of all")
    return Table("What caching saves", COMMAND, columns, tuple(rows))


def cost(usages: Sequence[Usage]) -> float:
    """Dollars of these calls by the built-in list."""
    return dollars(prices(), usages)


def saved(usages: Sequence[Usage]) -> float:
    """The share of their cost that caching saves, replies included."""
    return 1 - cost(usages) / cost([uncached(usage) for usage in usages])


def saved_of_input(usages: Sequence[Usage]) -> float:
    """The share of the cost of what the model reads that caching saves."""
    return saved([input_only(usage) for usage in usages])


def _call_row(name: str, usage: Usage, *, usd: float) -> tuple[str, ...]:
    return (
        name,
        f"{usage.input_tokens:,}",
        f"{usage.cache_write_tokens:,}",
        f"{usage.cache_read_tokens:,}",
        f"{usage.output_tokens:,}",
        f"{usd:.4f}",
    )


_ASKED = ("what", "measured", "asked")
