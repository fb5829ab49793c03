"""What was seen before, on any replica: `fingerprint:<kind>:<hash of its name>`, for a while."""

import hashlib
from dataclasses import dataclass

from redis.exceptions import RedisError

from bus.errors import Unavailable
from bus.port import Bus


@dataclass(frozen=True)
class RedisSeen:
    """Things of one kind: ids of messages, addresses of certificates."""

    bus: Bus
    kind: str
    seconds: int
    """How long one is remembered after it was kept last."""

    async def is_kept(self, name: str) -> bool:
        """Whether it was kept before."""
        try:
            return bool(await self.bus.redis.exists(self._key(name)))
        except (RedisError, OSError) as error:
            raise _unavailable(error) from error

    async def keep(self, name: str) -> None:
        """It is remembered from now on."""
        try:
            await self.bus.redis.set(self._key(name), "1", ex=self.seconds)
        except (RedisError, OSError) as error:
            raise _unavailable(error) from error

    def _key(self, name: str) -> str:
        digest = hashlib.sha256(name.encode()).hexdigest()[:32]
        return f"{self.bus.keys.prefix}fingerprint:{self.kind}:{digest}"


def _unavailable(error: Exception) -> Unavailable:
    said = str(error) or type(error).__name__
    return Unavailable(f"Redis does not answer: {said}", retry_in_seconds=1.0)
