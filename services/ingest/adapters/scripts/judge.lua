-- Tell once what a person said of an investigation; where it was no use, its problem may be investigated again at once.
-- KEYS  1 what people said of it last
local said = redis.call('HGET', KEYS[1], ask.person)
redis.call('HSET', KEYS[1], ask.person, ask.said)
redis.call('EXPIRE', KEYS[1], WEEK)
if said == ask.said then return answer('duplicate', 'that was said already', ask.incident_id) end
append('updates', ask.entry)
local function rearm(fingerprint)
  local key = of('problem', fingerprint)
  if redis.call('HGET', key, 'incident') ~= ask.incident_id then return false end
  redis.call('HSET', key, 'rearmed', '1')
  return true
end
local reason = 'noted'
if not ask.useful then
  local rearmed = rearm(ask.fingerprint)
  for _, name in ipairs(redis.call('HKEYS', of('gathered', ask.incident_id))) do
    if name:sub(1, 6) == 'facts:' then rearmed = rearm(name:sub(7)) or rearmed end
  end
  if rearmed then reason = 'noted; the next such alarm is investigated again' end
end
note(ask.incident_id, 'judged', reason, '', 0)
return answer('judged', reason, ask.incident_id)
