-- Append entries to streams unless the same content was written before, all or nothing.
-- KEYS  1 the content's key  2.. streams, in order
-- ARGV  1 seconds until the key expires, then for each entry its field count and fields
-- Returns the ids of the entries, none when an earlier call had written them.
if redis.call('SET', KEYS[1], '', 'NX', 'EX', ARGV[1]) == false then
  -- A write without effect, so that waiting for the file after this covers the earlier write too.
  redis.call('SET', KEYS[1], '', 'KEEPTTL')
  return {}
end
local at, ids = 2, {}
for i = 2, #KEYS do
  local count = tonumber(ARGV[at])
  local fields = {}
  for j = 1, count do fields[j] = ARGV[at + j] end
  at = at + 1 + count
  ids[#ids + 1] = redis.call('XADD', KEYS[i], '*', unpack(fields))
end
return ids
