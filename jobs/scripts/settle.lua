-- settle: a call that was admitted has ended: what it used is counted and stands in place of what was reserved. The fence
-- is not asked for: who held it when the call was admitted has spent the money.
-- ARGV    job_id
--         call                its id
--         model               provider/model
--         usage               what it used: usage items, costs in micro-dollars
--         tokens              that it took
--         tokens_per_minute   0 for no limit
--         pause               how long nobody may call the model, ms; 0 for no pause
--         event               what the job's event says of the call; a job that has ended has none
-- RETURN  {1}, or {0} when it is settled already, or was never admitted
local at, field, rate_key = now(), 'call:' .. call, RATE .. model
local job = get(job_id, field, 'user_id', 'state')
if not job[field] then return { 0 } end
local reserved, day, expected = string.match(job[field], '^(%S+) (%S+) (%S+)$')
-- Frees memory, and so a Redis that is full takes all of this: it is paid for.
unset(job_id, field)

if not FINAL[job.state] then emit_job(job_id, 'call', at, event) end

local cost = 0
for _, item in ipairs(usage) do cost = cost + (item.cost or 0) end
use(job_id, job.user_id, day, usage)
if cost ~= tonumber(reserved) then
  add(job_id, 'spent', cost - reserved)
  redis.call('HINCRBY', USAGE .. day .. ':' .. job.user_id, 'spent', cost - reserved)
end

local BUCKETS = { 'requests', 'tokens' }
local known = redis.call('HMGET', rate_key, 'requests', 'tokens', 'paused')
local rate = { requests = known[1], tokens = known[2], paused = known[3] }
if rate.tokens and tokens_per_minute > 0 then
  rate.tokens = rate.tokens + (tokens - expected) * 60000 / tokens_per_minute
end
-- A pause moves all that is booked: it comes after the pause as it would have come without it.
local longer = at + pause - math.max(at, tonumber(rate.paused or 0))
if pause > 0 and longer > 0 then
  for _, bucket in ipairs(BUCKETS) do
    if rate[bucket] then rate[bucket] = math.max(tonumber(rate[bucket]), at) + longer end
  end
  rate.paused = at + pause
  redis.call('HINCRBYFLOAT', rate_key, 'shift', longer)
end
local last = at
for _, name in ipairs({ 'requests', 'tokens', 'paused' }) do
  if rate[name] then
    redis.call('HSET', rate_key, name, string.format('%.3f', rate[name]))
    last = math.max(last, tonumber(rate[name]))
  end
end
redis.call('PEXPIRE', rate_key, math.ceil(last - at) + 60000)
return { 1 }
