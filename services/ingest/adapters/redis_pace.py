"""How often one person may ask, counted in Redis for all replicas."""

import hashlib

from redis.exceptions import RedisError

from bus.errors import Unavailable
from bus.port import Bus
from services.ingest.adapters.redis_scripts import script_text
from services.ingest.slack_reading import Person

WINDOW_SECONDS = 60
REPEATS = 10
"""Times the limit: what opens nothing costs an answer all the same."""


class RedisPace:
    """Counts each person's requests in windows of a minute, which begin with the first one."""

    def __init__(self, bus: Bus, per_minute: int) -> None:
        self._bus = bus
        self._per_minute = per_minute
        self._count = bus.redis.register_script(script_text("pace"))

    async def allows(self, by: Person, what: str = "") -> bool:
        """Whether this is within the limit; what was done before within the minute counts once.

        Raises Unavailable when Redis does not say.
        """
        key = f"{self._bus.keys.prefix}fingerprint:paced:{by.team or by.home}:{by.user}"
        done = hashlib.sha256(what.encode()).hexdigest()[:16] if what else ""
        most = self._per_minute
        try:
            count = await self._count(keys=[key], args=[done, WINDOW_SECONDS, most, REPEATS * most])
        except (RedisError, OSError) as error:
            raise Unavailable(f"Redis does not count: {error or type(error).__name__}") from error
        return bool(count)
