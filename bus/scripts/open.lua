-- Create an investigation unless it stands; acknowledge the incident's entry where one is given.
-- KEYS  1 record  2 results  3 deadlines  4 turns  5 catalogue:current  6 the entry's stream
-- ARGV  1 record fields (count)  2 turn entry fields (count)  3 attachments (count)  4 investigation id
--       5 next due moment  6 seconds to keep  7 group or ''  8 entry id  then the three lists
local created = redis.call('EXISTS', KEYS[1]) == 0
if created then
  redis.call('EXPIRE', KEYS[1], ARGV[6])          -- first, for a full Redis: see commit.lua
  local at = 9
  local function take(count)
    local part = {}
    for i = 1, count do part[i] = ARGV[at + i - 1] end
    at = at + count
    return part
  end
  redis.call('HSET', KEYS[1], 'version', '1', unpack(take(tonumber(ARGV[1]))))
  local catalogue = redis.call('GET', KEYS[5])
  if catalogue then redis.call('HSET', KEYS[1], 'catalogue', catalogue) end
  redis.call('XADD', KEYS[4], '*', unpack(take(tonumber(ARGV[2]))))
  redis.call('ZADD', KEYS[3], ARGV[5], ARGV[4])
  redis.call('EXPIRE', KEYS[1], ARGV[6])
  local attachments = take(tonumber(ARGV[3]))
  for i = 1, #attachments, 2 do redis.call('HSET', KEYS[2], attachments[i], attachments[i + 1]) end
  if #attachments > 0 then redis.call('EXPIRE', KEYS[2], ARGV[6]) end
end
if ARGV[7] ~= '' then redis.call('XACK', KEYS[6], ARGV[7], ARGV[8]) end
return created and 1 or 0
