-- What is held opens or is folded; says what is held and open, and which summary has gathered for long enough.
-- KEYS  1 any key of ingest's
begin()
drain()
local found = hash(SUMMARY)
local is_due = found.state == 'gathering' and ms - found.at >= tonumber(found.gather or limits.gather_ms)
local alone = is_due and redis.call('HGET', of('gathered', found.id), 'alone')
if is_due and is_all_over(found.id) then
  -- What it gathered is over: to investigate that would cost, and help nobody.
  is_due = false
  redis.call('HSET', SUMMARY, 'state', 'over')
  redis.call('HDEL', of('gathered', found.id), 'alone')
  notice('All that the summary ' .. found.id .. ' gathered was over before it opened: nothing is investigated.',
    'storm-over:' .. found.id)
  note(found.id, 'recovered', 'all that it gathered was over before it opened', 'storm', 0)
elseif alone then
  -- One alarm is no storm: it opens as itself, when a place is free.
  is_due = false
  local one = cjson.decode(alone)
  redis.call('HSET', SUMMARY, 'state', 'over')
  redis.call('DEL', of('gathered', found.id))
  redis.call('HINCRBY', of('incident', found.id), 'counted:folded: ' .. one.reason, -1)
  note(found.id, 'held', 'alone in its summary: it opens as itself', one.alarm, 0)
  one.at, one.count, one.alone, one.why = ms, 1, '1', one.reason
  hold(one.fingerprint, one)
  drain()
end
return answer('', '', '', {held = redis.call('ZCARD', BACKLOG), due = is_due and found.id or '',
  open = redis.call('ZCOUNT', PLACES, '(' .. ms / 1000, '+inf')})
