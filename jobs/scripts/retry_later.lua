-- retry_later: running -> scheduled, or failed when its attempts are used up, by the holder of the current fence.
-- A wait for the rate limit uses up no attempt, but for one that follows many others without a call in between.
-- KEYS    1 job (hash)
-- ARGV    1 job id   2 fence   3 reason   4 wait, ms   5 error (JSON object)   6... fields to set if it fails
--         now, name and value: files, reused (JSON)
-- RETURN  {1, new state}, or {0, state} when the job is no longer this worker's
local id, fence, at = ARGV[1], ARGV[2], now()
local mine, current, holder = holds(id, fence)
if not mine then
  if holder == fence and (current == 'scheduled' or current == 'failed') then return { 1, current } end
  return refuse(current)
end
local job = redis.call('HMGET', KEYS[1], 'attempt', 'max_attempts')
local failure = cjson.decode(ARGV[5])
local FREE_WAITS = 10
if ARGV[3] == 'rate_limited' and redis.call('HINCRBY', KEYS[1], 'rate_waits', 1) <= FREE_WAITS then
  redis.call('HINCRBY', KEYS[1], 'attempt', -1)
elseif tonumber(job[1]) >= tonumber(job[2]) then
  enter(id, 'failed', ARGV[3], at, { error = failure }, { 'error', unpack(ARGV, 5) })
  return { 1, 'failed' }
end
local due = at + ARGV[4]
enter(id, 'scheduled', ARGV[3], at, { error = failure, retry_at = due }, { 'error', ARGV[5], 'retry_at', due })
redis.call('ZADD', SCHEDULED, due, id)
return { 1, 'scheduled' }
