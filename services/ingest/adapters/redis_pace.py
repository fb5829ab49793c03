"""How often one person may ask, counted in Redis for all replicas."""

import hashlib

from redis.exceptions import RedisError

from bus.errors import Unavailable
from bus.port import Bus
from services.ingest.adapters.redis_scripts import script_text
from services.ingest.slack_reading import Person

WINDOW_SECONDS = 60
REPEATS = 10
"""Times the limit: what opens nothing costs an answer all the same. So does a press."""


class RedisPace:
    """Counts each person's requests in windows of a minute, which begin with the first one."""

    def __init__(self, bus: Bus, per_minute: int) -> None:
        self._bus = bus
        self._per_minute = per_minute
        self._count = bus.redis.register_script(script_text("pace"))

    async def allows(self, by: Person, what: str = "", *, is_press: bool = False) -> bool:
        """Whether this is within the limit; what was done before within the minute counts once.

        Presses are counted apart: who has asked too often may still stop what was opened. Raises
        Unavailable when Redis does not say.
        """
        who = f"{by.team or by.home}:{by.user}"
        key = f"{self._bus.keys.prefix}fingerprint:{'pressed' if is_press else 'paced'}:{who}"
        done = hashlib.sha256(what.encode()).hexdigest()[:16] if what else ""
        in_all = REPEATS * self._per_minute
        most = in_all if is_press else self._per_minute
        try:
            count = await self._count(keys=[key], args=[done, WINDOW_SECONDS, most, in_all])
        except (RedisError, OSError) as error:
            raise Unavailable(f"Redis does not count: {error or type(error).__name__}") from error
        return bool(count)
