-- save_step: keeps the result of a paid step for this and every later attempt, by the holder of the current fence.
-- KEYS    1 steps (hash)
-- ARGV    1 job id   2 fence   3 step   4 result (JSON)
-- RETURN  {1}, or {0, state} when the job is no longer this worker's
local mine, state = holds(ARGV[1], ARGV[2])
if not mine then return refuse(state) end
if redis.call('HSET', KEYS[1], ARGV[3], ARGV[4]) == 1 then
  emit(JOB .. ARGV[1], 'step', now(), { step = ARGV[3] })
  count('steps_saved')
end
return { 1 }
