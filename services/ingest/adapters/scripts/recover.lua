-- Decide about one recovery, once for its content: news for a running investigation, a remark in a summary, or nothing.
-- KEYS  1 the content's key
local seen = redis.call('GET', KEYS[1])
if seen then
  redis.call('SET', KEYS[1], seen, 'KEEPTTL')
  note(seen, 'duplicate', 'the same content came before', ask.alarm)
  return answer('duplicate', 'the same content came before', seen)
end
begin()

local problem, series = hash(of('problem', ask.fingerprint)), series_of(ask.fingerprint, ask.series)
local function done(outcome, reason, incident)
  -- What was ignored is not marked: its alarm may only be on its way.
  if outcome ~= 'ignored' then redis.call('SET', KEYS[1], incident, 'EX', DAY) end
  note(incident, outcome, reason, ask.alarm)
  return answer(outcome, reason, incident)
end

if ask.changed > 0 and problem.state and ask.changed < (series.fired or tonumber(problem.changed)) then
  return done('ignored', 'it is older than the alarm', problem.incident or '')
end
redis.call('HDEL', of('series', ask.fingerprint), 'f:' .. ask.series)
if problem.state == 'held' and series.others then
  return done('recovered', 'others of its problem fire still: it waits on', '')
elseif problem.state == 'held' then
  fold(ask.fingerprint, whole(ask.fingerprint), 'it recovered while it was held', ask.recovered_at)
  local mine = became[ask.fingerprint]
  became[ask.fingerprint] = nil
  redis.call('SET', KEYS[1], mine.incident, 'EX', DAY)
  return answer('folded', mine.reason, mine.incident)
end
local function news(policy)
  return tell(problem.incident, 'AlarmRecovered',
    {alarm_name = ask.alarm, recovered_at = ask.recovered_at, policy = policy},
    policy == 'continue' and 'recoveries' or 'ends')
end
if problem.state == 'folded' and series.others then
  return done('recovered', 'others of its problem fire still', problem.incident)
elseif problem.state == 'folded' then
  redis.call('HSET', of('gathered', problem.incident), 'recovered:' .. ask.fingerprint, ask.recovered_at)
  redis.call('HSET', of('problem', ask.fingerprint), 'state', 'over')
  local current = hash(SUMMARY)
  local runs = current.id == problem.incident and current.state == 'open' and not has_ended(current.id, current.at)
  if runs then news('continue') end
  return done('recovered', 'remarked in the summary that holds it', problem.incident)
elseif problem.state == 'open' and ask.ended == problem.incident then
  return done('recovered', 'its investigation was ended: policy stop', problem.incident)
elseif problem.state ~= 'open' or has_ended(problem.incident, problem.at) then
  return done('ignored', 'nothing runs for it', problem.state == 'open' and problem.incident or '')
end
-- Where a problem has several series, only the last one that is over is its end.
local is_last = not series.others and (series.fired or problem.alarm == ask.alarm)
local policy = is_last and ask.policy or 'continue'
if news(policy) then return done('recovered', 'its investigation was told: policy ' .. policy, problem.incident) end
return done('recovered', 'its investigation is running; counted only', problem.incident)
