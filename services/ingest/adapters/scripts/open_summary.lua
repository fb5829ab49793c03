-- Open the summary that has gathered, unless it is open or a kind joined since it was read.
-- KEYS  1 the current summary
local found = hash(KEYS[1])
if found.id ~= ask.incident_id or found.state ~= 'gathering' then return answer('duplicate', '', ask.incident_id) end
if not ask.is_last_try and redis.call('HGET', of('gathered', found.id), 'kinds') ~= ask.kinds then
  return answer('held', 'another kind joined meanwhile', ask.incident_id)
end
redis.call('HSET', KEYS[1], 'state', 'open')
append('incidents', ask.entry)
take_place(found.id)
note(found.id, 'opened', 'a summary of what may not open by itself', 'storm', 0)
return answer('opened', 'a summary', found.id)
