-- Put what was said, and is signed by now, on its stream, unless another replica has done so.
-- KEYS  1 what is not yet signed  2 stream    ARGV  1 its oldest, as it was read  then the fields of the entry
-- Taking it off comes first, so that a full Redis takes the rest, too.
if redis.call('LINDEX', KEYS[1], -1) ~= ARGV[1] then return '' end
redis.call('RPOP', KEYS[1])
return redis.call('XADD', KEYS[2], '*', unpack(ARGV, 2))
