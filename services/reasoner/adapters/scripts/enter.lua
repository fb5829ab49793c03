-- Ask for leave to call the model once, whichever replica.
-- KEYS  1 the model's pace
-- ARGV  1 requests a minute (0: no limit)  2 tokens a minute (0: no limit)  3 tokens of this call
--       4 longest wait that a place is taken for (ms)  5 failures in a row that open the breaker (0: never)
--       6 how long it is open (ms)  7 seconds to keep
-- Answers {word, milliseconds to wait, 1 if failures are on record}; only `go` has taken anything.
redis.call('EXPIRE', KEYS[1], ARGV[7])             -- first, for a full Redis: see bus/scripts/commit.lua
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local names = {'paused_until', 'failures', 'several', 'open_until', 'at', 'requests', 'tokens'}
local has = {}
for i, value in ipairs(redis.call('HMGET', KEYS[1], unpack(names))) do has[names[i]] = value or nil end
local function number(name) return tonumber(has[name] or '0') end
local troubled = number('failures') > 0 and 1 or 0
local function answer(word, wait) return {word, string.format('%.0f', math.ceil(wait)), troubled} end
if number('paused_until') > now then return answer('paused', number('paused_until') - now) end
-- One investigation whose call always fails is its own trouble: it takes two to open the breaker.
local most = tonumber(ARGV[5])
local trial = most > 0 and number('failures') >= most and has.several
if trial and number('open_until') > now then return answer('open', number('open_until') - now) end
-- A bucket may go below nothing: whoever takes it there waits until it would have been there.
local wait, left = 0, {}
local function take(name, rate, wanted)
  if rate == 0 then return end
  local level = math.min(rate, tonumber(has[name] or rate) + (now - tonumber(has.at or now)) * rate / 60000)
  left[name] = level - math.min(wanted, rate)
  wait = math.max(wait, -left[name] * 60000 / rate)
end
take('requests', tonumber(ARGV[1]), 1)
take('tokens', tonumber(ARGV[2]), tonumber(ARGV[3]))
if wait > tonumber(ARGV[4]) then return answer('limit', wait) end
for name, level in pairs(left) do redis.call('HSET', KEYS[1], name, string.format('%.3f', level), 'at', string.format('%.0f', now)) end
-- One call tries; the next one a pause later, should this one never tell.
if trial then redis.call('HSET', KEYS[1], 'open_until', string.format('%.0f', now + tonumber(ARGV[6]))) end
redis.call('EXPIRE', KEYS[1], ARGV[7])
return answer('go', wait)
