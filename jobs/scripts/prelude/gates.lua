-- -- Gates: what keeps queued jobs from running ------------------------------------------------------------------------------

-- A gate is named for what passes it: `kind:story`, `user:ann`, `key:site-7`. It is closed by a pause, or when as many of
-- its jobs as may run at once hold a slot of it. A job books a slot when it takes its place in the order, so the order has
-- only jobs that may run. One that may not is parked at the gate, with the place that it had.

local OPENED_AT_ONCE = 50
local FAST = -1 -- the place, among the holders of a slot, of one that is released or runs: it keeps the slot

local any_pause, any_strike -- whether anything is paused or struck at all; most often nothing is
local stirred = {} -- queues to whose order parked jobs have come back
local freed = {} -- gates that have lost the holder of a slot

-- The first of these gates that somebody has paused.
local function paused(...)
  if any_pause == nil then any_pause = redis.call('EXISTS', PAUSES) == 1 end
  if not any_pause then return nil end
  local gates = { ... }
  for position, pause in ipairs(redis.call('HMGET', PAUSES, ...)) do
    if pause then return gates[position] end
  end
end

-- The first of the job's kind, user, providers and models that somebody has struck, and the strike (JSON).
local function struck(job)
  if any_strike == nil then any_strike = redis.call('EXISTS', STRIKES) == 1 end
  if not any_strike then return nil end
  local gates = { 'kind:' .. job.kind, 'user:' .. job.user_id }
  for model in string.gmatch(job.models or '', '%S+') do
    table.insert(gates, 'provider:' .. string.match(model, '^[^/]*'))
    table.insert(gates, 'model:' .. model)
  end
  for position, strike in ipairs(redis.call('HMGET', STRIKES, unpack(gates))) do
    if strike then return gates[position], strike end
  end
end

-- The gates that let so many of such jobs run at once.
local function limits_of(job)
  local limits = {}
  if job.concurrency_key then
    table.insert(limits, { 'key:' .. job.concurrency_key, tonumber(job.concurrency_limit or 1) })
  end
  if MAX_RUNNING_PER_USER > 0 and job.user_id ~= '' then
    table.insert(limits, { 'user:' .. job.user_id, MAX_RUNNING_PER_USER })
  end
  if MAX_RUNNING_PER_KIND[job.kind] then table.insert(limits, { 'kind:' .. job.kind, MAX_RUNNING_PER_KIND[job.kind] }) end
  return limits
end

-- What is to be known of a job that waits. A record that does not say is an error.
local function waiting(id)
  local job = get(id, 'kind', 'queue', 'priority', 'user_id', 'turn', 'deliveries', 'concurrency_key', 'concurrency_limit', 'slots',
    'models')
  assert(job.kind and job.queue and LANES[(tonumber(job.priority) or -1) + 1], 'its record has no kind, queue or priority')
  return job
end

local function unbook(id, job)
  for gate in string.gmatch(job.slots or '', '%S+') do
    redis.call('ZREM', HOLDERS .. gate, id)
    freed[gate] = true
  end
  if job.slots then unset(id, 'slots') end
  job.slots = nil
end

-- Takes a job from one of its queue's sets to another, with the time since when it is queued.
local function move(id, queue, from, to)
  local since = redis.call('ZSCORE', QUEUE .. queue .. from, id)
  redis.call('ZREM', QUEUE .. queue .. from, id)
  if since then redis.call('ZADD', QUEUE .. queue .. to, since, id) end
end

local function park(id, job, place, gate)
  unbook(id, job)
  redis.call('ZREM', QUEUE .. job.queue .. ORDER, id)
  redis.call('ZADD', PARKED .. gate, place, id)
  move(id, job.queue, WAITING, HELD)
  set(id, { parked_at = gate })
end

-- Whether a slot is free for a job at this place. One whose turn comes later, and that has no message yet, gives up its own.
local function has_room(gate, limit, place)
  if redis.call('ZCARD', HOLDERS .. gate) < limit then return true end
  local last, its_place = unpack(redis.call('ZREVRANGE', HOLDERS .. gate, 0, 0, 'WITHSCORES'))
  if tonumber(its_place) <= place then return false end
  isolated(last, function() park(last, waiting(last), its_place, gate) end)
  return redis.call('ZCARD', HOLDERS .. gate) < limit
end

-- The gate that is closed to a job; nil when it may run, and then it has a slot of each.
local function gate_before(id, job, place)
  local closed = paused('kind:' .. job.kind) or struck(job)
  if closed then return closed end
  local gates, limits = {}, limits_of(job)
  for _, one in ipairs(limits) do
    local gate, limit = unpack(one)
    if not redis.call('ZSCORE', HOLDERS .. gate, id) and not has_room(gate, limit, place) then return gate end
    table.insert(gates, gate)
  end
  for _, gate in ipairs(gates) do redis.call('ZADD', HOLDERS .. gate, 'NX', place, id) end
  if #gates > 0 and not job.slots then
    job.slots = table.concat(gates, ' ')
    set(id, { slots = job.slots })
  end
end

-- A job that is released or runs gives its slots to no other.
local function hold_fast(id, job)
  for gate in string.gmatch(job.slots or '', '%S+') do redis.call('ZADD', HOLDERS .. gate, FAST, id) end
end

-- Lets a parked job back into the order of its queue, or to the next gate that is closed to it, if this one is open. Returns
-- the gate that is closed to it.
local function let_in(id, gate, place)
  local job = waiting(id)
  local closed = gate_before(id, job, tonumber(place))
  if closed == gate then return closed end
  redis.call('ZREM', PARKED .. gate, id)
  if closed then
    redis.call('ZADD', PARKED .. closed, place, id)
    set(id, { parked_at = closed })
  else
    redis.call('ZADD', QUEUE .. job.queue .. ORDER, place, id)
    move(id, job.queue, HELD, WAITING)
    unset(id, 'parked_at')
    stirred[job.queue] = true
  end
  return closed
end

-- Lets in parked jobs as long as the gate is open, some at a time. Returns whether there may be more.
local function open(gate)
  for _ = 1, OPENED_AT_ONCE do
    local id, place = unpack(redis.call('ZRANGE', PARKED .. gate, 0, 0, 'WITHSCORES'))
    local well, closed = true, gate
    if id then well, closed = isolated(id, let_in, gate, place) end
    if closed == gate then
      redis.call('SREM', OPENING, gate)
      return false
    end
    if not well then redis.call('ZREM', PARKED .. gate, id) end
  end
  redis.call('SADD', OPENING, gate)
  return true
end

-- Lets in those that waited for a slot that has become free. To let one in may free another's slot; what is left after
-- some rounds is the sweep's.
local function open_freed()
  for _ = 1, 3 do
    local gates = freed
    freed = {}
    for gate in pairs(gates) do open(gate) end
  end
  for gate in pairs(freed) do redis.call('SADD', OPENING, gate) end
  freed = {}
end

-- The jobs that would have to end before another one with the same concurrency key could run, the first to have begun first.
local function holders_in_the_way(job)
  if not job.concurrency_key then return {} end
  local gate = HOLDERS .. 'key:' .. job.concurrency_key
  local too_many = redis.call('ZCARD', gate) - tonumber(job.concurrency_limit or 1)
  return too_many < 0 and {} or redis.call('ZRANGE', gate, 0, math.min(too_many, 20))
end
