-- admit: whether a call to a provider may be made now, by the holder of the current fence. Its cost is reserved with the
-- budgets of the job and of its user's day, and it takes its place under the rate that all workers share. One that has
-- to wait books a slot, under the name of its seat, and asks again when that has come, in this attempt or a later one.
-- ARGV    job_id
--         fence
--         claim                 its token
--         call                  its id
--         seat
--         model                 provider/model
--         tokens                that it is expected to take
--         cost                  that is expected, micro-dollars; nothing when no price is known
--         requests_per_minute   0 for no limit
--         tokens_per_minute     0 for no limit
--         user_budget           what a user may spend a day, micro-dollars; nothing for no limit
-- RETURN  {1, 'go'}, {1, 'wait', ms}, {1, 'unpriced'}, {1, 'job' or 'user', spent or reserved so far, limit} for the
--         budget that it would pass, or {0, state} when the job is no longer this worker's
local at = now()
local mine, state = holds(job_id, fence, claim)
if not mine then return refuse(state) end
local call_field, slot_field = 'call:' .. call, 'slot:' .. seat
local job = get(job_id, call_field, slot_field, 'user_id', 'max_cost', 'spent')
if job[call_field] then return { 1, 'go' } end

local day = day_of(at)
local user_day = USAGE .. day .. ':' .. job.user_id
local budgets = {
  { whose = 'job', spent = tonumber(job.spent or 0), limit = tonumber(job.max_cost or '') },
  { whose = 'user', spent = tonumber(redis.call('HGET', user_day, 'spent') or 0), limit = user_budget },
}
for _, budget in ipairs(budgets) do
  if budget.limit and not cost then return { 1, 'unpriced' } end
  if budget.limit and budget.spent + cost > budget.limit then
    return { 1, budget.whose, budget.spent, budget.limit }
  end
end

-- A slot is the time a call is booked for. A pause that comes later moves it, by as much as `shift` has grown since.
local LATE = 10000 -- ms that a booked call may come late: a sweep, and the way to a free worker
local BACK = 100 -- ms between two calls that a pause held back, so that they do not all come at its end
local rate_key = RATE .. model
local known = redis.call('HMGET', rate_key, 'requests', 'tokens', 'paused', 'shift')
local rate = { requests = tonumber(known[1] or 0), tokens = tonumber(known[2] or 0),
  paused = tonumber(known[3] or 0), shift = tonumber(known[4] or 0) }
local slot
local takes = {
  requests = requests_per_minute > 0 and 60000 / requests_per_minute or nil,
  tokens = tokens_per_minute > 0 and tokens * 60000 / tokens_per_minute or nil,
}

-- The earliest place that others gave back, or as many as a larger call needs, for the time of the last; if that is before
-- `latest`.
local SEARCHED = 200
local function returned_before(latest)
  local key, room = RETURNED .. model, { requests = 0, tokens = 0 }
  redis.call('ZREMRANGEBYSCORE', key, '-inf', at - rate.shift)
  local places = redis.call('ZRANGE', key, 0, SEARCHED - 1, 'WITHSCORES')
  for i = 1, #places, 2 do
    local its_requests, its_tokens = string.match(places[i], '^(%S+) (%S+)')
    local its_slot = places[i + 1] + rate.shift
    if its_slot >= latest then return nil end
    room.requests, room.tokens = room.requests + its_requests, room.tokens + its_tokens
    if room.requests >= (takes.requests or 0) and room.tokens >= (takes.tokens or 0) then
      redis.call('ZREMRANGEBYRANK', key, 0, (i - 1) / 2)
      return its_slot
    end
  end
end

if job[slot_field] then
  local booked, shift_then = string.match(job[slot_field], '^(%S+) (%S+)')
  slot = booked + math.max(0, rate.shift - shift_then)
  if slot + LATE < at then slot = nil end
end
if not slot then
  -- Each bucket is the time by which all that it let through has been paid off at its rate; a second's worth, or one
  -- call, may go ahead of that. (The generic cell rate algorithm, ITU-T I.371, in its virtual scheduling form.)
  slot = at
  if takes.requests then slot = math.max(slot, rate.requests - math.max(0, 1000 - takes.requests)) end
  if takes.tokens then slot = math.max(slot, rate.tokens - 1000) end
  if rate.paused > at then slot = math.max(slot, rate.paused) end
  local returned = slot > at and returned_before(slot)
  if returned then
    slot = returned
  else
    if rate.paused > at then
      rate.paused = rate.paused + BACK
      redis.call('HSET', rate_key, 'paused', string.format('%.3f', rate.paused))
    end
    local last = rate.paused
    for bucket, ms in pairs(takes) do
      local paid_off = math.max(rate[bucket], slot) + ms
      redis.call('HSET', rate_key, bucket, string.format('%.3f', paid_off))
      last = math.max(last, paid_off)
    end
    if last > at then redis.call('PEXPIRE', rate_key, math.ceil(last - at) + 60000) end
  end
end
if slot > at then
  local place = { string.format('%.3f %.3f %.3f %.3f', slot, rate.shift, takes.requests or 0, takes.tokens or 0), model }
  set(job_id, { [slot_field] = table.concat(place, ' '), booked = 1 })
  return { 1, 'wait', math.ceil(slot - at) }
end

-- Written first: a Redis that is full refuses it, and no call is made whose result could not be saved.
set(job_id, { [call_field] = table.concat({ cost or 0, day, tokens }, ' ') })
unset(job_id, slot_field, 'rate_waits')
if cost and cost > 0 then
  add(job_id, 'spent', cost)
  redis.call('HINCRBY', user_day, 'spent', cost)
  redis.call('EXPIRE', user_day, USAGE_KEEP)
end
return { 1, 'go' }
