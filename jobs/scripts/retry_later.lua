-- retry_later: running -> scheduled, or failed when its attempts are used up, by the holder of the current fence.
-- A wait for the rate limit uses up no attempt, but for one that follows many others without a call in between.
-- ARGV    job_id
--         fence
--         reason
--         wait      ms
--         failure   JSON object
--         outcome   fields of the record if it fails now: files, reused (each JSON)
-- RETURN  {1, new state}, or {0, state} when the job is no longer this worker's
local at = now()
local mine, current, holder = holds(job_id, fence)
if not mine then
  if holder == fence and (current == 'scheduled' or current == 'failed') then return { 1, current } end
  return refuse(current)
end
local job = get(job_id, 'attempt', 'max_attempts')
local FREE_WAITS = 10
local data = { error = cjson.decode(failure) }
if reason == 'rate_limited' and add(job_id, 'rate_waits', 1) <= FREE_WAITS then
  add(job_id, 'attempt', -1)
elseif tonumber(job.attempt) >= tonumber(job.max_attempts) then
  outcome.error = failure
  release(enter(job_id, 'failed', reason, at, data, outcome), at)
  return { 1, 'failed' }
end
data.retry_at = at + wait
redis.call('ZADD', SCHEDULED, at + wait, job_id)
release(enter(job_id, 'scheduled', reason, at, data, { error = failure, retry_at = at + wait }), at)
return { 1, 'scheduled' }
