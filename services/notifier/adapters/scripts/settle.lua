-- Say how a turn went: where the message stands, or that it may or may not stand.
-- KEYS  1 the incident's slack hash  2 thread pointer, unused without a place  3 second messages
-- ARGV  1 owner  2 'wrote', 'not written' or 'unknown'  3 channel  4 ts
--       5 investigation id  6 seconds to keep  7 how long nobody writes after 'unknown' (ms)
--       8 how long an edit may be late (ms)  9 state before this turn
--       10 how long a second message is left to this writer (ms)
-- Answers 'over'; 'duplicate' where another message stands already, which this turn did not know of; 'covered'
-- where the turn was lost and the final card stands: what this turn wrote may lie over it
redis.call('EXPIRE', KEYS[1], ARGV[6])             -- first, for a full Redis: see bus/scripts/commit.lua
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local has = redis.call('HMGET', KEYS[1], 'owner', 'purpose', 'state', 'ts', 'orphans', 'left')
local function number(value) return string.format('%.0f', value) end
local mine = has[1] == ARGV[1]
local other = has[4] and has[4] ~= ARGV[4]
local function owe()
  redis.call('HSETNX', KEYS[1], 'owed_at', number(now))
  redis.call('ZADD', KEYS[3], 'NX', number(now + ARGV[10]), ARGV[5])
  redis.call('EXPIRE', KEYS[3], ARGV[6])
end

if ARGV[2] == 'wrote' and has[3] ~= 'final' and not other then
  redis.call('HSET', KEYS[1], 'channel', ARGV[3], 'ts', ARGV[4], 'state', 'posted')
  redis.call('SET', KEYS[2], ARGV[5], 'EX', ARGV[6])
  redis.call('EXPIRE', KEYS[1], ARGV[6])
end
local answer = 'over'
if ARGV[2] == 'wrote' and other then
  answer = 'duplicate'
  -- `left` too: nobody adopts what is about to be deleted
  redis.call('HSET', KEYS[1], 'orphans', (has[5] and has[5] .. ' ' or '') .. ARGV[3] .. ':' .. ARGV[4],
    'left', (has[6] and has[6] .. ' ' or '') .. ARGV[4])
  owe()
elseif ARGV[2] ~= 'not written' and not mine and has[3] == 'final' then answer = 'covered' end
if not mine and ARGV[2] == 'unknown' and has[4] then   -- it may have been a post, beside the one that stands
  redis.call('HINCRBY', KEYS[1], 'doubt', 1)
  redis.call('HSET', KEYS[1], 'doubt_at', number(now))
  if has[3] == 'final' then owe() end
end
if not mine then return answer end
if ARGV[2] == 'unknown' then
  redis.call('HSET', KEYS[1], 'until', number(now + ARGV[7]), 'owner', 'nobody', 'purpose', '')
  if has[2] == 'progress' then redis.call('HSET', KEYS[1], 'late_until', number(now + ARGV[8])) end
  return 'over'
end
redis.call('HDEL', KEYS[1], 'owner', 'until', 'purpose')
if ARGV[2] == 'not written' and has[3] == 'posting' and ARGV[9] == '' then
  redis.call('HDEL', KEYS[1], 'state')            -- surely nothing stands: no need to look before the next try
end
return answer
