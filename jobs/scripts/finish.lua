-- finish: running -> completed or failed, by the holder of the current fence.
-- ARGV    job_id
--         fence
--         state     completed | failed
--         reason    or ''
--         outcome   fields of the record: result, progress, error, files, reused (each JSON)
-- RETURN  {1}, or {0, state} when the job is no longer this worker's
local mine, current, holder = holds(job_id, fence)
if not mine then
  if current == state and holder == fence then return { 1 } end
  return refuse(current)
end
-- What an earlier attempt failed of is no longer this job's error.
if state == 'completed' then unset(job_id, 'error') end
enter(job_id, state, reason, now(), { error = outcome.error and cjson.decode(outcome.error) }, outcome)
return { 1 }
