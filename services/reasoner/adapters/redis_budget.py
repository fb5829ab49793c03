"""The day's dollars in Redis: field `spent`, and one field for each reservation."""

from dataclasses import dataclass
from typing import Any

from redis.asyncio import Redis

from bus.connection import as_text
from bus.streams import Keys
from services.reasoner.budget import Reservation

KEPT_SECONDS = 172_800
_RESERVE = """
-- KEYS 1 spend of the day   ARGV 1 reservation  2 dollars  3 dollars kept free
--        4 limit  5 seconds to keep  6 '1' for a turn that concludes
--        7 how the names of the investigation's reservations begin  8 dollars it has left
-- A conclude turn must be possible when Redis is full: see bus/scripts/commit.lua.
if ARGV[6] == '1' then redis.call('EXPIRE', KEYS[1], ARGV[5]) end
local sum, own = 0, 0
local all = redis.call('HGETALL', KEYS[1])
for at = 1, #all, 2 do
  sum = sum + tonumber(all[at + 1])
  if string.sub(all[at], 1, #ARGV[7]) == ARGV[7] then own = own + tonumber(all[at + 1]) end
end
local wanted = tonumber(ARGV[2]) + tonumber(ARGV[3])
if sum + wanted > tonumber(ARGV[4]) then return 'day budget' end
if ARGV[6] ~= '1' and own > 0 and own + wanted > tonumber(ARGV[8]) then return 'dollars' end
redis.call('HSET', KEYS[1], ARGV[1], ARGV[2])
redis.call('EXPIRE', KEYS[1], ARGV[5])
return ''
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

    async def reserve(self, day: str, wanted: Reservation) -> str:
        """Nothing where it stands now, else the limit that forbids it; see `ports.DayBudget`."""
        limits = [repr(self.limit_usd), str(KEPT_SECONDS), "1" if wanted.concludes else ""]
        args = [wanted.name, repr(wanted.usd), repr(wanted.keep_usd), *limits]
        args += [wanted.of_investigation, repr(wanted.own_usd)]
        return as_text(await self._reserve(keys=[self.keys.spend(day)], args=args))

    async def settle(self, day: str, name: str, *, spent_usd: float) -> None:
        """The reservation is replaced by what was spent; nothing when it is replaced already."""
        args = [name, repr(spent_usd), str(KEPT_SECONDS)]
        await self._settle(keys=[self.keys.spend(day)], args=args)
