-- Within a turn: the message was found somewhere, another one is about to take its place, or its channel takes none.
-- KEYS  1 the incident's slack hash  2 thread pointer
-- ARGV  1 owner  2 'found', 'replaced' or 'moved'  3 channel  4 ts  5 investigation id  6 seconds to keep
--       7 '1' where the replaced message still stands
-- Answers 1, or 0 where the turn is somebody else's by now
redis.call('EXPIRE', KEYS[1], ARGV[6])             -- first, for a full Redis: see bus/scripts/commit.lua
local has = redis.call('HMGET', KEYS[1], 'owner', 'state', 'left', 'channel', 'beside')
if has[1] ~= ARGV[1] or has[2] == 'final' then return 0 end
if ARGV[2] == 'found' then
  redis.call('HSET', KEYS[1], 'channel', ARGV[3], 'ts', ARGV[4], 'state', 'posted')
  redis.call('SET', KEYS[2], ARGV[5], 'EX', ARGV[6])
elseif ARGV[2] == 'moved' then
  -- told twice of the same move, it keeps what is known: where the message belongs
  if has[4] ~= ARGV[3] then redis.call('HSET', KEYS[1], 'channel', ARGV[3], 'moved', has[4] or '') end
else
  -- all that were ever left: none of them is the one that a later writer looks for
  redis.call('HSET', KEYS[1], 'state', 'posting', 'left', (has[3] and has[3] .. ' ' or '') .. ARGV[4])
  redis.call('HDEL', KEYS[1], 'ts')
  if ARGV[7] == '1' then redis.call('HSET', KEYS[1], 'beside', 1)
  elseif not has[5] then redis.call('HSET', KEYS[1], 'beside', 'again') end
end
redis.call('EXPIRE', KEYS[1], ARGV[6])
return 1
