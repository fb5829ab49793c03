-- Say what became of a notice in a turn; of a turn that is somebody else's by now, only that it was posted.
-- KEYS  1 the notice
-- ARGV  1 owner  2 'posted', 'not posted', 'unknown' or 'moved'  3 seconds to keep  4 how long nobody posts (ms)
--       5 the channel it is moved to
-- Answers 1, or 0 where the turn is over
local has = redis.call('HMGET', KEYS[1], 'owner', 'state', 'doubt')
if ARGV[2] ~= 'posted' and (has[1] ~= ARGV[1] or has[2] == 'posted') then return 0 end
redis.call('EXPIRE', KEYS[1], ARGV[3])             -- first, for a full Redis: see bus/scripts/commit.lua
if ARGV[2] == 'moved' then
  redis.call('HSET', KEYS[1], 'channel', ARGV[5])
elseif ARGV[2] == 'posted' then
  redis.call('DEL', KEYS[1])
  redis.call('HSET', KEYS[1], 'state', 'posted')
elseif ARGV[2] == 'not posted' and has[3] ~= '1' then
  redis.call('DEL', KEYS[1])                       -- surely nothing stands: no need to look before the next try
else
  local time = redis.call('TIME')
  local wait = ARGV[2] == 'unknown' and ARGV[4] or 0
  redis.call('HSET', KEYS[1], 'owner', '', 'until', string.format('%.0f', time[1] * 1000 + math.floor(time[2] / 1000) + wait))
end
redis.call('EXPIRE', KEYS[1], ARGV[3])
return 1
