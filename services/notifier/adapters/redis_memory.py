"""What the notifier remembers in Redis: the history of a problem, posted notices, due moments."""

import hashlib
import json
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from redis.asyncio import Redis

from bus.connection import as_text
from bus.errors import Unavailable
from bus.streams import Keys

HISTORY_SECONDS = 90 * 24 * 3600
HISTORY_LENGTH = 50
"""Of one fingerprint; the oldest go first."""
NOTICE_SECONDS = 3600
CLAIM_SECONDS = 30
_REMEMBER = """
-- KEYS 1 history of a fingerprint   ARGV 1 name  2 facts  3 seconds to keep
-- First, so that a full Redis takes it too: see bus/scripts/commit.lua.
redis.call('EXPIRE', KEYS[1], ARGV[3])
redis.call('HSET', KEYS[1], ARGV[1], ARGV[2])
redis.call('EXPIRE', KEYS[1], ARGV[3])
return redis.call('HLEN', KEYS[1])
"""


@dataclass(frozen=True)
class RedisHistory:
    """`history:<fingerprint>`: a hash of JSON objects, each with `kind` and `at`."""

    redis: Redis
    keys: Keys

    @cached_property
    def _remember(self) -> Any:
        return self.redis.register_script(_REMEMBER)

    async def remember(self, fingerprint: str, name: str, *, facts: dict[str, str]) -> None:
        """Keep the facts for 90 days; the same name again replaces them."""
        key = f"{self.keys.prefix}history:{fingerprint}"
        text = json.dumps(facts, ensure_ascii=False)
        length = await self._remember(keys=[key], args=[name, text, str(HISTORY_SECONDS)])
        if length > HISTORY_LENGTH:
            raw = await self.redis.hgetall(key)
            oldest = sorted(raw, key=lambda field: str(json.loads(raw[field]).get("at", "")))
            await self.redis.hdel(key, *oldest[:-HISTORY_LENGTH])


@dataclass(frozen=True)
class RedisNotices:
    """`notice:<hash>`: `claimed` while somebody posts it, `posted` for an hour afterwards."""

    redis: Redis
    keys: Keys

    async def claim(self, key: str) -> bool:
        """Whether this caller posts it; one that died while posting is followed after 30 s."""
        name = self._name(key)
        if await self.redis.set(name, "claimed", nx=True, ex=CLAIM_SECONDS):
            return True
        if as_text(await self.redis.get(name)) == "posted":
            return False
        raise Unavailable("another replica posts this notice", retry_in_seconds=2)

    async def posted(self, key: str) -> None:
        """It stands in Slack; nobody posts it again for an hour."""
        await self.redis.set(self._name(key), "posted", ex=NOTICE_SECONDS)

    async def failed(self, key: str) -> None:
        """It was not posted, and anybody may try again."""
        await self.redis.delete(self._name(key))

    def _name(self, key: str) -> str:
        return f"{self.keys.prefix}notice:{hashlib.sha256(key.encode()).hexdigest()[:32]}"
