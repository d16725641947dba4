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

-- When a job is likely to start that has so many before it in its queue, ms; nil where nothing is known to tell by.
local function likely_start(queue, position, slots, at)
  local average = tonumber(redis.call('HGET', AVERAGES, 'queue:' .. queue))
  if not average or slots == 0 then return nil end
  if slots > FORETOLD then
    local idle = slots - redis.call('SCARD', QUEUE .. queue .. RUNNING)
    return at + math.floor(math.max(0, position + 1 - idle) * average / slots)
  end
  local free = free_in(queue, slots, at)
  return at + math.floor(free[position % #free + 1] + math.floor(position / #free) * average)
end

-- What a queued job waits for: the reason, the gate that is closed to it, who closed that (JSON) or how many wait there before
-- it; then how many are before it in its queue, and when it is likely to start, ms. An empty text where there is none.
local function outlook(id, job, at)
  local gate = paused('queue:' .. job.queue, 'kind:' .. job.kind)
  if gate then return { 'paused', gate, redis.call('HGET', PAUSES, gate), '', '' } end
  local strike
  gate, strike = struck(job)
  if gate then return { 'paused', gate, strike, '', '' } end
  if job.parked_at then
    return { 'concurrency_limit', job.parked_at, redis.call('ZRANK', PARKED .. job.parked_at, id), '', '' }
  end
  local queue = QUEUE .. job.queue
  local rank = redis.call('ZRANK', queue .. ORDER, id)
  local position = rank and redis.call('ZCARD', queue .. RELEASED) + rank or 0
  local slots = slots_of(job.queue, at)
  local reason = 'worker_busy'
  if slots == 0 then
    reason = 'no_worker'
  elseif not rank and slots > redis.call('SCARD', queue .. RUNNING) then
    reason = 'worker'
  elseif rank and position > (redis.call('ZRANK', queue .. WAITING, id) or position) then
    reason = 'fair_turn'
  end
  return { reason, '', '', position, likely_start(job.queue, position, slots, at) or '' }
end
