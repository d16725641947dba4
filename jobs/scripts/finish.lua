-- finish: running -> completed or failed, by the holder of the current fence.
-- ARGV    job_id
--         fence
--         claim     its token
--         state     completed | failed
--         reason    or ''
--         outcome   fields of the record: result, progress, error, files, reused (each JSON)
-- RETURN  {1}, or {0, state} when the job is no longer this worker's
local at = now()
local queue, refusal = finish(job_id, fence, claim, state, reason, outcome, at)
if refusal then return refusal end
if queue then release(queue, at) end
return { 1 }
