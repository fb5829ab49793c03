-- What it means, where a problem stands, that one of its series is over. Put behind what all share, before the scripts
-- that decide about alarms and about recoveries: the end may be read before its alarm.

-- Remember an end for the window, for an alarm that is only on its way.
local function remember(fingerprint, series, what)
  local key = of('over', fingerprint)
  if redis.call('HLEN', key) >= limits.most_series then redis.call('DEL', key) end
  redis.call('HSET', key, series, cjson.encode(what))
  redis.call('PEXPIRE', key, math.max(limits.repeat_ms, 60000))
end

-- The end that was read before this alarm; nothing where the alarm is newer than the last one. Of what Alertmanager
-- tells, it is also newer where it is told again, or where the end was that of an earlier firing.
local function over_before(fingerprint, series, changed, is_again)
  local found = redis.call('HGET', of('over', fingerprint), series)
  local what = found and cjson.decode(found)
  local is_newer = is_again or (ask.kind == 'alertmanager' and what and what.fired)
  if what and changed > 0 and changed < what.changed and not is_newer then return what end
  if what then redis.call('HDEL', of('over', fingerprint), series) end
end

local function over_while_held(fingerprint, problem, what)
  redis.call('ZREM', BACKLOG, fingerprint)
  redis.call('HSET', of('problem', fingerprint), 'state', 'over', 'incident', '')
  notice(string.format('%s (%s) was over before its turn to be investigated came; so may others of these minutes be.',
    what.alarm, problem.service), string.format('over-while-held:%d', math.floor(ms / limits.window_ms)))
  note('', 'held', 'over before its turn came', what.alarm, tonumber(problem.count))
  return 'recovered', 'it was over before its turn came: nothing is investigated', ''
end

-- `what`: alarm, recovered_at, policy, changed, and the investigation that was ended for it. Answers outcome, reason,
-- incident, and whether that is noted already.
local function over(fingerprint, series, what)
  local problem, fired = hash(of('problem', fingerprint)), series_of(fingerprint, series)
  local incident = problem.incident or ''
  if what.changed > 0 and problem.state and what.changed < (fired.at or tonumber(problem.changed)) then
    return 'ignored', 'it is older than the alarm', incident
  end
  redis.call('HDEL', of('series', fingerprint), 'f:' .. series)
  redis.call('HDEL', of('beyond', fingerprint), series)
  local function news(policy)
    return tell(incident, 'AlarmRecovered',
      {alarm_name = what.alarm, recovered_at = what.recovered_at, policy = policy},
      policy == 'continue' and 'recoveries' or 'ends')
  end

  if problem.state == 'held' then
    if fired.others then return 'recovered', 'others of its problem fire still: it waits on', '' end
    local into = current_summary()
    if not into or into.state == 'over' then return over_while_held(fingerprint, problem, what) end
    fold(fingerprint, whole(fingerprint), 'it recovered while it was held', what.recovered_at)
    local mine = became[fingerprint]
    became[fingerprint] = nil
    redis.call('HSET', of('problem', fingerprint), 'state', 'over')
    return mine.outcome, mine.reason, mine.incident, true
  elseif problem.state == 'folded' then
    if fired.others then return 'recovered', 'others of its problem fire still', incident end
    remark(incident, fingerprint, what.recovered_at)
    redis.call('HSET', of('problem', fingerprint), 'state', 'over')
    local current = hash(SUMMARY)
    local runs = current.id == incident and current.state == 'open' and not has_ended(incident, current.at)
    if runs then news('continue') end
    return 'recovered', 'remarked in the summary that holds it', incident
  elseif problem.state == 'open' and what.ended == incident then
    return 'recovered', 'its investigation was ended: policy stop', incident
  elseif problem.state ~= 'open' or has_ended(incident, problem.at) then
    return 'ignored', 'nothing runs for it', problem.state == 'open' and incident or ''
  end
  -- Where a problem has several series, only the last one that is over is its end.
  local is_last = not fired.others and (fired.at or problem.alarm == what.alarm)
  local policy = is_last and what.policy or 'continue'
  if news(policy) then return 'recovered', 'its investigation was told: policy ' .. policy, incident end
  return 'recovered', 'its investigation is running; counted only', incident
end
