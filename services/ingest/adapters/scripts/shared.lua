-- What all decisions about triggers share; put before each of the other scripts of this folder.
-- KEYS  1 a key of the caller's (names the slot)    ARGV  1 prefix of every key  2 what is asked, as JSON
-- A full Redis refuses writes that need memory only as a script's first write: so each begins with one, and does
-- nothing at all where Redis is full. Times are milliseconds by Redis.
local P, ask = ARGV[1], cjson.decode(ARGV[2])
local limits, clock = ask.limits, redis.call('TIME')
local ms = clock[1] * 1000 + math.floor(clock[2] / 1000)
local PLACES, BACKLOG, SUMMARY = P .. 'places', P .. 'backlog', P .. 'fingerprint:summary'
local UNSEALED = P .. 'fingerprint:unsealed'
local WEEK, DAY, MOST_NOTED = 604800, 86400, 50
local GRADES = {critical = 0, error = 1, warning = 2, info = 3}
local UNANSWERED = {recovered = true, failed = true, timed_out = true, out_of_budget = true}
-- No change is of a time to come, whatever its sender's clock says.
if ask.changed then ask.changed = math.min(ask.changed, ms) end
local wrote, became = {}, {}

local function of(kind, name) return P .. 'fingerprint:' .. kind .. ':' .. name end

-- The first write, refused by a full Redis. The content is marked last: whatever breaks in between, it is taken again.
local function begin() redis.call('SET', P .. 'fingerprint:ready', '1', 'EX', 60) end

local function hash(key)
  local flat, found = redis.call('HGETALL', key), {}
  for i = 1, #flat, 2 do found[flat[i]] = flat[i + 1] end
  return found
end

local function append(stream, fields) wrote[stream] = redis.call('XADD', P .. stream, '*', unpack(fields)) end

-- What a script words itself cannot be signed in it: ingest does so right afterwards (decision 0043).
local function say(stream, fields)
  if not ask.sealed then return append(stream, fields) end
  redis.call('LPUSH', UNSEALED, cjson.encode({stream, fields}))
  redis.call('EXPIRE', UNSEALED, WEEK)
end

local function entry(event, id, values)
  return {'event', event, 'id', redis.sha1hex(id), 'version', ask.version, 'data', cjson.encode(values)}
end

-- A decision is counted by its reason, and the last ones stand with their time: of an incident, else of the window.
local function note(incident, outcome, reason, alarm, count, at)
  local where = incident ~= '' and incident or string.format('none:%d', math.floor(ms / limits.window_ms))
  local list = of('decisions', where)
  redis.call('HINCRBY', of('incident', where), 'counted:' .. outcome .. ': ' .. (ask.counted or reason), count or 1)
  redis.call('EXPIRE', of('incident', where), incident ~= '' and WEEK or DAY)
  redis.call('LPUSH', list, cjson.encode({at = at or ms, outcome = outcome, reason = reason, alarm = alarm,
    count = count or 1}))
  redis.call('LTRIM', list, 0, MOST_NOTED - 1)
  redis.call('EXPIRE', list, incident ~= '' and WEEK or DAY)
end

-- Whether its investigation is over, as what, and why it had to conclude; without an outcome nobody ever opened it, or
-- it is forgotten.
local function has_ended(incident, at)
  local state, outcome, why = unpack(
    redis.call('HMGET', P .. incident .. ':record', 'state', 'outcome', 'concluding'))
  if state then return state == 'ended', state == 'ended' and outcome or nil, why end
  return ms - at > limits.place_ms
end

