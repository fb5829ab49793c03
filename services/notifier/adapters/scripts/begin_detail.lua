-- Ask for the turn to write a detail into the thread of an incident's message, by the lease of all its writes.
-- KEYS  1 the incident's slack hash
-- ARGV  1 owner  2 lease (ms)  3 key of the detail  4 seconds to keep
-- Answers {word, milliseconds to wait, '1' if the detail may stand, the files that were about to be shared as it}
redis.call('EXPIRE', KEYS[1], ARGV[4])             -- first, for a full Redis: see bus/scripts/commit.lua
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local function number(value) return string.format('%.0f', value) end
local mark, files = 'detail:' .. ARGV[3], 'files:' .. ARGV[3]
local has = redis.call('HMGET', KEYS[1], 'owner', 'until', 'state', mark, files)
if has[3] ~= 'final' or (has[4] and has[4] ~= 'posting') then return {'done', '0', '', ''} end
local left = (tonumber(has[2]) or 0) - now
if has[1] and left > 0 then return {'busy', number(left), '', ''} end
redis.call('HSET', KEYS[1], 'owner', ARGV[1], 'until', number(now + ARGV[2]), 'purpose', 'details', mark, 'posting')
if has[4] then                                     -- an earlier writer's post may still arrive, after it is looked for
  redis.call('HINCRBY', KEYS[1], 'thread_doubt', 1)
  redis.call('HSET', KEYS[1], 'thread_doubt_at', number(now))
end
return {'yours', '0', has[4] and '1' or '', has[5] or ''}
