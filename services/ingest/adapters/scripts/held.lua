-- What waits and what is folded: the backlog and the summary. Put behind what all share, before the scripts that decide
-- about alarms and about recoveries, and before the one that drains.

-- The summary that gathers, or this window's; nothing where there is none.
local function current_summary()
  local found = hash(SUMMARY)
  if found.id and (found.state == 'gathering' or ms - found.at < limits.window_ms) then return found end
end

-- Whether this problem is new to a summary that nobody looks at any more.
local function comes_late(into, fingerprint, found)
  local is_over = into.state == 'over' or redis.call('HGET', P .. into.id .. ':record', 'state') == 'ended'
  if not is_over then return false end
  return found.rearmed == '1' or redis.call('HEXISTS', of('gathered', into.id), 'facts:' .. fingerprint) == 0
end

-- Each summary gathers for twice as long as the one of this window before it, at most for the window.
local function gathers_for()
  local before = hash(SUMMARY)
  local gather = tonumber(before.gather or limits.gather_ms)
  if not before.id or ms - before.at >= limits.window_ms + gather then return limits.gather_ms end
  return math.min(2 * math.max(gather, 500), math.max(limits.window_ms, limits.gather_ms))
end

-- The summary for a problem; where there is none yet, or it came late, one begins to gather.
local function summary(fingerprint, problem)
  local found = current_summary()
  if found and not comes_late(found, fingerprint, problem) then return found end
  found = {id = ask.summary.id, state = 'gathering', at = ms, gather = gathers_for()}
  redis.call('DEL', SUMMARY)
  redis.call('HSET', SUMMARY, 'id', found.id, 'state', found.state, 'at', ms, 'gather', found.gather)
  redis.call('EXPIRE', SUMMARY, WEEK)
  redis.call('HSET', of('incident', found.id), 'traceparent', ask.summary.traceparent)
  return found
end

local function count_gathered(incident, fingerprint, severity, count)
  local gathered = of('gathered', incident)
  local alarms = redis.call('HINCRBY', gathered, 'alarms', count)
  if alarms > 1 then redis.call('HDEL', gathered, 'alone') end
  if alarms > 1 and alarms - count <= 1 then
    notice('More new problems than are investigated one by one: the rest goes into one summary, ' .. incident ..
      '; critical ones of a new name still open at once.', 'storm:' .. incident)
  end
  redis.call('HINCRBY', gathered, 'of:' .. severity, count)
  if redis.call('HEXISTS', gathered, 'facts:' .. fingerprint) == 1 then
    redis.call('HINCRBY', gathered, 'number:' .. fingerprint, count)
  end
  redis.call('EXPIRE', gathered, WEEK)
end

-- Remark in a summary that one of its kinds is over.
local function remark(incident, fingerprint, recovered_at)
  local gathered = of('gathered', incident)
  if redis.call('HEXISTS', gathered, 'facts:' .. fingerprint) == 1 then
    redis.call('HSET', gathered, 'recovered:' .. fingerprint, recovered_at)
  end
end

local function is_all_over(incident)
  local kinds, over = tonumber(redis.call('HGET', of('gathered', incident), 'kinds')), 0
  for _, name in ipairs(redis.call('HKEYS', of('gathered', incident))) do
    if name:sub(1, 10) == 'recovered:' then over = over + 1 end
  end
  return over == kinds
end

