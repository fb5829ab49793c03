-- What was owed is taken back, or given up; what came to it meanwhile is still owed.
-- KEYS  1 the incident's slack hash  2 second messages
-- ARGV  1 investigation id  2 the known ones that are forgotten (channel:ts)  3 the doubt that is (count:ms), or empty  4 seconds to keep
redis.call('EXPIRE', KEYS[1], ARGV[4])             -- first, for a full Redis: see bus/scripts/commit.lua
local has = redis.call('HMGET', KEYS[1], 'orphans', 'doubt', 'state', 'doubt_at')
local gone, rest = {}, {}
for orphan in string.gmatch(ARGV[2], '%S+') do gone[orphan] = true end
for orphan in string.gmatch(has[1] or '', '%S+') do if not gone[orphan] then rest[#rest + 1] = orphan end end
if #rest > 0 then redis.call('HSET', KEYS[1], 'orphans', table.concat(rest, ' '))
else redis.call('HDEL', KEYS[1], 'orphans') end
local doubt = has[2] and has[2] .. ':' .. (has[4] or '') ~= ARGV[3]
if not doubt then redis.call('HDEL', KEYS[1], 'doubt', 'doubt_at') end
-- A doubt about an incident that goes on is looked into at its end.
if #rest == 0 and not (doubt and has[3] == 'final') then
  redis.call('HDEL', KEYS[1], 'owed_at')
  redis.call('ZREM', KEYS[2], ARGV[1])
end
return #rest
