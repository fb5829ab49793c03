-- Count what one person does within a minute: what was done before counts once, however many come at the same time.
-- KEYS  1 the person's    ARGV  1 what it is; empty: unlike everything else  2 seconds  3 most  4 most, repeats included
-- Answers 1 where it is within the limit, else 0.
local key, what = KEYS[1], 'done:' .. ARGV[1]
local all = redis.call('HINCRBY', key, 'all', 1)
if all == 1 then redis.call('EXPIRE', key, ARGV[2]) end
if all > tonumber(ARGV[4]) then return 0 end
if ARGV[1] ~= '' and redis.call('HEXISTS', key, what) == 1 then return 1 end
if tonumber(redis.call('HGET', key, 'counted') or '0') >= tonumber(ARGV[3]) then return 0 end
redis.call('HINCRBY', key, 'counted', 1)
if ARGV[1] ~= '' then redis.call('HSET', key, what, '1') end
return 1