-- The problem waits in the backlog, with all that it takes to open it.
local function hold(fingerprint, found)
  local key = of('problem', fingerprint)
  redis.call('DEL', key)
  redis.call('HSET', key, 'state', 'held', 'at', found.at, 'last', ms, 'count', found.count, 'incident_id',
    found.incident_id, 'traceparent', found.traceparent, 'entry', cjson.encode(found.entry), 'severity', found.severity,
    'source', found.source, 'alarm', found.alarm, 'service', found.service, 'kind', found.kind, 'said', found.said,
    'changed', found.changed, 'rearmed', found.rearmed or '', 'alone', found.alone or '', 'why', found.why or '',
    'reopened', found.reopened or '', 'only_said', found.only_said or '')
  redis.call('EXPIRE', key, WEEK)
  -- To the microsecond: of two that came within one millisecond the first is still the first.
  -- What waits already, and is worse now, has waited since it came.
  local since = tonumber(found.at) < ms and tonumber(found.at) or clock[1] * 1000 + clock[2] / 1000
  redis.call('ZADD', BACKLOG, since + GRADES[found.severity] * limits.lift_ms, fingerprint)
  redis.call('EXPIRE', BACKLOG, WEEK)
end

-- What it takes to open the one alarm that a summary holds so far.
local function keep_alone(incident, fingerprint, found, reason)
  local kept = {fingerprint = fingerprint, reason = reason}
  for _, name in ipairs({'incident_id', 'traceparent', 'entry', 'severity', 'source', 'alarm', 'service', 'kind',
    'said', 'changed', 'reopened', 'only_said'}) do kept[name] = found[name] end
  redis.call('HSET', of('gathered', incident), 'alone', cjson.encode(kept))
end

local function fold(fingerprint, found, reason, recovered_at)
  local into, count = summary(fingerprint, found), tonumber(found.count or 1)
  local gathered, is_new = of('gathered', into.id), false
  if redis.call('HEXISTS', gathered, 'facts:' .. fingerprint) == 0 then
    is_new = true
    if redis.call('HINCRBY', gathered, 'kinds', 1) <= limits.most_kinds then
      redis.call('HSET', gathered, 'facts:' .. fingerprint, cjson.encode({alarm = found.alarm, service = found.service,
        severity = found.severity, kind = found.kind, said = found.said, at = tonumber(found.at or ms),
        reason = reason}))
    end
  end
  if into.state == 'gathering' then keep_alone(into.id, fingerprint, found, reason) end
  count_gathered(into.id, fingerprint, found.severity, count)
  if recovered_at then remark(into.id, fingerprint, recovered_at)
  else redis.call('HDEL', gathered, 'recovered:' .. fingerprint) end
  settle(fingerprint, found, 'folded', into.id)
  note(into.id, 'folded', reason, found.alarm, count)
  became[fingerprint] = {outcome = 'folded', reason = reason, incident = into.id}
  if into.state ~= 'open' or not is_new then return end
  tell_joined(into.id, found)
end

local WAITS = {places = 'no place is free', source = 'its source has used up its share',
  window = 'the window has its number of new ones'}
local FOLDS = {window = 'more new problems than this window may open'}

local function whole(fingerprint)
  local found = hash(of('problem', fingerprint))
  found.entry = cjson.decode(found.entry)
  return found
end

-- What is held opens in its order as far as it may; what has waited too long, or may not open at all, is folded.
local function drain()
  for _, fingerprint in ipairs(redis.call('ZRANGE', BACKLOG, 0, -1)) do
    local state, at, source, severity, kind, alone, only_said = unpack(redis.call('HMGET',
      of('problem', fingerprint), 'state', 'at', 'source', 'severity', 'kind', 'alone', 'only_said'))
    local one = {source = source, severity = severity, kind = kind, alone = alone, only_said = only_said}
    local why = state == 'held' and obstacle(one)
    -- The summary that it would have been waits for no place: so this one does not wait without end either.
    if alone == '1' and ms - at >= limits.held_ms then why = nil end
    if state ~= 'held' then redis.call('ZREM', BACKLOG, fingerprint)
    elseif not why then
      open(fingerprint, whole(fingerprint), alone == '1' and 'alone in its summary' or 'a new problem')
    elseif FOLDS[why] and not is_critical(one) then fold(fingerprint, whole(fingerprint), FOLDS[why])
    elseif ms - at >= limits.held_ms then fold(fingerprint, whole(fingerprint), 'held for too long: ' .. WAITS[why]) end
  end
end

