"""What an investigation may spend, and what it costs: limits are checked here and nowhere else."""

import math
from collections.abc import Mapping, Sequence
from datetime import datetime

from bus.events import Value
from bus.record import Record, Spend
from services.reasoner.prices import Prices
from services.reasoner.transcript import Usage

BYTES_PER_TOKEN = 2.5
"""Bytes of one token in dense text (hex, stack traces), until the model has counted denser."""
OVERHEAD_TOKENS = 700
"""What the API adds to a prompt with tools, and what our warnings add to a request."""
DENSITY = "bytes_per_token"
"""Note in the record: the densest prompt that the model has counted, below `BYTES_PER_TOKEN`."""
SENT = "calls_sent"
"""Note in the record: how many calls went out."""
FIRST_PROMPT_BYTES = 12_000
"""Tools, system and a short alarm."""
NOT_RUN = "not run: limit"
"""Answer to a call beyond those that may go out: it has neither failed nor brought a result."""
COST_OF_TURN = "cost of turn "
"""Notes in the record, one a turn: a `TurnCost` as JSON, for a person who asks what it was."""
LIMITS = ("turns", "tool calls", "tokens", "dollars", "day budget")
"""Reasons to conclude that are limits."""


class Limits(Value):
    """What one investigation may spend."""

    turns: int = 12
    tool_calls: int = 40
    parallel_calls: int = 5
    tokens: int = 1_000_000
    cost_usd: float = 1.0
    reply_tokens: int = 8192
    context_tokens: int = 200_000
    """The model's context window."""


class TurnCost(Value):
    """When a turn's committed reply came in, from which model, how it ended, and what it cost."""

    at: datetime
    model: str
    stop_reason: str
    usage: Usage
    cost_usd: float | None


class Reservation(Value):
    """Dollars set aside before a call, under a name that begins with its investigation's id."""

    name: str
    usd: float
    keep_usd: float
    """So many more must still fit: what the investigation needs to conclude."""
    own_usd: float
    """What the investigation may still spend, calls counted whose cost nobody knows."""
    concludes: bool

    @property
    def of_investigation(self) -> str:
        """How the names of all its reservations begin."""
        return self.name.partition(":")[0] + ":"


class Size(Value):
    """How long a prompt is, and how much of it is held in the cache for an hour."""

    hour_bytes: int
    prompt_bytes: int
    bytes_per_token: float = BYTES_PER_TOKEN


class Estimate(Value):
    """Worst case of one call, and of the conclude turn and its repeat after it."""

    prompt_bytes: int
    tokens: int
    held_back_tokens: int
    call_usd: float
    held_back_usd: float


def estimate(prices: Prices, model: str, *, size: Size, limits: Limits) -> Estimate:
    """The worst case of a call with a prompt of that size.

    A conclude turn reads what the call before it read and said, and its repeat one reply more. The
    results of that call's tools are not known yet: they come on top.
    """
    reply = limits.reply_tokens
    hour = math.ceil(size.hour_bytes / size.bytes_per_token)
    later = math.ceil((size.prompt_bytes - size.hour_bytes) / size.bytes_per_token)
    prompt = hour + OVERHEAD_TOKENS + later

    def worst(replies_before: int) -> float:
        read = prompt + replies_before * reply
        return prices.worst_usd(model, hour=hour, prompt=read, reply=reply)

    return Estimate(
        prompt_bytes=size.prompt_bytes,
        tokens=prompt + reply,
        held_back_tokens=2 * prompt + 5 * reply,
        call_usd=worst(0),
        held_back_usd=worst(1) + worst(2),
    )


def too_small(prices: Prices, model: str, *, limits: Limits) -> str:
    """Why limits leave no money for a single ordinary turn with that model; empty if they do."""
    size = Size(hour_bytes=FIRST_PROMPT_BYTES, prompt_bytes=FIRST_PROMPT_BYTES)
    first = estimate(prices, model, size=size, limits=limits)
    needed = first.call_usd + first.held_back_usd
    if not first.call_usd or needed <= limits.cost_usd:
        return ""
    return (
        f"a first turn of {model} and its conclude turn may cost ${needed:.2f}: "
        f"with ${limits.cost_usd:.2f} an investigation every investigation concludes at once"
    )


def dearest(estimates: Sequence[Estimate]) -> Estimate:
    """The worst case of a call when any of some models may answer it."""
    return Estimate(
        prompt_bytes=max(each.prompt_bytes for each in estimates),
        tokens=max(each.tokens for each in estimates),
        held_back_tokens=max(each.held_back_tokens for each in estimates),
        call_usd=max(each.call_usd for each in estimates),
        held_back_usd=max(each.held_back_usd for each in estimates),
    )


def limit_reached(record: Record, call: Estimate, *, limits: Limits) -> str:
    """The limit that forbids another ordinary turn, or nothing: the one check before each call."""
    if record.turn > limits.turns:
        return "turns"
    if calls_sent(record) >= limits.tool_calls:
        return "tool calls"
    if tokens_used(record.spend) + call.tokens + call.held_back_tokens > limits.tokens:
        return "tokens"
    if known_usd(record) + call.call_usd + call.held_back_usd > limits.cost_usd:
        return "dollars" if call.call_usd else ""
    return ""


def tokens_used(spend: Spend) -> int:
    """Every token so far, in and out, cached ones included."""
    read = spend.input_tokens + spend.cache_read_tokens + spend.cache_write_tokens
    return read + spend.output_tokens


def known_usd(record: Record) -> float:
    """Dollars so far; where a price was unknown, those of the other turns."""
    if record.spend.cost_usd is not None:
        return record.spend.cost_usd
    turns = (text for name, text in record.notes.items() if name.startswith(COST_OF_TURN))
    return sum(TurnCost.model_validate_json(text).cost_usd or 0.0 for text in turns)


def bytes_per_token(record: Record) -> float:
    """How dense the next prompt may be: as dense as the densest so far, or as text can be."""
    return float(record.notes.get(DENSITY, BYTES_PER_TOKEN))


def counted(notes: Mapping[str, str], *, prompt_bytes: int, usage: Usage) -> dict[str, str]:
    """The notes after the model has counted a prompt; a denser one than ever is remembered."""
    density = max(1.0, prompt_bytes / max(1, usage.prompt_tokens))
    if not prompt_bytes or density >= float(notes.get(DENSITY, BYTES_PER_TOKEN)):
        return dict(notes)
    return dict(notes) | {DENSITY: f"{density:.3f}"}


def reservation(record: Record, call: Estimate, *, limits: Limits, attempt: str) -> Reservation:
    """What to set aside for the due turn; `attempt` tells its tries apart."""
    concludes = bool(record.concluding)
    return Reservation(
        name=f"{record.investigation_id}:{record.turn}:{attempt}",
        usd=call.call_usd,
        keep_usd=0.0 if concludes else call.held_back_usd,
        own_usd=max(0.0, limits.cost_usd - known_usd(record)),
        concludes=concludes,
    )


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


def money_warnings(record: Record, call: Estimate, *, limits: Limits) -> Sequence[str]:
    """What the model should know when this may be its last ordinary turn for want of money."""
    said = []
    left = limits.tokens - tokens_used(record.spend) - call.held_back_tokens
    if left < 2 * call.tokens:
        said.append("The tokens are nearly used up: this may be your last turn with tools.")
    left_usd = limits.cost_usd - known_usd(record) - call.held_back_usd
    if call.call_usd and left_usd < 2 * call.call_usd:
        said.append("The money is nearly spent: this may be your last turn with tools.")
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
