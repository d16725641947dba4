-- renew: running -> running, each by the holder of its current fence: a longer lease, and what the job waits for. A renewal is
-- {id, fence, claim, waiting_for, waited, left}: `claim` is the token of that; `waiting_for` is 'provider', 'rate_limited', or ''
-- for nothing; it has waited so far, and `left` is until the wait is over, ms, left out when that is not known.
-- ARGV    renewals   of as many jobs as one script should look at
--         lease      ms
-- RETURN  of each {1}, or {0, state} when the job is no longer this worker's
local at = now()

local function renew(job)
  local mine, state = holds(job.id, job.fence, job.claim)
  if not mine then return refuse(state) end
  redis.call('ZADD', LEASES, at + lease, job.id)
  unset(job.id, 'waiting_for', 'waiting_since', 'waiting_until')
  set(job.id, { lease_until = at + lease })
  if job.waiting_for ~= '' then
    set(job.id, { waiting_for = job.waiting_for, waiting_since = at - job.waited, waiting_until = job.left and at + job.left })
  end
  return { 1 }
end

local answers = {}
for _, job in ipairs(renewals) do table.insert(answers, renew(job)) end
return answers
