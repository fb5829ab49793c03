"""Leave to call Slack, given to all replicas together: a bucket for each method, in Redis.

By Redis time, so that no clock of ours matters. Who has to wait keeps its place while it asks again
in time, whichever replica it is by then; who never does is not waited for.
"""

import asyncio
import math
from collections.abc import Mapping
from dataclasses import dataclass, field

from redis.asyncio import Redis
from redis.commands.core import AsyncScript
from redis.exceptions import RedisError

from bus.connection import as_text
from bus.errors import Unavailable
from bus.streams import Keys
from services.notifier.adapters.redis_owing import script_text
from services.notifier.pace import (
    LATE_SECONDS,
    LONGEST_WAIT_SECONDS,
    RATES,
    Rate,
    Urgency,
    left_over,
    patience,
    rank,
    rate_of,
)

SHORTEST_PAUSE_SECONDS, LONGEST_PAUSE_SECONDS = 1.0, 3600.0
"""Of what Slack asks for. Its own answers name minutes at most; a longer figure is more likely a
fault of whatever stands before it, and one call an hour finds that out. A person is told."""
LONGEST_UNSAID_SECONDS = 600.0
"""Of a pause that nobody named, which doubles."""
KEPT_SECONDS = 2 * 3600
"""Longer than any pause: a bucket that is forgotten is full."""
UNDER_WAY_SECONDS = 30.0
"""Whoever was given leave so lately has begun: its next call goes before all of its rank."""
MOST_UNDER_WAY = 1000


@dataclass
class RedisPace:
    """Asks Redis; `factor` is how many times as often as Slack publishes it may be called."""

    redis: Redis
    keys: Keys
    factor: float = 1.0
    rates: Mapping[str, Rate] = field(default_factory=lambda: RATES)
    _under_way: dict[str, float] = field(default_factory=dict)
    _leave: AsyncScript = field(init=False)
    _closed: AsyncScript = field(init=False)

    def __post_init__(self) -> None:
        self._leave = self.redis.register_script(script_text("leave"))
        self._closed = self.redis.register_script(script_text("closed"))

    async def ask(self, method: str, channel: str, *, urgency: Urgency, waiter: str) -> float:
        """0.0: the call may go, now. Else seconds after which the waiter asks again.

        Raises Unavailable where Redis does not answer: without leave nothing is sent.
        """
        rate, now = rate_of(method, self.rates).times(self.factor), _now()
        who, most = f"{urgency}:{waiter}", patience(urgency)
        begun = self._under_way.get(who, -math.inf) > now - UNDER_WAY_SECONDS
        try:
            answer = await self._leave(
                keys=self._keys(method, channel),
                args=[
                    *(rate.per_minute, rate.burst, who, rank(urgency), "1" if begun else ""),
                    *(_ms(most) if math.isfinite(most) else 0, _ms(LONGEST_WAIT_SECONDS)),
                    *(_ms(LATE_SECONDS), KEPT_SECONDS, left_over(urgency)),
                    _ms(1.5 * LONGEST_PAUSE_SECONDS),
                ],
            )
        except (RedisError, OSError) as error:
            raise Unavailable(f"Redis gives no leave to call Slack: {error}") from error
        wait = float(as_text(answer)) / 1000
        if not wait:
            self._note(who, now)
        return wait

    async def close(self, method: str, channel: str, *, seconds: float | None) -> float:
        """Nobody calls the method for so long; None: Slack did not say. How long it is."""
        answer = await self._closed(
            keys=self._keys(method, channel)[:1],
            args=[
                0 if seconds is None else max(1, _ms(min(seconds, LONGEST_PAUSE_SECONDS))),
                *(_ms(SHORTEST_PAUSE_SECONDS), _ms(LONGEST_PAUSE_SECONDS), KEPT_SECONDS),
                _ms(LONGEST_UNSAID_SECONDS),
            ],
        )
        return float(as_text(answer)) / 1000

    def _note(self, who: str, now: float) -> None:
        if len(self._under_way) >= MOST_UNDER_WAY:
            self._under_way.clear()
        self._under_way[who] = now

    def _keys(self, method: str, channel: str) -> list[str]:
        of_channel = f":{channel}" if rate_of(method, self.rates).per_channel else ""
        name = f"{method}{of_channel}"
        return [f"{self.keys.prefix}slack-{what}:{name}" for what in ("pace", "line", "waited-for")]


def _now() -> float:
    return asyncio.get_running_loop().time()


def _ms(seconds: float) -> int:
    return math.ceil(seconds * 1000)
