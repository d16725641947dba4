-- save_step: keeps the result of a paid step for this and every later attempt, by the holder of the current fence.
-- ARGV    job_id
--         fence
--         claim       its token
--         step
--         result      JSON
--         files       that the step made, JSON list; '' for none
--         usage       what it used: usage items
--         uncounted   what of that was not counted yet, costs in micro-dollars
-- RETURN  {1}, or {0, state} when the job is no longer this worker's
local mine, state = holds(job_id, fence, claim)
if not mine then return refuse(state) end
if redis.call('HSET', JOB .. job_id .. STEPS, step, result) == 1 then
  local at, data = now(), { step = step }
  unset(job_id, 'interruptions', 'incapable_since')
  if files ~= '' then redis.call('HSET', JOB .. job_id .. FILES, step, files) end
  if #usage > 0 then data.usage = usage end
  emit_job(job_id, 'step', at, data)
  count('steps_saved')
  if #uncounted > 0 then use(job_id, get(job_id, 'user_id').user_id, day_of(at), uncounted) end
end
return { 1 }
