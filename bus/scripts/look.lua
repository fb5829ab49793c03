-- What stands in this Redis; writes nothing, so that a full one answers too.
-- KEYS  1 generation  2.. streams    ARGV  for each stream the id of the newest entry that was seen
-- Returns the generation, then for each stream: its last id, its newest entry, and the newest one up to that id.
local found = {redis.call('GET', KEYS[1]) or ''}
for i = 2, #KEYS do
  local last, newest, upto = '0-0', false, false
  if redis.call('EXISTS', KEYS[i]) == 1 then
    local info = redis.call('XINFO', 'STREAM', KEYS[i])
    for j = 1, #info, 2 do
      if info[j] == 'last-generated-id' then last = info[j + 1] end
      if info[j] == 'last-entry' then newest = info[j + 1] end
    end
    upto = redis.call('XREVRANGE', KEYS[i], ARGV[i - 1], '-', 'COUNT', 1)[1]
  end
  found[#found + 1] = last
  found[#found + 1] = newest and newest[1] or ''
  found[#found + 1] = upto and upto[1] or ''
end
return found
