"""The day's dollars in Redis: field `spent`, and one field for each reservation."""

from dataclasses import dataclass
from typing import Any

from redis.asyncio import Redis

from bus.streams import Keys

KEPT_SECONDS = 172_800
_RESERVE = """
-- KEYS 1 spend of the day   ARGV 1 reservation  2 dollars  3 dollars kept free
--        4 limit  5 seconds to keep  6 '1' for a turn that concludes
-- A conclude turn must be possible when Redis is full: see bus/scripts/commit.lua.
if ARGV[6] == '1' then redis.call('EXPIRE', KEYS[1], ARGV[5]) end
local sum = 0
for _, dollars in ipairs(redis.call('HVALS', KEYS[1])) do sum = sum + tonumber(dollars) end
if sum + tonumber(ARGV[2]) + tonumber(ARGV[3]) > tonumber(ARGV[4]) then return 0 end
redis.call('HSET', KEYS[1], ARGV[1], ARGV[2])
redis.call('EXPIRE', KEYS[1], ARGV[5])
return 1
"""
_SETTLE = """
-- KEYS 1 spend of the day   ARGV 1 reservation  2 dollars spent  3 seconds to keep
if redis.call('HDEL', KEYS[1], ARGV[1]) == 0 then return 0 end
if tonumber(ARGV[2]) > 0 then redis.call('HINCRBYFLOAT', KEYS[1], 'spent', ARGV[2]) end
redis.call('EXPIRE', KEYS[1], ARGV[3])
return 1
"""


@dataclass
class RedisDayBudget:
    """Reserves the worst case before a call, so that replicas cannot overspend together."""

    redis: Redis
    keys: Keys
    limit_usd: float

    def __post_init__(self) -> None:
        self._reserve: Any = self.redis.register_script(_RESERVE)
        self._settle: Any = self.redis.register_script(_SETTLE)

    async def reserve(
        self, day: str, name: str, *, usd: float, keep_usd: float, concludes: bool = False
    ) -> bool:
        """Whether `usd` were reserved under that name so that `keep_usd` more would still fit.

        When Redis is full, only a turn that concludes gets a reservation.
        """
        args = [name, repr(usd), repr(keep_usd), repr(self.limit_usd), str(KEPT_SECONDS)]
        args.append("1" if concludes else "")
        return bool(await self._reserve(keys=[self.keys.spend(day)], args=args) == 1)

    async def settle(self, day: str, name: str, *, spent_usd: float) -> None:
        """The reservation is replaced by what was spent; nothing when it is replaced already."""
        args = [name, repr(spent_usd), str(KEPT_SECONDS)]
        await self._settle(keys=[self.keys.spend(day)], args=args)
