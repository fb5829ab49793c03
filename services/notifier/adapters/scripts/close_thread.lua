-- No detail of an incident is owed any more; a doubt that came up since is.
-- KEYS  1 the incident's slack hash  2 details
-- ARGV  1 investigation id  2 the doubt that is over (count:ms), or empty  3 seconds to keep
redis.call('EXPIRE', KEYS[1], ARGV[3])             -- first, for a full Redis: see bus/scripts/commit.lua
local has = redis.call('HMGET', KEYS[1], 'thread_doubt', 'thread_doubt_at')
if has[1] and has[1] .. ':' .. (has[2] or '') ~= ARGV[2] then return 0 end
redis.call('HDEL', KEYS[1], 'thread_doubt', 'thread_doubt_at', 'thread_owed_at')
redis.call('ZREM', KEYS[2], ARGV[1])
return 1
