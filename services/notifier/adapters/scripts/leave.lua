-- Ask for leave to call Slack once, whichever replica: a bucket, and a line in which the urgent go first.
-- KEYS  1 the bucket  2 who waits, in order  3 until when each of them is waited for
-- ARGV  1 calls a minute  2 calls at once  3 who asks  4 its rank (0 goes first)
--       5 '1' where it goes before all of its rank  6 longest wait that a place is kept for (ms; 0: any)
--       7 longest time until it asks again (ms)  8 how much later it may come (ms)  9 seconds to keep
--       10 calls that have to be left in the bucket for whoever comes next  11 more than any pause lasts (ms)
-- Answers milliseconds to wait, 0 where the call may go now: then it has left the line.
redis.call('EXPIRE', KEYS[1], ARGV[9])             -- first, for a full Redis: see bus/scripts/commit.lua
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local function number(value) return string.format('%.0f', value) end
local has = redis.call('HMGET', KEYS[1], 'level', 'at', 'closed_until')
local per_ms, burst = tonumber(ARGV[1]) / 60000, tonumber(ARGV[2])
local level, at, closed = tonumber(has[1] or burst), tonumber(has[2] or now), tonumber(has[3] or 0)
if closed > now + ARGV[11] then closed = 0 end      -- the clock went back: nobody is asked to wait so long
if at > now and closed < at then at = now end
level = math.min(burst, level + math.max(0, now - at) * per_ms)

for _, gone in ipairs(redis.call('ZRANGEBYSCORE', KEYS[3], '-inf', now, 'LIMIT', 0, 100)) do
  redis.call('ZREM', KEYS[2], gone)
  redis.call('ZREM', KEYS[3], gone)
end
local place = ARGV[4] * 1e13
if ARGV[5] == '1' then redis.call('ZADD', KEYS[2], number(place), ARGV[3])
else redis.call('ZADD', KEYS[2], 'NX', number(place + now), ARGV[3]) end
local before = redis.call('ZRANK', KEYS[2], ARGV[3])
local needs = before + 1 + math.min(tonumber(ARGV[10]), burst - 1)
local wait = math.max(0, (needs - level) / per_ms)
if closed > now then wait = math.max(wait, closed - now + needs / per_ms) end
wait = math.ceil(wait)

local patience = tonumber(ARGV[6])
if wait == 0 or (patience > 0 and wait > patience) then
  redis.call('ZREM', KEYS[2], ARGV[3])
  redis.call('ZREM', KEYS[3], ARGV[3])
else
  wait = math.min(wait, tonumber(ARGV[7]))
  redis.call('ZADD', KEYS[3], number(now + wait + ARGV[8]), ARGV[3])
end
if wait == 0 then
  redis.call('HSET', KEYS[1], 'level', string.format('%.4f', level - 1), 'at', number(now))
end
for _, key in ipairs(KEYS) do redis.call('EXPIRE', key, ARGV[9]) end
return number(wait)
