-- Tell once what a person said of an investigation; where its answer was no use, its problem may be investigated again
-- at once, until nobody says so any more.
-- KEYS  1 what people said of it last
local said = redis.call('HGET', KEYS[1], ask.person)
redis.call('HSET', KEYS[1], ask.person, ask.said)
redis.call('EXPIRE', KEYS[1], WEEK)

local function is_no_use()
  for _, what in pairs(hash(KEYS[1])) do
    if what:sub(1, 5) == 'False' then return true end
  end
  return false
end

-- Whether the judgement changed that; nothing is opened beside an investigation that runs.
local is_armed, runs = is_no_use(), false
local function rearm(fingerprint)
  local key = of('problem', fingerprint)
  local incident, at, before = unpack(redis.call('HMGET', key, 'incident', 'at', 'rearmed'))
  if incident ~= ask.incident_id or (before == '1') == is_armed then return false end
  if is_armed and not has_ended(incident, at) then
    runs = true
    return false
  end
  redis.call('HSET', key, 'rearmed', is_armed and '1' or '')
  return true
end

local changed = rearm(ask.fingerprint)
for _, name in ipairs(redis.call('HKEYS', of('gathered', ask.incident_id))) do
  if name:sub(1, 6) == 'facts:' then changed = rearm(name:sub(7)) or changed end
end
if said == ask.said then return answer('duplicate', 'that was said already', ask.incident_id) end
append('updates', ask.entry)
local reason = 'noted'
if changed then
  reason = is_armed and 'noted; the next such alarm is investigated again' or 'noted; the second look is taken back'
elseif runs then reason = 'noted; it runs still, so nothing is opened beside it' end
note(ask.incident_id, 'judged', reason, '', 0)
return answer('judged', reason, ask.incident_id)
