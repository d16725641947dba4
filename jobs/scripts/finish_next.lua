-- finish_next: finishes a job as `finish` does, and claims the next one that may run, as `claim` does: one round trip, and no
-- message, from a job to the next. A repeat gets the same next job.
-- ARGV    job_id
--         fence
--         claim     its token
--         state     completed | failed
--         reason    or ''
--         outcome   fields of the record: result, progress, error, files, reused (each JSON)
--         holder    the worker
--         token     of the next claim
--         lease     ms
--         queues    that the worker takes jobs of, the one to look into first before the others
--         kinds     that it may run now
-- RETURN  {1, job id, the record (flat), the input, how many steps are saved} of the next job, {1} when there is none for this
--         worker, or {0, state} when the job is no longer this worker's
local at = now()
local queue, refusal = finish(job_id, fence, claim, state, reason, outcome, at)
if refusal then return refusal end
if not queue then
  local next = get(job_id, 'next').next
  local found = next and get(next, 'state', 'claim')
  if found and found.state == 'running' and found.claim == token then return claimed(next) end
  return { 1 }
end
local may_run = {}
for _, kind in ipairs(kinds) do may_run[kind] = true end
for _, name in ipairs(queues) do
  local next = redis.call('ZRANGE', QUEUE .. name .. ORDER, 0, 0)[1]
  if next and may_run[get(next, 'kind').kind] and start(next, at, holder, token, lease) then
    set(job_id, { next = next })
    release(queue, at)
    return claimed(next)
  end
end
release(queue, at)
return { 1 }
