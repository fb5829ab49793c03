-- The final card stands: state and stop signal together, once; the turn is over.
-- KEYS  1 the incident's slack hash  2 thread pointer  3 stops  4 second messages  5 details
-- ARGV  1 owner  2 investigation id  3 channel  4 ts  5 seconds to keep
--       6 how long a second message is left to this writer (ms)  then the fields of the stop signal's entry
-- Answers {1 if this was the first time, milliseconds for which a progress edit may still be late,
--          1 if a message stands, or may stand, that is one too many}
redis.call('EXPIRE', KEYS[1], ARGV[5])             -- first, for a full Redis: see bus/scripts/commit.lua
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local has = redis.call('HMGET', KEYS[1], 'owner', 'state', 'late_until', 'ts', 'doubt', 'orphans', 'left', 'channel')
local function number(value) return string.format('%.0f', value) end
local first = has[2] ~= 'final'
if first then
  redis.call('HSET', KEYS[1], 'state', 'final', 'channel', ARGV[3], 'ts', ARGV[4])
  redis.call('SET', KEYS[2], ARGV[2], 'EX', ARGV[5])
  redis.call('XADD', KEYS[3], '*', unpack(ARGV, 7))
  redis.call('HSET', KEYS[1], 'thread_owed_at', number(now))
  redis.call('ZADD', KEYS[5], number(now), ARGV[2])
  redis.call('EXPIRE', KEYS[5], ARGV[5])
end
if has[1] == ARGV[1] then redis.call('HDEL', KEYS[1], 'owner', 'until', 'purpose') end
if has[4] and has[4] ~= ARGV[4] then                -- of two messages, one is not where the final card stands
  local channel, ts = ARGV[3], ARGV[4]
  if first then channel, ts = has[8], has[4] end
  has[6] = (has[6] and has[6] .. ' ' or '') .. channel .. ':' .. ts
  redis.call('HSET', KEYS[1], 'orphans', has[6], 'left', (has[7] and has[7] .. ' ' or '') .. ts)
end
-- its writer may be about to wake: looked for at once, and once more a lease from now
if first and has[5] then redis.call('HSET', KEYS[1], 'doubt_at', number(now)) end
local owed = has[5] or has[6]
if owed then
  redis.call('HSETNX', KEYS[1], 'owed_at', number(now))
  redis.call('ZADD', KEYS[4], 'NX', number(now + ARGV[6]), ARGV[2])
  redis.call('EXPIRE', KEYS[4], ARGV[5])
end
redis.call('EXPIRE', KEYS[1], ARGV[5])
return {first and 1 or 0, number(math.max(0, (tonumber(has[3]) or 0) - now)), owed and 1 or 0}
