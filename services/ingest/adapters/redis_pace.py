"""How often one person may ask, counted in Redis for all replicas."""

from redis.exceptions import RedisError

from bus.errors import Unavailable
from bus.port import Bus
from services.ingest.slack_reading import Person

WINDOW_SECONDS = 60


class RedisPace:
    """Counts each person's requests in windows of a minute, which begin with the first one."""

    def __init__(self, bus: Bus, per_minute: int) -> None:
        self._bus = bus
        self._per_minute = per_minute

    async def allows(self, by: Person) -> bool:
        """Whether this request is within the limit; raises Unavailable when Redis does not say."""
        key = f"{self._bus.keys.prefix}fingerprint:pace:{by.team or by.home}:{by.user}"
        try:
            async with self._bus.redis.pipeline(transaction=True) as pipe:
                pipe.set(key, 0, ex=WINDOW_SECONDS, nx=True)
                pipe.incr(key)
                _, count = await pipe.execute()
        except (RedisError, OSError) as error:
            raise Unavailable(f"Redis does not count: {error or type(error).__name__}") from error
        return int(count) <= self._per_minute
