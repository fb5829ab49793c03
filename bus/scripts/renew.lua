-- Renew an entry's lease while it is still ours, or hand it back: then this delivery does not count, and the entry is
-- nobody's, so that a repeated command finds nothing left to do. Answers {owner's word, deliveries so far}.
-- KEYS  1 stream  2 errors    ARGV  1 group  2 consumer  3 entry id  4 idle milliseconds to set
--       5 '': renew it; else hand it back to that name  6 field of the errors that is then forgotten
local row = redis.call('XPENDING', KEYS[1], ARGV[1], ARGV[3], ARGV[3], 1)[1]
if not row then return {'gone', 0} end
if row[2] ~= ARGV[2] then return {'taken', row[4]} end
local owner, count = ARGV[2], row[4]
if ARGV[5] ~= '' then
  owner, count = ARGV[5], math.max(0, count - 1)
  redis.call('HDEL', KEYS[2], ARGV[6])
end
redis.call('XCLAIM', KEYS[1], ARGV[1], owner, '0', ARGV[3], 'IDLE', ARGV[4], 'RETRYCOUNT', count, 'JUSTID')
return {'ours', row[4]}
