-- A message stands from now on, under a ts that no other one of its channel has.
-- KEYS  1 the channel's messages, by ts
-- ARGV  1 the message's id, or empty  2 seconds to keep
redis.call('EXPIRE', KEYS[1], ARGV[2])             -- first, for a full Redis: see bus/scripts/commit.lua
local time = redis.call('TIME')
local at, ts = time[1] * 1000000 + time[2], nil
repeat
  ts = string.format('%.0f.%06.0f', math.floor(at / 1000000), at % 1000000)
  at = at + 1
until redis.call('HSETNX', KEYS[1], ts, ARGV[1]) == 1
redis.call('EXPIRE', KEYS[1], ARGV[2])
return ts
