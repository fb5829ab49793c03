-- Slack asks to wait: nobody calls that method until then, and after it nobody has saved anything up.
-- KEYS  1 the bucket
-- ARGV  1 milliseconds, 0 where Slack did not say how long  2 shortest  3 longest  4 seconds to keep
--       5 longest of those that Slack did not say
-- Answers the milliseconds: unsaid ones double while the bucket has not been open for a minute.
redis.call('EXPIRE', KEYS[1], ARGV[4])             -- first, for a full Redis: see bus/scripts/commit.lua
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local function number(value) return string.format('%.0f', value) end
local has = redis.call('HMGET', KEYS[1], 'closed_until', 'unsaid')
local closed, wait = tonumber(has[1] or 0), tonumber(ARGV[1])
if wait == 0 then
  if closed > now then wait = closed - now         -- an answer to a call from before
  else
    wait = closed > now - 60000 and 2 * tonumber(has[2] or 0) or 0
    wait = math.min(math.max(wait, tonumber(ARGV[2])), tonumber(ARGV[5]))
    redis.call('HSET', KEYS[1], 'unsaid', number(wait))
  end
end
wait = math.min(math.max(wait, tonumber(ARGV[2])), tonumber(ARGV[3]))
local till = math.max(closed, now + wait)
redis.call('HSET', KEYS[1], 'closed_until', number(till), 'level', 0, 'at', number(till))
redis.call('EXPIRE', KEYS[1], ARGV[4])
return number(wait)
