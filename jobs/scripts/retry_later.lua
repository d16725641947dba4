-- retry_later: running -> scheduled, or failed when its attempts are used up, by the holder of the current fence.
-- A wait for the rate limit uses up no attempt, but for one that follows many others without a call in between. Neither
-- does one for a worker that can run it: the longer that lasts, the rarer the tries, and when it has lasted for as long as
-- the job may wait for its first start, it has failed.
-- ARGV    job_id
--         fence
--         claim     its token
--         reason
--         wait      ms, at least
--         failure   JSON object
--         outcome   fields of the record if it fails now: files, reused (each JSON)
-- RETURN  {1, new state}, or {0, state} when the job is no longer this worker's
local at = now()
local mine, current, was_mine = holds(job_id, fence, claim)
if not mine then
  if was_mine and (current == 'scheduled' or current == 'failed') then return { 1, current } end
  return refuse(current)
end
local job = get(job_id, 'attempt', 'max_attempts', 'created_at', 'run_at', 'deadline', 'incapable_since')
local FREE_WAITS, RAREST_TRY = 10, 60000
local data = { error = cjson.decode(failure) }
local free, over = false, tonumber(job.attempt) >= tonumber(job.max_attempts)
if reason == 'rate_limited' then
  free = add(job_id, 'rate_waits', 1) <= FREE_WAITS
elseif reason == 'no_capable_worker' then
  local since = tonumber(job.incapable_since or at)
  set(job_id, { incapable_since = since })
  wait = math.max(wait, math.min(RAREST_TRY, math.floor((at - since) / 4)))
  free = at - since < job.deadline - (job.run_at or job.created_at)
  over = not free
end
if free then
  add(job_id, 'attempt', -1)
elseif over then
  outcome.error = failure
  release(enter(job_id, 'failed', reason, at, data, outcome), at)
  return { 1, 'failed' }
end
data.retry_at = at + wait
redis.call('ZADD', SCHEDULED, at + wait, job_id)
release(enter(job_id, 'scheduled', reason, at, data, { error = failure, retry_at = at + wait }), at)
return { 1, 'scheduled' }
