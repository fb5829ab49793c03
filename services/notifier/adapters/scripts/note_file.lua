-- Within a turn: a file is about to be shared as a detail. Whoever comes after a death here looks for it.
-- KEYS  1 the incident's slack hash
-- ARGV  1 owner  2 key of the detail  3 id of the file  4 seconds to keep
-- Answers 1, or 0 where the turn is somebody else's by now
redis.call('EXPIRE', KEYS[1], ARGV[4])             -- first, for a full Redis: see bus/scripts/commit.lua
local has = redis.call('HMGET', KEYS[1], 'owner', 'files:' .. ARGV[2])
if has[1] ~= ARGV[1] then return 0 end
redis.call('HSET', KEYS[1], 'files:' .. ARGV[2], (has[2] and has[2] .. ' ' or '') .. ARGV[3])
return 1
