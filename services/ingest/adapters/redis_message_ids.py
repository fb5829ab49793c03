"""The ids of SNS messages that had their effect, for a day: `fingerprint:sns:<hash of the id>`."""

import hashlib

from redis.exceptions import RedisError

from bus.errors import Unavailable
from bus.port import Bus
from bus.streams import DAY


class RedisMessageIds:
    """Knows a message again on every replica."""

    def __init__(self, bus: Bus) -> None:
        self._bus = bus

    async def is_kept(self, message_id: str) -> bool:
        """Whether the message had its effect already."""
        try:
            return bool(await self._bus.redis.exists(self._key(message_id)))
        except (RedisError, OSError) as error:
            raise _unavailable(error) from error

    async def keep(self, message_id: str) -> None:
        """The message has had its effect."""
        try:
            await self._bus.redis.set(self._key(message_id), "1", ex=DAY)
        except (RedisError, OSError) as error:
            raise _unavailable(error) from error

    def _key(self, message_id: str) -> str:
        digest = hashlib.sha256(message_id.encode()).hexdigest()[:32]
        return f"{self._bus.keys.prefix}fingerprint:sns:{digest}"


def _unavailable(error: Exception) -> Unavailable:
    said = str(error) or type(error).__name__
    return Unavailable(f"Redis does not answer: {said}", retry_in_seconds=1.0)
