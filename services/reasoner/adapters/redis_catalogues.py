"""The tool catalogues that the toolrunner publishes in Redis."""

import json
import logging
from dataclasses import dataclass, field

from redis.asyncio import Redis

from bus.connection import as_text
from bus.streams import Keys
from services.reasoner.offering import offered
from services.reasoner.transcript import Block

log = logging.getLogger(__name__)


@dataclass
class RedisCatalogues:
    """Catalogues by hash; one that was read once is kept, for it never changes."""

    redis: Redis
    keys: Keys
    _read: dict[str, tuple[Block, ...]] = field(default_factory=dict)

    async def current(self) -> str:
        """The newest catalogue's hash; empty where there is none."""
        raw = await self.redis.get(self.keys.current_catalogue)
        return as_text(raw) if raw else ""

    async def read(self, sha256: str) -> tuple[Block, ...] | None:
        """The tools of that catalogue in their order, or None where it is gone or none.

        Of their schemas the model is told what `offering` leaves.
        """
        if sha256 in self._read:
            return self._read[sha256]
        raw = await self.redis.get(self.keys.catalogue(sha256))
        if raw is None:
            return None
        try:
            self._read[sha256] = tuple(offered(tool) for tool in json.loads(raw))
        except (ValueError, KeyError, TypeError) as error:
            log.error("catalogue %s cannot be used: %s", sha256, error)
            return None
        return self._read[sha256]
