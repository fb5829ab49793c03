-- Decide about one recovery, once for its content: news for a running investigation, a remark in a summary, or nothing.
-- KEYS  1 the content's key
local seen = redis.call('GET', KEYS[1])
if seen then
  redis.call('SET', KEYS[1], seen, 'KEEPTTL')
  note(seen, 'duplicate', 'the same content came before', ask.alarm)
  return answer('duplicate', 'the same content came before', seen)
end
begin()

local what = {alarm = ask.alarm, recovered_at = ask.recovered_at, policy = ask.policy, changed = ask.changed}
if ask.changed > 0 then remember(ask.fingerprint, ask.series, what) end
what.ended = ask.ended
local outcome, reason, incident, is_noted = over(ask.fingerprint, ask.series, what)
-- What was ignored is not marked: its alarm may only be on its way.
if outcome ~= 'ignored' then redis.call('SET', KEYS[1], incident, 'EX', DAY) end
if not is_noted then note(incident, outcome, reason, ask.alarm) end
return answer(outcome, reason, incident)
