-- claim: queued -> running under the next fence. The one door into running. The saved steps are read afterwards, by whoever
-- holds the lease: there may be many.
-- ARGV    job_id
--         holder   the worker
--         token    a repeat of the same claim gets the same answer
--         lease    ms
-- RETURN  {1, job id, the record (flat), the input, how many steps are saved}, or {0, state} when there is nothing to claim:
--         'held' for a job that may not run now
local job = get(job_id, 'state', 'claim')
if job.state == 'running' and job.claim == token then return claimed(job_id) end
local started, state = start(job_id, now(), holder, token, lease)
if not started then
  if state ~= 'held' then count('claims_refused') end
  return { 0, state or 'gone' }
end
return claimed(job_id)
