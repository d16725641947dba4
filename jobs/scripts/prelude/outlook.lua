-- -- What a queued job waits for, and until when ------------------------------------------------------------------------------

local NEWEST = 0.2 -- the weight of the newest run in an average
local FORETOLD = 32 -- running jobs whose ends are foretold one by one

-- Notes how long a run took that came to its end.
local function learn(job, ms)
  local names = { 'kind:' .. job.kind, 'queue:' .. job.queue }
  local known = redis.call('HMGET', AVERAGES, unpack(names))
  for position, name in ipairs(names) do
    local average = tonumber(known[position])
    local now_known = average and average + (ms - average) * NEWEST or ms
    redis.call('HSET', AVERAGES, name, string.format('%.0f', now_known))
  end
end

-- In how many ms each of the workers' slots is free, soonest first: the idle ones now, the others when their runs have taken
-- as long as those of their kind do.
local function free_in(queue, slots, at)
  local free = {}
  for _, id in ipairs(redis.call('SMEMBERS', QUEUE .. queue .. RUNNING)) do
    local job = get(id, 'kind', 'running_since')
    local average = job.kind and tonumber(redis.call('HGET', AVERAGES, 'kind:' .. job.kind))
    table.insert(free, math.max(0, (average or 0) - (at - (tonumber(job.running_since) or at))))
  end
  for _ = #free + 1, slots do table.insert(free, 0) end
  table.sort(free)
  return free
end

-- What all jobs of a queue have in common, read once for a script.
local seen = {}
local function seen_of(queue, at)
  if not seen[queue] then
    local key, slots = QUEUE .. queue, slots_of(queue, at)
    local average = tonumber(redis.call('HGET', AVERAGES, 'queue:' .. queue))
    seen[queue] = {
      slots = slots,
      running = redis.call('SCARD', key .. RUNNING),
      released = redis.call('ZCARD', key .. RELEASED),
      average = average,
      free = average and slots > 0 and slots <= FORETOLD and free_in(queue, slots, at),
    }
  end
  return seen[queue]
end

-- When a job is likely to start that has so many before it in its queue, ms; nil where nothing is known to tell by.
local function likely_start(queue, position, at)
  local found = seen_of(queue, at)
  if not found.average or found.slots == 0 then return nil end
  if not found.free then
    local idle = found.slots - found.running
    return at + math.floor(math.max(0, position + 1 - idle) * found.average / found.slots)
  end
  local free = found.free
  return at + math.floor(free[position % #free + 1] + math.floor(position / #free) * found.average)
end

-- The model that the job asks first, and until when that is booked up, ms; nil when it has room, to within a second's worth.
local function booked_up(job, at)
  local model = string.match(job.models or '', '^%S+')
  if not model then return nil end
  local known = redis.call('HMGET', RATE .. model, 'requests', 'tokens', 'paused')
  local room = math.max((known[1] or 0) - 1000, (known[2] or 0) - 1000, tonumber(known[3] or 0))
  if room > at then return model, math.ceil(room) end
end

-- About how many would be before a held job, if it were let in now.
local function position_if_let_in(id, job, at)
  local order, rank = QUEUE .. job.queue .. ORDER, nil
  if job.parked_at then
    local place = redis.call('ZSCORE', PARKED .. job.parked_at, id)
    rank = place and redis.call('ZRANK', PARKED .. job.parked_at, id) + redis.call('ZCOUNT', order, '-inf', '(' .. place)
  else
    rank = redis.call('ZRANK', order, id)
  end
  return rank and seen_of(job.queue, at).released + rank or 0
end

-- What a queued job waits for: the reason, the gate that is closed to it, who closed that (JSON) or how many wait there before
-- it, or the model and until when that is booked up, ms; then how many are before it in its queue (about so many if it is
-- held), and when it is likely to start, ms. An empty text where there is none.
local function outlook(id, job, at)
  local gate = paused('queue:' .. job.queue, 'kind:' .. job.kind)
  if gate then return { 'paused', gate, redis.call('HGET', PAUSES, gate), position_if_let_in(id, job, at), '' } end
  local strike
  gate, strike = struck(job)
  if gate then return { 'paused', gate, strike, position_if_let_in(id, job, at), '' } end
  if job.parked_at then
    local before = redis.call('ZRANK', PARKED .. job.parked_at, id)
    return { 'concurrency_limit', job.parked_at, before, position_if_let_in(id, job, at), '' }
  end
  local queue, found = QUEUE .. job.queue, seen_of(job.queue, at)
  local rank = redis.call('ZRANK', queue .. ORDER, id)
  local position = rank and found.released + rank or 0
  local start = likely_start(job.queue, position, at)
  local model, room = booked_up(job, at)
  local reason = 'worker_busy'
  if found.slots == 0 then
    reason = 'no_worker'
  elseif model and room > (start or at) then
    return { 'rate_limited', model, room, position, start or '' }
  elseif not rank and found.slots > found.running then
    reason = 'worker'
  elseif rank and position > (redis.call('ZRANK', queue .. WAITING, id) or position) then
    reason = 'fair_turn'
  end
  return { reason, '', '', position, start or '' }
end
