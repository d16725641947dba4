-- progress: notes how far the job is, by the holder of the current fence.
-- ARGV    job_id
--         fence
--         claim      its token
--         progress   JSON object
-- RETURN  {1}, or {0, state} when the job is no longer this worker's
local mine, state = holds(job_id, fence, claim)
if not mine then return refuse(state) end
if get(job_id, 'progress').progress == progress then return { 1 } end
set(job_id, { progress = progress })
emit_job(job_id, 'progress', now(), cjson.decode(progress))
return { 1 }
