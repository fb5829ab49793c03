-- Decide about one recovery, once for its content: news for a running investigation, a remark in a summary, or nothing.
-- KEYS  1 the content's key
-- Its change is known by its series and time, too: the same OK comes by SNS and by EventBridge.
local CHANGE = ask.changed > 0
  and of('change', redis.sha1hex(ask.fingerprint .. ' ' .. ask.series .. ' over ' .. ask.changed))
local by, seen, reason_before = KEYS[1], redis.call('GET', KEYS[1]), 'the same content came before'
if not seen and CHANGE then
  by, seen, reason_before = CHANGE, redis.call('GET', CHANGE), 'the same change came another way'
end
if seen then
  redis.call('SET', by, seen, 'KEEPTTL')
  note(seen, 'duplicate', reason_before, ask.alarm)
  return answer('duplicate', reason_before, seen)
end
begin()

local what = {alarm = ask.alarm, recovered_at = ask.recovered_at, policy = ask.policy, changed = ask.changed}
what.fired = is_firing(ask.fingerprint, ask.series)
if ask.changed > 0 then remember(ask.fingerprint, ask.series, what) end
what.ended = ask.ended
local outcome, reason, incident, is_noted = over(ask.fingerprint, ask.series, what)
-- What was ignored is not marked: its alarm may only be on its way.
if outcome ~= 'ignored' then
  if CHANGE then redis.call('SET', CHANGE, incident, 'EX', DAY) end
  redis.call('SET', KEYS[1], incident, 'EX', DAY)
end
if not is_noted then note(incident, outcome, reason, ask.alarm) end
return answer(outcome, reason, incident)
