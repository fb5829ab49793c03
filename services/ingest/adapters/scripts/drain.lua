-- What is held opens or is folded; says what is held and open, and which summary has gathered for long enough.
-- KEYS  1 any key of ingest's
begin()
drain()
local found = hash(SUMMARY)
local is_due = found.state == 'gathering' and ms - found.at >= limits.gather_ms
return answer('', '', '', {held = redis.call('ZCARD', BACKLOG), due = is_due and found.id or '',
  open = redis.call('ZCOUNT', PLACES, '(' .. ms / 1000, '+inf')})