-- News for a running investigation; of each sort there is a bound, beyond which it is only counted.
local function tell(incident, event, values, sort, most)
  local own = of('incident', incident)
  local number = redis.call('HINCRBY', own, sort, 1)
  if number > (most or limits.most_updates) then return false end
  values.investigation_id = incident
  local fields = entry(event, incident .. sort .. number, values)
  local traceparent = redis.call('HGET', own, 'traceparent')
  if traceparent then fields[#fields + 1] = 'traceparent'; fields[#fields + 1] = traceparent end
  say('updates', fields)
  return true
end

local function joined(fields)
  for i = 1, #fields, 2 do
    if fields[i] == 'data' then
      local opened = cjson.decode(fields[i + 1])
      return {alarm = opened.alarm, service = opened.service, note = opened.note}
    end
  end
end

-- That an alarm joined; beyond the bound too, a few times, where it is critical or worse than all that was told.
local function tell_joined(incident, found, before)
  local own, grade, values = of('incident', incident), GRADES[found.severity], joined(found.entry)
  local worst = tonumber(redis.call('HGET', own, 'worst') or GRADES[before] or GRADES.info + 1)
  local is_told = tell(incident, 'AlarmJoined', values, 'updates')
  if not is_told and (grade == GRADES.critical or grade < worst) then
    is_told = tell(incident, 'AlarmJoined', values, 'worse', limits.most_worse)
  end
  if is_told then redis.call('HSET', own, 'worst', math.min(grade, worst)) end
  return is_told
end

local function notice(text, key) say('notices', entry('NoticeRequested', key, {text = text, key = key})) end

local function tokens(source)
  local kept = redis.call('HMGET', of('source', source), 'left', 'at')
  if not kept[1] then return limits.source_burst end
  return math.min(limits.source_burst, kept[1] + (ms - kept[2]) / limits.source_ms)
end

local function take_token(source)
  redis.call('HSET', of('source', source), 'left', math.max(0, tokens(source) - 1), 'at', ms)
  redis.call('PEXPIRE', of('source', source), math.ceil(limits.source_burst * limits.source_ms) + 1000)
end

local function opened(kind) return redis.call('ZCOUNT', of('opened', kind), '(' .. ms - limits.window_ms, '+inf') end

-- Whether it is critical by more than words: where only those say so it is ordered as such, and limited as any other.
local function is_critical(found) return found.severity == 'critical' and found.only_said ~= '1' end

-- A critical one passes the limits where none of its alarm's name was opened within the window. A log says by itself
-- that it is critical: of one source it passes only so often.
local function passes(found)
  if not is_critical(found) then return false end
  local before = redis.call('ZSCORE', of('opened', 'critical-names'), found.alarm)
  if before and before + limits.window_ms > ms then return false end
  return found.kind ~= 'logs' or opened('critical:' .. found.source) < limits.max_new
end

-- Why a problem that takes its turn may not be investigated now; nothing where it may. One of the window is a critical
-- one's.
local function obstacle(found)
  if found.alone == '1' then
    return redis.call('ZCOUNT', PLACES, '(' .. ms / 1000, '+inf') >= limits.max_open and 'places' or nil
  end
  local ordinary, all = opened('ordinary'), opened('ordinary') + opened('critical')
  local is_full = all >= limits.max_new or (not is_critical(found) and ordinary >= limits.max_new - 1)
  -- What people ask for has a share of its own.
  if found.kind == 'slack' then is_full = opened('asked') >= limits.most_asked end
  if is_full then return 'window' end
  if redis.call('ZCOUNT', PLACES, '(' .. ms / 1000, '+inf') >= limits.max_open then return 'places' end
  if tokens(found.source) < 1 then return 'source' end
end

local function take_place(incident)
  redis.call('ZREMRANGEBYSCORE', PLACES, '-inf', ms / 1000)
  redis.call('ZADD', PLACES, (ms + limits.place_ms) / 1000, incident)
  redis.call('PEXPIRE', PLACES, 2 * limits.place_ms)
end

-- The series of a problem: `f:` those that fire, with their change and when they were last told. Those that nobody told
-- of for long are forgotten. Where they are many, `beyond` holds the others with their change, and is forgotten whole.
local function series_of(fingerprint, but)
  local found, others = hash(of('series', fingerprint)), false
  for name, told in pairs(found) do
    if name:sub(1, 2) == 'f:' and name ~= 'f:' .. but then
      if ms - told:match(':(%d+)') > limits.known_ms then
        redis.call('HDEL', of('series', fingerprint), name)
      else others = true end
    end
  end
  local beyond = redis.call('HGET', of('beyond', fingerprint), but)
  local mine = found['f:' .. but] or beyond
  local left = redis.call('HLEN', of('beyond', fingerprint)) - (beyond and 1 or 0)
  return {at = mine and tonumber(mine:match('^%d+')), others = others or left > 0}
end

local function is_firing(fingerprint, series)
  return redis.call('HEXISTS', of('series', fingerprint), 'f:' .. series) == 1
    or redis.call('HEXISTS', of('beyond', fingerprint), series) == 1
end

local function fires_beyond(fingerprint, series, changed)
  local key = of('beyond', fingerprint)
  local before = redis.call('HGET', key, series)
  if not before and redis.call('HLEN', key) >= limits.most_beyond then return end
  redis.call('HSET', key, series, string.format('%d', math.max(changed, before or 0)))
  redis.call('PEXPIRE', key, limits.known_ms)
end

local function fires(fingerprint, series, changed)
  local key, name = of('series', fingerprint), 'f:' .. series
  local before = redis.call('HGET', key, name)
  local is_beyond = redis.call('HEXISTS', of('beyond', fingerprint), series) == 1
  if not before and (is_beyond or redis.call('HLEN', key) >= limits.most_series) then
    return fires_beyond(fingerprint, series, changed)
  end
  changed = math.max(changed, before and before:match('^%d+') or 0)
  redis.call('HSET', key, name, string.format('%d:%d', changed, ms))
  redis.call('EXPIRE', key, WEEK)
end

local function settle(fingerprint, found, state, incident)
  local key = of('problem', fingerprint)
  redis.call('DEL', key)
  redis.call('HSET', key, 'state', state, 'incident', incident, 'at', ms, 'last', ms, 'alarm', found.alarm,
    'service', found.service, 'severity', found.severity, 'changed', found.changed, 'reopened', found.reopened or '',
    'only_said', found.only_said or '')
  redis.call('PEXPIRE', key, limits.known_ms)
  redis.call('ZREM', BACKLOG, fingerprint)
end

local function count_opened(kind, incident)
  redis.call('ZREMRANGEBYSCORE', of('opened', kind), '-inf', ms - limits.window_ms)
  redis.call('ZADD', of('opened', kind), ms, incident)
  redis.call('PEXPIRE', of('opened', kind), limits.window_ms)
end

local function open(fingerprint, found, reason)
  local incident, kind = found.incident_id, found.kind == 'slack' and 'asked' or 'ordinary'
  if is_critical(found) then kind = 'critical' end
  if found.alone == '1' then kind = 'alone' end
  append('incidents', found.entry)
  take_place(incident)
  take_token(found.source)
  count_opened(kind, incident)
  if kind == 'critical' then count_opened('critical-names', found.alarm) end
  if kind == 'critical' and found.kind == 'logs' then count_opened('critical:' .. found.source, incident) end
  settle(fingerprint, found, 'open', incident)
  redis.call('HSET', of('incident', incident), 'fingerprint', fingerprint, 'traceparent', found.traceparent)
  -- That it waited stood among the decisions of a window so far: now it has an incident.
  if (found.why or '') ~= '' then note(incident, 'held', found.why, found.alarm, 0, tonumber(found.at)) end
  note(incident, 'opened', reason, found.alarm)
  local waited = (found.count or 1) - 1
  if waited > 0 then note(incident, 'held', 'came while it waited', found.alarm, waited) end
  became[fingerprint] = {outcome = 'opened', reason = reason, incident = incident}
end

local function answer(outcome, reason, incident, more)
  local told = more or {}
  told.unsealed = redis.call('LLEN', UNSEALED)
  told.outcome, told.reason, told.incident, told.wrote, told.became = outcome, reason, incident, wrote, became
  return cjson.encode(told)
end

