-- Append entries to streams and acknowledge one, all or nothing.
-- KEYS  1 the acknowledged entry's stream  2 deadlines  3.. streams of the outgoing entries, in order
-- ARGV  1 group  2 entry id  3 investigation id to put back into the deadlines or ''  4 its due moment
--       then for each outgoing entry its field count and fields
-- A write that changes nothing comes first, so that a full Redis takes the rest too: see commit.lua.
redis.call('XACK', KEYS[1], ARGV[1], '0-0')
local at = 5
for i = 3, #KEYS do
  local count = tonumber(ARGV[at])
  local part = {}
  for j = 1, count do part[j] = ARGV[at + j] end
  at = at + 1 + count
  redis.call('XADD', KEYS[i], '*', unpack(part))
end
if ARGV[3] ~= '' then redis.call('ZADD', KEYS[2], ARGV[4], ARGV[3]) end
redis.call('XACK', KEYS[1], ARGV[1], ARGV[2])
return #KEYS - 2
