-- Keep what a person said of an investigation; of several times the last, in whichever order they arrive.
-- KEYS  1 what was said of it, by person  2 investigations by when something was said last
--       3 history of its problem, unused without a name
-- ARGV  1 person  2 facts (JSON)  3 order  4 useful: yes or no  5 reason  6 investigation id  7 name in the history
--       8 seconds to keep
-- Answers 'first', 'changed', 'same', or 'older' where something later of that person is kept
local old = redis.call('HGET', KEYS[1], ARGV[1])
if old then
  old = cjson.decode(old)
  if old.order >= ARGV[3] then return 'older' end
  if old.useful == ARGV[4] and ARGV[5] == '' then
    old.order = ARGV[3]                            -- its reason stays, and what was before this is older
    redis.call('HSET', KEYS[1], ARGV[1], cjson.encode(old))
    return 'same'
  end
end
redis.call('EXPIRE', KEYS[1], ARGV[8])             -- first, for a full Redis: see bus/scripts/commit.lua
local now = tonumber(redis.call('TIME')[1])
redis.call('HSET', KEYS[1], ARGV[1], ARGV[2])
redis.call('ZADD', KEYS[2], now, ARGV[6])
redis.call('ZREMRANGEBYSCORE', KEYS[2], '-inf', now - ARGV[8])
if ARGV[7] ~= '' then
  redis.call('HSET', KEYS[3], ARGV[7], ARGV[2])
  redis.call('EXPIRE', KEYS[3], ARGV[8])
end
redis.call('EXPIRE', KEYS[1], ARGV[8])
redis.call('EXPIRE', KEYS[2], ARGV[8])
if not old then return 'first' end
return old.useful == ARGV[4] and 'same' or 'changed'
