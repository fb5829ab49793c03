-- Write one decision, all or nothing, if the record's version still stands.
-- KEYS  1 record  2 transcript  3 calls  4 results  5 slack  6 deadlines  7 the entry's stream  8 spend of the day
--       9.. streams of the outgoing entries, in order
-- ARGV  1 expected version  2 changed fields (count)  3 messages (count)  4 investigation id
--       5 deadlines: '' leaves, 'end' removes, else the next due moment  6 seconds to keep
--       7 group or ''  8 entry id  9 reservation or ''  10 dollars spent  11 '1' when it closes an investigation
--       then fields, messages, and for each outgoing entry its field count and fields
local version = redis.call('HGET', KEYS[1], 'version')
if version ~= ARGV[1] then return 0 end          -- stale: touch nothing, above all do not acknowledge
-- A full Redis refuses writes that need memory, but only as a script's first write (6.2 to 8): closing must work.
if ARGV[11] == '1' then redis.call('EXPIRE', KEYS[1], ARGV[6]) end
local at = 12
local function take(count)
  local part = {}
  for i = 1, count do part[i] = ARGV[at + i - 1] end
  at = at + count
  return part
end
redis.call('HSET', KEYS[1], 'version', tostring(tonumber(version) + 1), unpack(take(tonumber(ARGV[2]))))
for _, message in ipairs(take(tonumber(ARGV[3]))) do redis.call('RPUSH', KEYS[2], message) end
for i = 9, #KEYS do
  local count = tonumber(ARGV[at])
  at = at + 1
  redis.call('XADD', KEYS[i], '*', unpack(take(count)))
end
if ARGV[5] == 'end' then redis.call('ZREM', KEYS[6], ARGV[4])
elseif ARGV[5] ~= '' then redis.call('ZADD', KEYS[6], ARGV[5], ARGV[4]) end
for i = 1, 5 do redis.call('EXPIRE', KEYS[i], ARGV[6]) end
if ARGV[9] ~= '' then
  redis.call('HDEL', KEYS[8], ARGV[9])
  redis.call('HINCRBYFLOAT', KEYS[8], 'spent', ARGV[10])
  redis.call('EXPIRE', KEYS[8], 172800)
end
if ARGV[7] ~= '' then redis.call('XACK', KEYS[7], ARGV[7], ARGV[8]) end
return 1
