-- renew: running -> running, by the holder of the current fence: a longer lease, and what the job waits for.
-- ARGV    job_id
--         fence
--         claim         its token
--         lease         ms
--         waiting_for   'provider', 'rate_limited', or '' for nothing
--         waited        so far, ms
--         left          ms until the wait is over; nothing when that is not known
-- RETURN  {1}, or {0, state} when the job is no longer this worker's
local at = now()
local mine, state = holds(job_id, fence, claim)
if not mine then return refuse(state) end
redis.call('ZADD', LEASES, at + lease, job_id)
unset(job_id, 'waiting_for', 'waiting_since', 'waiting_until')
set(job_id, { lease_until = at + lease })
if waiting_for ~= '' then
  set(job_id, { waiting_for = waiting_for, waiting_since = at - waited, waiting_until = left and at + left })
end
return { 1 }
