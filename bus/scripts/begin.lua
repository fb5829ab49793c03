-- Give a Redis without a generation one, together with the notice that says so; answers which one stands.
-- KEYS  1 generation  2 notices    ARGV  1 the new generation  2.. fields of the notice's entry
if redis.call('SET', KEYS[1], ARGV[1], 'NX') then redis.call('XADD', KEYS[2], '*', unpack(ARGV, 2)) end
return redis.call('GET', KEYS[1])
