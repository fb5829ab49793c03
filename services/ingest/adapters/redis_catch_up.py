"""What catching up remembers in Redis: when it was last done, and which incidents there are."""

from redis.exceptions import RedisError

from bus.connection import as_text
from bus.errors import Unavailable
from bus.events import InvestigationId
from bus.port import Bus

AGAIN_AFTER_SECONDS = 60


class RedisCaughtUp:
    """`fingerprint:caught-up` stands for a minute after any replica has caught up."""

    def __init__(self, bus: Bus) -> None:
        self._bus = bus
        self._key = f"{bus.keys.prefix}fingerprint:caught-up"

    async def is_due(self) -> bool:
        """Whether no replica has caught up within the last minute."""
        try:
            return not await self._bus.redis.exists(self._key)
        except (RedisError, OSError) as error:
            raise _unavailable(error) from error

    async def note(self) -> None:
        """A replica has caught up now."""
        try:
            await self._bus.redis.set(self._key, "1", ex=AGAIN_AFTER_SECONDS)
        except (RedisError, OSError) as error:
            raise _unavailable(error) from error

    async def opened(self, incident_id: str, fingerprint: str) -> bool:
        """Whether the incident is the last one of its fingerprint, or an investigation has it."""
        pointer = f"{self._bus.keys.prefix}fingerprint:{fingerprint}"
        try:
            if as_text(await self._bus.redis.get(pointer)) == incident_id:
                return True
            return await self._bus.investigations.read(InvestigationId(incident_id)) is not None
        except (RedisError, OSError) as error:
            raise _unavailable(error) from error
        except ValueError:
            return True  # a record that cannot be read is one


def _unavailable(error: Exception) -> Unavailable:
    return Unavailable(f"Redis does not answer: {error or type(error).__name__}")
