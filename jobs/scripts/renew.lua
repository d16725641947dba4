-- renew: running -> running, by the holder of the current fence: a longer lease, and what the job waits for.
-- KEYS    1 job (hash)
-- ARGV    1 job id   2 fence   3 lease, ms   4 what it waits for ('provider', 'rate_limit', or '' for nothing)
--         5 since how long, ms   6 how long still, ms, or '' when that is not known
-- RETURN  {1}, or {0, state} when the job is no longer this worker's
local id, at = ARGV[1], now()
local mine, state = holds(id, ARGV[2])
if not mine then return refuse(state) end
redis.call('ZADD', LEASES, at + ARGV[3], id)
redis.call('HSET', KEYS[1], 'lease_until', at + ARGV[3])
redis.call('HDEL', KEYS[1], 'waiting_for', 'waiting_since', 'waiting_until')
if ARGV[4] ~= '' then
  redis.call('HSET', KEYS[1], 'waiting_for', ARGV[4], 'waiting_since', at - ARGV[5])
  if ARGV[6] ~= '' then redis.call('HSET', KEYS[1], 'waiting_until', at + ARGV[6]) end
end
return { 1 }
