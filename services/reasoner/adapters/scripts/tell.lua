-- Tell what became of a call of the model.
-- KEYS  1 the model's pace
-- ARGV  1 worked, failed or paused  2 tokens to give back, whose call failed, or milliseconds of the pause
--       3 failures in a row that open the breaker (0: never)  4 milliseconds it is open  5 seconds to keep
redis.call('EXPIRE', KEYS[1], ARGV[5])             -- first, for a full Redis: see bus/scripts/commit.lua
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
if ARGV[1] == 'worked' then
  redis.call('HDEL', KEYS[1], 'failures', 'by', 'several', 'open_until')
  local level = redis.call('HGET', KEYS[1], 'tokens')
  if level then redis.call('HSET', KEYS[1], 'tokens', string.format('%.3f', tonumber(level) + tonumber(ARGV[2]))) end
elseif ARGV[1] == 'paused' then
  local stands = tonumber(redis.call('HGET', KEYS[1], 'paused_until') or '0')
  redis.call('HSET', KEYS[1], 'paused_until', string.format('%.0f', math.max(stands, now + tonumber(ARGV[2]))))
else
  local failures = redis.call('HINCRBY', KEYS[1], 'failures', 1)
  local first = redis.call('HGET', KEYS[1], 'by')
  if not first then redis.call('HSET', KEYS[1], 'by', ARGV[2])
  elseif first ~= ARGV[2] then redis.call('HSET', KEYS[1], 'several', 1) end
  local most = tonumber(ARGV[3])
  if most > 0 and failures >= most then
    redis.call('HSET', KEYS[1], 'open_until', string.format('%.0f', now + tonumber(ARGV[4])))
  end
end
redis.call('EXPIRE', KEYS[1], ARGV[5])
return 1
