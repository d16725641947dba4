-- cancel: any state that is not final -> cancelled, and a running job's worker is told at once.
-- ARGV    job_id
-- RETURN  {1, state} with the state the job is in now, or {0} when there is no such job
local state = get(job_id, 'state').state
if not state then return { 0 } end
if FINAL[state] then return { 1, state } end
local at = now()
release(cancel(job_id, state, 'user_request', at, {}), at)
return { 1, 'cancelled' }
