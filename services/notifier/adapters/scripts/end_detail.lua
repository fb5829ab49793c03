-- Say how the turn to write a detail went.
-- KEYS  1 the incident's slack hash  2 details
-- ARGV  1 owner  2 'stands', 'not written' or 'unknown'  3 key of the detail  4 where it stands
--       5 investigation id  6 seconds to keep  7 how long nobody writes after 'unknown' (ms)  8 '1' if it may stand
--       because of an earlier turn
redis.call('EXPIRE', KEYS[1], ARGV[6])             -- first, for a full Redis: see bus/scripts/commit.lua
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local function number(value) return string.format('%.0f', value) end
local mark = 'detail:' .. ARGV[3]
local has = redis.call('HMGET', KEYS[1], 'owner', mark, 'thread_doubt_at')
local mine = has[1] == ARGV[1]
local function doubt(since)
  redis.call('HINCRBY', KEYS[1], 'thread_doubt', 1)
  redis.call('HSET', KEYS[1], 'thread_doubt_at', number(math.max(since, tonumber(has[3]) or 0)))
  redis.call('HSETNX', KEYS[1], 'thread_owed_at', number(now))
  redis.call('ZADD', KEYS[2], number(now), ARGV[5])
  redis.call('EXPIRE', KEYS[2], ARGV[6])
end

if ARGV[2] == 'stands' then
  if not has[2] or has[2] == 'posting' then redis.call('HSET', KEYS[1], mark, ARGV[4])
  elseif has[2] ~= ARGV[4] then doubt(0) end       -- two stand, surely
elseif ARGV[2] == 'unknown' and not mine then doubt(now) -- it may stand beside another one's
elseif ARGV[2] == 'not written' and mine and ARGV[8] == '' then redis.call('HDEL', KEYS[1], mark) end
if not mine then return 0 end
if ARGV[2] == 'unknown' then
  redis.call('HSET', KEYS[1], 'until', number(now + ARGV[7]), 'owner', 'nobody', 'purpose', '')
else redis.call('HDEL', KEYS[1], 'owner', 'until', 'purpose') end
return 1
