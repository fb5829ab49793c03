"""Incidents played by the real four services against the simulator, and what their calls cost."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from pydantic import TypeAdapter
from redis import Redis

from bus.events import IncidentOpened
from bus.streams import INCIDENTS, Keys
from cli.follow import Follower, Happening
from cli.stack import Stack, call
from services.reasoner.prices import Prices
from services.reasoner.transcript import Usage

LONGEST_SECONDS = 120.0
MODEL = "claude-sonnet-5-5"
PREFIX = "nightshift:"
_ROWS: TypeAdapter[list[dict[str, Any]]] = TypeAdapter(list[dict[str, Any]])


@dataclass(frozen=True)
class Played:
    """One incident that was diagnosed: what each model call used, and its messages as JSON."""

    usages: list[Usage]
    transcript: list[str]


def play(stack: Stack, *incidents: IncidentOpened) -> list[Played]:
    """The scenario's alarm is fired and diagnosed, then each incident, one by one.

    Raises StackFailed when no final card stands in time.
    """
    with Redis.from_url(stack.redis_url, decode_responses=True) as redis:
        follower = Follower(redis, PREFIX)
        call(f"{stack.control}/_simulator/fire-alarm", {"form": "sns"})
        played = [_until_over(stack, follower, asked=0)]
        for incident in incidents:
            told = {"data": incident.model_dump_json(exclude_defaults=True)}
            redis.xadd(Keys(PREFIX).stream(INCIDENTS), dict(told.items()))
            asked = sum(len(one.usages) for one in played)
            played.append(_until_over(stack, follower, asked=asked))
        return played


def _until_over(stack: Stack, follower: Follower, *, asked: int) -> Played:
    stopped: list[Happening] = []

    def is_over() -> bool:
        stopped.extend(one for one in follower.read() if one.event == "InvestigationStopped")
        return bool(stopped)

    stack.wait("the final card", is_over, seconds=LONGEST_SECONDS)
    (end,) = stopped
    if end.values.get("outcome") != "diagnosed":
        raise ValueError(f"the incident ended as {end.values.get('outcome')}")
    with Redis.from_url(stack.redis_url, decode_responses=True) as redis:
        transcript = redis.lrange(Keys(PREFIX).of(end.incident, "transcript"), 0, -1)
    usages = [usage_of(row["usage"]) for row in _answered(stack)[asked:]]
    return Played(usages, [str(message) for message in transcript])


def usage_of(told: dict[str, Any]) -> Usage:
    """The `usage` of a reply, as the reasoner counts it."""
    written = told["cache_creation"]
    return Usage(
        input_tokens=told["input_tokens"],
        cache_read_tokens=told["cache_read_input_tokens"],
        cache_write_5m_tokens=written["ephemeral_5m_input_tokens"],
        cache_write_1h_tokens=written["ephemeral_1h_input_tokens"],
        output_tokens=told["output_tokens"],
    )


def dollars(prices: Prices, usages: Sequence[Usage]) -> float:
    """Dollars of these calls. Raises ValueError where the price list does not know the model."""
    costs = [prices.cost_usd(MODEL, usage) for usage in usages]
    known = [cost for cost in costs if cost is not None]
    if len(known) < len(costs):
        raise ValueError(f"there is no price of {MODEL}")
    return sum(known)


def uncached(usage: Usage) -> Usage:
    """The same request and reply where nothing is cached."""
    return Usage(input_tokens=usage.prompt_tokens, output_tokens=usage.output_tokens)


def input_only(usage: Usage) -> Usage:
    """The same request without its reply."""
    return usage.model_copy(update={"output_tokens": 0})


def _answered(stack: Stack) -> list[dict[str, Any]]:
    requests = call(f"{stack.control}/_simulator/requests?stand_in=model")["requests"]
    return [row for row in _ROWS.validate_python(requests) if "usage" in row]
