"""What the notifier remembers in Redis of a problem, for later investigations of it."""

import json
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from redis.asyncio import Redis

from bus.streams import Keys

HISTORY_SECONDS = 90 * 24 * 3600
HISTORY_LENGTH = 50
"""Of one fingerprint; the oldest go first."""
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
        key = history_key(self.keys, fingerprint)
        text = json.dumps(facts, ensure_ascii=False)
        length = await self._remember(keys=[key], args=[name, text, str(HISTORY_SECONDS)])
        if length > HISTORY_LENGTH:
            raw = await self.redis.hgetall(key)
            oldest = sorted(raw, key=lambda field: str(json.loads(raw[field]).get("at", "")))
            await self.redis.hdel(key, *oldest[:-HISTORY_LENGTH])


def history_key(keys: Keys, fingerprint: str) -> str:
    """Hash: what is known of a problem, by name."""
    return f"{keys.prefix}history:{fingerprint}"
