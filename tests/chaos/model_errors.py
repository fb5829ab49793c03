"""A model that fails at a rate: which request of an incident meets which error, drawn ahead."""

import random
from collections.abc import Iterable, Sequence
from typing import Any

RATE = 0.3
DIAGNOSED = 0.99
MOST_TOKENS = 1.3
"""Times the tokens of the same incidents without an error (R13)."""
ERRORS = (
    *("rate_limited", "overloaded", "api_error", "timeout", "bad_gateway"),
    *("dropped", "accepted_dropped", "cut", "page"),
)
REQUESTS = 60
"""More than an incident makes; what is drawn beyond its last one strikes nothing."""


def at_a_rate(
    chance: random.Random, case: str, *, errors: Sequence[str] = ERRORS, seconds: float = 1.0
) -> list[dict[str, Any]]:
    """Faults that strike three of ten requests of that case.

    A fault counts the requests that match it and that no older fault struck, hence `after`.
    """
    struck = [number for number in range(REQUESTS) if chance.random() < RATE]
    return [
        {
            "stand_in": "model",
            "fault": chance.choice(errors),
            "where": case,
            "after": number - older,
            "seconds": seconds,
        }
        for older, number in enumerate(struck)
    ]


def tokens(lines: Iterable[dict[str, Any]]) -> int:
    """All tokens of the answers in a request log, in and out, those that got lost too."""
    used = [line["usage"] for line in lines if "usage" in line]
    kinds = ("input_tokens", "cache_creation_input_tokens", "cache_read_input_tokens")
    return sum(int(usage[kind]) for usage in used for kind in (*kinds, "output_tokens"))
