-- Put an entry back on its stream and take its dead letter away: once, whoever asks, however often.
-- KEYS  1 dead letters  2 stream    ARGV  1 dead letter id, then the entry's fields
-- What fails half-way (a full Redis) has written nothing: the letter goes last.
if #redis.call('XRANGE', KEYS[1], ARGV[1], ARGV[1]) == 0 then return '' end
local entry = redis.call('XADD', KEYS[2], '*', unpack(ARGV, 2))
redis.call('XDEL', KEYS[1], ARGV[1])
return entry
