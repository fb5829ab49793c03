-- Store a tool result once, tell the reasoner, audit and acknowledge: all or nothing.
-- KEYS  1 results  2 tool-results  3 audit  4 the entry's stream
-- ARGV  1 tool call id  2 whole (compressed)  3 shown  4 facts  5 seconds to keep  6 group  7 entry id
--       8 finished entry fields (count)  9 audit entry fields (count)  10 most bytes of a whole, 11 of all; then both
local at = 12
local function take(count)
  local part = {}
  for i = 1, count do part[i] = ARGV[at + i - 1] end
  at = at + count
  return part
end
if #ARGV[2] > 8 and redis.call('HEXISTS', KEYS[1], ARGV[1] .. ':whole') == 0 then
  local room = tonumber(ARGV[11])
  for _, name in ipairs(redis.call('HKEYS', KEYS[1])) do
    if string.sub(name, -6) == ':whole' then room = room - redis.call('HSTRLEN', KEYS[1], name) end
  end
  room = math.min(room, tonumber(ARGV[10]))
  if #ARGV[2] > room then return -1 - math.max(room, 0) end -- nothing is done; 8 bytes: an empty whole
end
local first = redis.call('HSETNX', KEYS[1], ARGV[1] .. ':whole', ARGV[2])
if first == 1 then
  redis.call('HSET', KEYS[1], ARGV[1] .. ':shown', ARGV[3], ARGV[1] .. ':facts', ARGV[4])
  redis.call('EXPIRE', KEYS[1], ARGV[5])
end
local told, audited = take(tonumber(ARGV[8])), take(tonumber(ARGV[9]))
-- An answer that came second is not told: the first was, in its own script. A stored one may be told again.
if first == 1 or #audited == 0 then redis.call('XADD', KEYS[2], '*', unpack(told)) end
if #audited > 0 then redis.call('XADD', KEYS[3], '*', unpack(audited)) end
redis.call('XACK', KEYS[4], ARGV[6], ARGV[7])
return first
