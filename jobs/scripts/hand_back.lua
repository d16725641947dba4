-- hand_back: running -> queued at the head, by the holder of the current fence. The attempt is not used up, but for one
-- that follows many others without a step saved in between; when those have used up all attempts, the job has failed.
-- ARGV    job_id
--         fence
--         claim   its token
-- RETURN  {1, new state}, or {0, state} when the job is no longer this worker's
local mine, current, was_mine = holds(job_id, fence, claim)
if not mine then
  if was_mine and (current == 'queued' or current == 'failed') then return { 1, current } end
  return refuse(current)
end
count('interrupted')
local FREE_INTERRUPTIONS = 10
local in_a_row = add(job_id, 'interruptions', 1)
if in_a_row <= FREE_INTERRUPTIONS then add(job_id, 'attempt', -1) end
local at = now()
local state, queue = run_again(job_id, at, 'interrupted', 'Its workers were told to stop ' .. in_a_row
  .. ' times in a row before a step was saved. Let a worker run for longer than the longest step takes.')
release(queue, at)
return { 1, state }
