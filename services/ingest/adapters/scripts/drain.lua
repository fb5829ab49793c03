-- What is held opens or is folded; says what is held and open, and which summary has gathered for long enough.
-- KEYS  1 any key of ingest's
begin()
drain()
local found = hash(SUMMARY)
if found.state == 'gathering' and ms - found.at >= limits.gather_ms and is_all_over(found.id) then
  -- What it gathered is over: to investigate that would cost, and help nobody.
  redis.call('HSET', SUMMARY, 'state', 'over')
  found.state = 'over'
  notice('All that the summary ' .. found.id .. ' gathered was over before it opened: nothing is investigated.',
    'storm-over:' .. found.id)
  note(found.id, 'recovered', 'all that it gathered was over before it opened', 'storm', 0)
end
local is_due = found.state == 'gathering' and ms - found.at >= limits.gather_ms
return answer('', '', '', {held = redis.call('ZCARD', BACKLOG), due = is_due and found.id or '',
  open = redis.call('ZCOUNT', PLACES, '(' .. ms / 1000, '+inf')})
