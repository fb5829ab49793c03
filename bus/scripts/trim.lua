-- Trim a stream to what may still be needed, and forget consumers that have long been away with nothing pending.
-- KEYS  1 stream
-- ARGV  1 seconds for which any entry stays  2 '1': what a group has not read stays, too
--       3 seconds after which a consumer is forgotten  4.. groups that must exist
-- Answers {removed, left, a group that is missing or '', then each group and the seconds its oldest entry waits}
if redis.call('EXISTS', KEYS[1]) == 0 then return {0, 0, ''} end
local time = redis.call('TIME')
local now = tonumber(time[1]) * 1000 + math.floor(tonumber(time[2]) / 1000)
local function padded(id)                        -- ids have up to twice 20 digits, numbers here 15
  local ms, seq = id:match('^(%d+)%-(%d+)$')
  return string.rep('0', 20 - #ms) .. ms .. string.rep('0', 20 - #seq) .. seq
end
local from = string.format('%.0f-0', math.max(0, now - 1000 * tonumber(ARGV[1])))
local function stays(id) if padded(id) < padded(from) then from = id end end
local function named(row)
  local fields = {}
  for i = 1, #row, 2 do fields[row[i]] = row[i + 1] end
  return fields
end
local answer, exists = {0, 0, ''}, {}
for _, row in ipairs(redis.call('XINFO', 'GROUPS', KEYS[1])) do
  local group = named(row)
  local pending = redis.call('XPENDING', KEYS[1], group.name)[2]
  local unread = redis.call('XRANGE', KEYS[1], '(' .. group['last-delivered-id'], '+', 'COUNT', '1')[1]
  if pending then stays(pending) end
  if unread and ARGV[2] == '1' then stays(unread[1]) end
  local oldest = pending or unread and unread[1]
  exists[group.name] = true
  answer[#answer + 1] = group.name
  answer[#answer + 1] = oldest and math.max(0, math.floor((now - tonumber(oldest:match('^%d+'))) / 1000)) or 0
  for _, line in ipairs(redis.call('XINFO', 'CONSUMERS', KEYS[1], group.name)) do
    local consumer = named(line)
    if consumer.pending == 0 and consumer.idle > 1000 * tonumber(ARGV[3]) then
      redis.call('XGROUP', 'DELCONSUMER', KEYS[1], group.name, consumer.name)
    end
  end
end
for i = 4, #ARGV do if not exists[ARGV[i]] then answer[3] = ARGV[i] end end
if answer[3] == '' then answer[1] = redis.call('XTRIM', KEYS[1], 'MINID', from) end
answer[2] = redis.call('XLEN', KEYS[1])
return answer
