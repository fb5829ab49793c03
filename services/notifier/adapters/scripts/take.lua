-- Ask for the turn to write an incident's message: one writer at a time, whichever replica.
-- KEYS  1 the incident's slack hash
-- ARGV  1 owner  2 lease (ms)  3 place, progress or final  4 seconds to keep
--       5 order of the progress  6 activity  7 least gap of progress edits (ms)  8 how long an edit may be late (ms)
--       9 the channel it belongs in by the catalogue of this moment
-- Answers {word, milliseconds to wait, state, channel, ts, activity, every ts that was left for another message,
--          1 if the last of these still stands and `again` if it was deleted, the channel it belongs in where that takes no messages}
redis.call('EXPIRE', KEYS[1], ARGV[4])             -- first, for a full Redis: see bus/scripts/commit.lua
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local names = {'owner', 'until', 'purpose', 'state', 'channel', 'ts', 'newest', 'edited_at', 'activity',
  'left', 'beside', 'moved'}
local has = {}
for i, value in ipairs(redis.call('HMGET', KEYS[1], unpack(names))) do has[names[i]] = value or nil end
local state = has.state or ''
local function answer(word, wait)
  return {word, string.format('%.0f', wait), state, has.channel or '', has.ts or '', has.activity or '',
    has.left or '', has.beside or '', has.moved or ''}
end
local function number(value) return string.format('%.0f', value) end

if ARGV[3] == 'progress' then
  if state == 'final' or (has.newest and ARGV[5] < has.newest) then return answer('done', 0) end
  redis.call('HSET', KEYS[1], 'newest', ARGV[5], 'activity', ARGV[6])
  redis.call('EXPIRE', KEYS[1], ARGV[4])
  if not has.ts and not has.left then return answer('done', 0) end
  local wait = (tonumber(has.edited_at) or 0) + ARGV[7] - now
  if wait > 0 then return answer('busy', wait) end
elseif ARGV[3] == 'place' and (has.ts or state == 'final') then
  return answer('done', 0)
end

local left = (tonumber(has['until']) or 0) - now
if has.owner and left > 0 then return answer('busy', left) end
if has.owner and has.purpose == 'progress' then   -- its owner died or froze: its edit may still arrive
  redis.call('HSET', KEYS[1], 'late_until', number(now + ARGV[8]))
end
redis.call('HSET', KEYS[1], 'owner', ARGV[1], 'until', number(now + ARGV[2]), 'purpose', ARGV[3])
if ARGV[3] == 'progress' then redis.call('HSET', KEYS[1], 'edited_at', number(now)) end
-- an earlier writer's post may still arrive, after whoever looks for it now
if state == 'posting' and not has.ts then
  redis.call('HINCRBY', KEYS[1], 'doubt', 1)
  redis.call('HSET', KEYS[1], 'doubt_at', number(now))
end
-- decided once: who looks for the message later must know where, whatever the catalogue says by then
if state == '' and not has.channel and ARGV[9] ~= '' then
  has.channel = ARGV[9]
  redis.call('HSET', KEYS[1], 'channel', has.channel)
end
if not has.ts and state ~= 'final' then redis.call('HSET', KEYS[1], 'state', 'posting') end
redis.call('EXPIRE', KEYS[1], ARGV[4])
return answer('yours', 0)
