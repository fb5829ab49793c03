-- Decide about one raised alarm, once for its content: join, repeat, hold, open or fold it.
-- KEYS  1 the content's key
-- A change is known by its content, and in another wrapping by the id of the incident that it would open.
local CHANGE = of('change', ask.incident_id)
local function link(to, seconds)
  redis.call('SET', CHANGE, to, 'EX', WEEK)
  redis.call('SET', KEYS[1], to, 'EX', seconds)
end

local by, seen, reason = KEYS[1], redis.call('GET', KEYS[1]), 'the same content came before'
if not seen then by, seen, reason = CHANGE, redis.call('GET', CHANGE), 'the same change came another way' end
local key = of('problem', ask.fingerprint)
local problem, critical = hash(key), ask.severity == 'critical'
-- Folded, it is known while the summary that holds it is this window's or runs; afterwards nobody looks at it any more.
local function is_looked_at()
  local current = hash(SUMMARY)
  local is_current = current.state == 'gathering' or (current.at and ms - current.at < limits.window_ms)
  return (current.id == problem.incident and is_current) or not has_ended(problem.incident, problem.at)
end
local is_open, is_folded, ended, outcome, why = problem.state == 'open', problem.state == 'folded'
if is_open then ended, outcome, why = has_ended(problem.incident, problem.at) end
local is_within = (is_open or is_folded) and problem.rearmed ~= '1'
  and ms - problem.last < limits.repeat_ms and ms - problem.at < limits.longest_ms
-- Without an answer it is not silenced, and it is not new either: even a critical one takes its turn.
-- One that its own recovery ended opens again once; fires it after that too, it flaps, until it is silent for a while.
local is_by_recovery = outcome == 'recovered' or (outcome == 'inconclusive' and why == 'recovered')
local reopened = tonumber(problem.reopened or '')
local is_flapping = is_by_recovery and reopened and ms - reopened < limits.repeat_ms
local is_without_answer = ended and not is_flapping and (UNANSWERED[outcome] or is_by_recovery)
local is_unanswered = is_within and is_without_answer

-- What Alertmanager says again still fires, for as long as it says so; from others it is a late copy. So there it may
-- be time to look again: it was re-armed, or silenced for the longest, or nobody gave an answer or looks any more.
local function is_due_again()
  if ask.kind ~= 'alertmanager' or limits.longest_ms == 0 or problem.state == 'held' or problem.state == 'over' then
    return false
  end
  if not problem.state or problem.rearmed == '1' or ms - problem.at >= limits.longest_ms then return true end
  if is_folded then return not is_looked_at() end
  return is_without_answer and ms - problem.at >= limits.window_ms
end

-- Whoever said that its series is over, and says now that it fires, is newer by its arrival: Alertmanager resolves what
-- it was not told of for a while, and tells it on with the time at which it began.
local function fires_anew()
  return ask.kind == 'alertmanager' and not is_firing(ask.fingerprint, ask.series)
    and redis.call('HLEN', of('beyond', ask.fingerprint)) < limits.most_beyond
end

local is_again = seen and (is_due_again() or fires_anew())
if seen and not is_again then
  -- A write without effect, so that waiting for the file after this covers the earlier write too.
  redis.call('SET', by, seen, 'KEEPTTL')
  if is_firing(ask.fingerprint, ask.series) then fires(ask.fingerprint, ask.series, ask.changed) end
  if seen == 'held' then seen = redis.call('HGET', of('problem', ask.fingerprint), 'incident') or '' end
  note(seen, 'duplicate', reason, ask.alarm)
  return answer('duplicate', reason, seen)
end
begin()

-- Whether the lasting thing that it is about has not fired within the window; from now on it has.
local function is_new_object()
  if ask.object == '' then return false end
  local objects = of('objects', ask.fingerprint)
  redis.call('ZREMRANGEBYSCORE', objects, '-inf', ms - limits.repeat_ms)
  local is_new = not redis.call('ZSCORE', objects, ask.object)
  -- Of more than are kept by name none is new.
  if is_new and redis.call('ZCARD', objects) >= limits.most_series then return false end
  redis.call('ZADD', objects, ms, ask.object)
  redis.call('PEXPIRE', objects, math.max(limits.repeat_ms, 1000))
  return is_new
end

