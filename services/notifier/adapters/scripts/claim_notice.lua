-- Ask for the turn to post a notice: one writer at a time, once an hour.
-- KEYS  1 the notice
-- ARGV  1 owner  2 lease (ms)  3 the channel it belongs in  4 seconds to keep while it is not posted
-- Answers {word: yours, busy or done, milliseconds to wait, channel, when it was first tried (ms),
--          1 where an earlier post of it may stand}
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local has = redis.call('HMGET', KEYS[1], 'state', 'until', 'channel', 'since', 'doubt')
local function number(value) return string.format('%.0f', value) end
if has[1] == 'posted' then return {'done', '0', '', '0', ''} end
redis.call('EXPIRE', KEYS[1], ARGV[4])             -- first, for a full Redis: see bus/scripts/commit.lua
local left = (tonumber(has[2]) or 0) - now
if left > 0 then return {'busy', number(left), '', '0', ''} end
local doubt = has[1] and '1' or ''                 -- whoever had the turn died in it, or knows not what became of its post
local channel, since = has[3] or ARGV[3], has[4] or number(now)
redis.call('HSET', KEYS[1], 'state', 'posting', 'owner', ARGV[1], 'until', number(now + ARGV[2]),
  'channel', channel, 'since', since, 'doubt', doubt)
redis.call('EXPIRE', KEYS[1], ARGV[4])
return {'yours', '0', channel, since, doubt}
