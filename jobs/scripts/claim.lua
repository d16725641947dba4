-- claim: queued -> running under the next fence. The one door into running. The saved steps are read afterwards, by whoever
-- holds the lease: there may be many.
-- ARGV    job_id
--         holder   the worker
--         token    a repeat of the same claim gets the same answer
--         lease    ms
-- RETURN  {1, the record (flat), the input, how many steps are saved}, or {0, state} when there is nothing to claim
local at = now()
local job = get(job_id, 'state', 'claim', 'kind', 'queued_at', 'created_at', 'deadline', 'started_at')
local saved = redis.call('HLEN', JOB .. job_id .. STEPS)
if job.state == 'running' and job.claim == token then
  return { 1, redis.call('HGETALL', JOB .. job_id), redis.call('GET', JOB .. job_id .. INPUT), saved }
end
local late = not job.started_at and at > tonumber(job.deadline or 0)
if job.state ~= 'queued' or late then
  count('claims_refused')
  return { 0, job.state or 'gone' }
end

local attempt = add(job_id, 'attempt', 1)
add(job_id, 'fence', 1)
if not job.started_at then set(job_id, { started_at = at }) end
redis.call('ZREM', DEADLINES, job_id)
enter(job_id, 'running', '', at, { attempt = attempt, worker = holder },
  { worker = holder, claim = token, running_since = at, lease_until = at + lease })
redis.call('ZADD', LEASES, at + lease, job_id)
observe('wait_seconds', job.kind, at - (job.queued_at or job.created_at))
if saved > 0 then count('steps_reused', saved) end
return { 1, redis.call('HGETALL', JOB .. job_id), redis.call('GET', JOB .. job_id .. INPUT), saved }
