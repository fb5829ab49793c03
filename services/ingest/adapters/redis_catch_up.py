"""What catching up remembers in Redis: when it was last done, and which incidents there are."""

from redis.exceptions import RedisError

from bus.connection import as_text
from bus.errors import Unavailable
from bus.events import IncidentOpened, InvestigationId
from bus.port import Bus
from bus.streams import KEPT_SECONDS

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

    async def knows(self, incident: IncidentOpened) -> bool:
        """Whether its problem has had this change or a later one, or an investigation has it."""
        ours = f"{self._bus.keys.prefix}fingerprint:"
        problem = f"{ours}problem:{incident.fingerprint}"
        inv = InvestigationId(str(incident.incident_id))
        changed_at = incident.alarm.changed_at if incident.alarm else None
        try:
            if await self._bus.redis.expire(f"{ours}change:{inv}", KEPT_SECONDS):
                return True  # for as long as it stands and is asked about
            raw = await self._bus.redis.hmget(problem, ["incident", "changed"])
            opened, changed = map(as_text, raw)
            if opened == inv:
                return True
            if changed_at and float(changed or 0) >= round(changed_at.timestamp() * 1000):
                return True
            return await self._bus.investigations.read(inv) is not None
        except (RedisError, OSError) as error:
            raise _unavailable(error) from error
        except ValueError:
            return True  # a record that cannot be read is one


def _unavailable(error: Exception) -> Unavailable:
    return Unavailable(f"Redis does not answer: {error or type(error).__name__}")