local ended_before = over_before(ask.fingerprint, ask.series, ask.changed, is_again)
if not ended_before then fires(ask.fingerprint, ask.series, ask.changed) end
-- An incident of that id was opened: this is another one.
if redis.call('EXISTS', of('incident', ask.incident_id)) == 1 then
  local was = ask.incident_id:gsub('%-', '%%-')
  for i = 1, #ask.entry, 2 do
    local name, value = ask.entry[i], ask.entry[i + 1]
    if name == 'data' then ask.entry[i + 1] = value:gsub(was, ask.again.id) end
    if name == 'traceparent' then ask.entry[i + 1] = ask.again.traceparent end
  end
  ask.incident_id, ask.traceparent = ask.again.id, ask.again.traceparent
end
-- A lasting thing of which this problem told nothing within the window: while its investigation runs, it joins.
local is_other = is_new_object() and is_within and has_ended(problem.incident, problem.at)
local known = problem.state == 'held'
  or (is_within and not is_unanswered and not is_other and (is_open or is_looked_at()))
-- What is worse than what was looked at is new: at once where that has ended, and else where it is critical now; where it
-- waits, it waits on with its new grade. Worse than what only words call critical, and nobody looks at, is what its
-- sender does.
local is_worse = known and (GRADES[ask.severity] < GRADES[problem.severity]
  or (is_critical(ask) and problem.only_said == '1' and not is_open))
if is_worse and (ended or problem.state == 'held' or (critical and not is_open)) then known = false end
-- What a person asks for may open although a summary holds it, and asking does not keep the window from its end.
local is_asked = ask.kind == 'slack'
if is_asked and is_folded then known = false end

-- Its end may have been read before it: then that has its effect now.
local function told(outcome, reason, incident)
  if ended_before then
    local after, why, where, is_noted = over(ask.fingerprint, ask.series, ended_before)
    if not is_noted then note(where, after, why, ask.alarm) end
  end
  return answer(outcome, reason, incident)
end

local function ended_here(outcome, reason, incident)
  link(incident, DAY)
  note(incident, outcome, reason, ask.alarm)
  return told(outcome, reason, incident)
end

if known and not is_asked then
  redis.call('HSET', key, 'last', ms, 'changed', math.max(ask.changed, problem.changed))
end
if known and problem.state ~= 'held' then redis.call('PEXPIRE', key, limits.known_ms) end
if known and is_open then
  if ended and is_flapping then
    redis.call('HSET', key, 'reopened', ms)
    if redis.call('HSETNX', key, 'told', '1') == 1 then
      notice(ask.alarm .. ' (' .. ask.service .. ') flaps: it fires again and again after its recovery. It is not ' ..
        'investigated again until it has been silent for a while; the last look is ' .. problem.incident .. '.',
        'flaps:' .. problem.incident)
    end
    return ended_here('repeated', 'it flaps: it was opened again after a recovery already', problem.incident)
  elseif ended then
    return ended_here('repeated', 'its investigation has ended, within the window', problem.incident)
  elseif tell_joined(problem.incident, ask, problem.severity) then
    return ended_here('joined', 'its investigation is running', problem.incident)
  end
  return ended_here('joined', 'its investigation is running; counted only', problem.incident)
elseif known and problem.state == 'folded' then
  count_gathered(problem.incident, ask.fingerprint, ask.severity, 1)
  return ended_here('folded', 'of a kind that the summary holds', problem.incident)
elseif known then
  redis.call('HINCRBY', key, 'count', 1)
  link('held', DAY)
  note('', 'held', 'its problem waits already', ask.alarm)
  return told('held', 'its problem waits already', '')
end

ask.at, ask.count, ask.rearmed = ms, 1, is_other and '1' or problem.rearmed
ask.reopened = is_unanswered and is_by_recovery and ms or problem.reopened
if problem.state == 'held' then
  ask.at, ask.count, ask.why, ask.alone = problem.at, problem.count + 1, problem.why, problem.alone
end
if passes(ask) and not (is_unanswered and problem.severity == 'critical') then
  open(ask.fingerprint, ask, 'a new critical problem')
elseif problem.state ~= 'held' and redis.call('ZCARD', BACKLOG) >= limits.most_held then
  fold(ask.fingerprint, ask, 'the backlog is full')
else
  hold(ask.fingerprint, ask)
  drain()
end

local mine = became[ask.fingerprint]
if mine then
  became[ask.fingerprint] = nil
  -- What was folded may still open as itself: then it is linked to that.
  link(mine.outcome == 'opened' and mine.incident or 'held', mine.outcome == 'opened' and WEEK or DAY)
  return told(mine.outcome, mine.reason, mine.incident)
end
link('held', DAY)
reason = WAITS[obstacle(ask)]
redis.call('HSET', key, 'why', reason)
note('', 'held', reason, ask.alarm)
return told('held', reason, '')
