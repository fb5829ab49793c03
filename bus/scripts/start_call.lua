-- Record that a tool call starts, if it may; answers what the caller has to do.
-- KEYS  1 record  2 calls  3 results
-- ARGV  1 tool call id  2 start (JSON, with a token of its own)  3 seconds to keep
local state = redis.call('HMGET', KEYS[1], 'state', 'open_calls')
if not state[1] or state[1] == 'ended' then return 'ended' end
if redis.call('HEXISTS', KEYS[3], ARGV[1] .. ':whole') == 1 then return 'stored' end
local open = false
for _, id in ipairs(cjson.decode(state[2])) do if id == ARGV[1] then open = true end end
if not open then return 'closed' end
-- Its own start may stand already: a command whose answer was lost is repeated by the client.
local stands = redis.call('HGET', KEYS[2], ARGV[1])
if stands and stands ~= ARGV[2] then return 'started before' end
redis.call('HSET', KEYS[2], ARGV[1], ARGV[2])
redis.call('EXPIRE', KEYS[2], ARGV[3])
return 'first'
