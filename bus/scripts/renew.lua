-- Renew an entry's lease while it is still ours. Answers {owner's word, deliveries so far}.
-- KEYS  1 stream    ARGV  1 group  2 consumer  3 entry id  4 idle milliseconds to set  5 '1': this delivery does not count
local row = redis.call('XPENDING', KEYS[1], ARGV[1], ARGV[3], ARGV[3], 1)[1]
if not row then return {'gone', 0} end
if row[2] ~= ARGV[2] then return {'taken', row[4]} end
local claim = {'XCLAIM', KEYS[1], ARGV[1], ARGV[2], '0', ARGV[3], 'IDLE', ARGV[4]}
if ARGV[5] == '1' then
  claim[#claim + 1] = 'RETRYCOUNT'
  claim[#claim + 1] = math.max(0, row[4] - 1)
end
claim[#claim + 1] = 'JUSTID'
redis.call(unpack(claim))
return {'ours', row[4]}
