-- lose: running -> queued at the head, or failed when its attempts are used up, for a holder that is known to be dead.
-- ARGV    job_id
--         fence   the dead holder's
--         claim   the dead holder's token
-- RETURN  {1, new state}, or {0, state} when the job is no longer under that fence
local mine, current, was_mine = holds(job_id, fence, claim)
if not mine then
  if was_mine and (current == 'queued' or current == 'failed') then return { 1, current } end
  return refuse(current)
end
count('children_lost')
local at = now()
local state, queue = lose_worker(job_id, at)
release(queue, at)
return { 1, state }
