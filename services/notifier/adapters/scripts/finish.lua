-- The final card stands: state and stop signal together, once; the turn is over.
-- KEYS  1 the incident's slack hash  2 thread pointer  3 stops
-- ARGV  1 owner  2 investigation id  3 channel  4 ts  5 seconds to keep  then the fields of the stop signal's entry
-- Answers {1 if this was the first time, milliseconds for which a progress edit may still be late,
--          1 if the final card stands in another message, 1 if a post of another writer may have arrived late}
redis.call('EXPIRE', KEYS[1], ARGV[5])             -- first, for a full Redis: see bus/scripts/commit.lua
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local has = redis.call('HMGET', KEYS[1], 'owner', 'state', 'late_until', 'ts', 'doubt')
local first = has[2] ~= 'final'
if first then
  redis.call('HSET', KEYS[1], 'state', 'final', 'channel', ARGV[3], 'ts', ARGV[4])
  redis.call('SET', KEYS[2], ARGV[2], 'EX', ARGV[5])
  redis.call('XADD', KEYS[3], '*', unpack(ARGV, 6))
end
if has[1] == ARGV[1] then redis.call('HDEL', KEYS[1], 'owner', 'until', 'purpose') end
redis.call('EXPIRE', KEYS[1], ARGV[5])
return {first and 1 or 0, string.format('%.0f', math.max(0, (tonumber(has[3]) or 0) - now)),
  (not first and has[4] ~= ARGV[4]) and 1 or 0, has[5] and 1 or 0}
