-- admit: whether a call to a provider may be made now, by the holder of the current fence. Its cost is reserved with the
-- budgets of the job and of its user's day, and it takes its place under the rate that all workers share. One that has
-- to wait books a slot, under the name of its seat, and asks again when that has come, in this attempt or a later one.
-- KEYS    1 job (hash)   2 rate of the model (hash)
-- ARGV    1 job id   2 fence   3 call id   4 seat   5 tokens that it is expected to take
--         6 cost that is expected, micro-dollars, or '' when no price is known   7 requests a minute, 0 for no limit
--         8 tokens a minute, 0 for no limit   9 what a user may spend a day, micro-dollars, or '' for no limit
-- RETURN  {1, 'go'}, {1, 'wait', ms}, {1, 'unpriced'}, {1, 'job' or 'user', spent or reserved so far, limit} for the
--         budget that it would pass, or {0, state} when the job is no longer this worker's
local id, at = ARGV[1], now()
local mine, state = holds(id, ARGV[2])
if not mine then return refuse(state) end
local call, seat = 'call:' .. ARGV[3], 'slot:' .. ARGV[4]
local job = redis.call('HMGET', KEYS[1], call, seat, 'user_id', 'max_cost', 'spent')
if job[1] then return { 1, 'go' } end

local cost, day = tonumber(ARGV[6]), day_of(at)
local user_day = USAGE .. day .. ':' .. job[3]
local budgets = {
  { 'job', tonumber(job[5] or 0), tonumber(job[4] or '') },
  { 'user', tonumber(redis.call('HGET', user_day, 'spent') or 0), tonumber(ARGV[9]) },
}
for _, budget in ipairs(budgets) do
  local name, spent, limit = unpack(budget, 1, 3)
  if limit and not cost then return { 1, 'unpriced' } end
  if limit and spent + cost > limit then return { 1, name, spent, limit } end
end

-- A slot is the time a call is booked for. A pause that comes later moves it, by as much as `shift` has grown since.
local LATE = 10000 -- ms that a booked call may come late: a sweep, and the way to a free worker
local BACK = 100 -- ms between two calls that a pause held back, so that they do not all come at its end
local rate = redis.call('HMGET', KEYS[2], 'requests', 'tokens', 'paused', 'shift')
local paused, shift = tonumber(rate[3] or 0), tonumber(rate[4] or 0)
local slot
if job[2] then
  local booked, then_shift = string.match(job[2], '^(%S+) (%S+)$')
  slot = booked + math.max(0, shift - then_shift)
  if slot + LATE < at then slot = nil end
end
if not slot then
  -- Each bucket is the time by which all that it let through has been paid off at its rate; a second's worth, or one
  -- call, may go ahead of that. (The generic cell rate algorithm, ITU-T I.371, in its virtual scheduling form.)
  slot = at
  local buckets = {}
  for _, bucket in ipairs({ { 'requests', rate[1], ARGV[7], 1 }, { 'tokens', rate[2], ARGV[8], ARGV[5] } }) do
    local name, paid_off, limit, takes = unpack(bucket, 1, 4)
    if tonumber(limit) > 0 then
      local each = 60000 / limit
      buckets[name] = { tonumber(paid_off or 0), each * takes }
      local ahead = name == 'requests' and math.max(0, 1000 - each) or 1000
      slot = math.max(slot, (paid_off or 0) - ahead)
    end
  end
  if paused > at then
    slot = math.max(slot, paused)
    paused = paused + BACK
    redis.call('HSET', KEYS[2], 'paused', string.format('%.3f', paused))
  end
  local last = paused
  for name, bucket in pairs(buckets) do
    local paid_off = math.max(bucket[1], slot) + bucket[2]
    redis.call('HSET', KEYS[2], name, string.format('%.3f', paid_off))
    last = math.max(last, paid_off)
  end
  if last > at then redis.call('PEXPIRE', KEYS[2], math.ceil(last - at) + 60000) end
end
if slot > at then
  redis.call('HSET', KEYS[1], seat, string.format('%.3f %.3f', slot, shift))
  return { 1, 'wait', math.ceil(slot - at) }
end

-- Written first: a Redis that is full refuses it, and no call is made whose result could not be saved.
redis.call('HSET', KEYS[1], call, table.concat({ cost or 0, day, ARGV[5] }, ' '))
redis.call('HDEL', KEYS[1], seat, 'rate_waits')
if cost and cost > 0 then
  redis.call('HINCRBY', KEYS[1], 'spent', cost)
  redis.call('HINCRBY', user_day, 'spent', cost)
  redis.call('EXPIRE', user_day, USAGE_KEEP)
end
return { 1, 'go' }
