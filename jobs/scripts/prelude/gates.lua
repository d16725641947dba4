-- -- Gates: what keeps queued jobs from running ------------------------------------------------------------------------------

-- A gate is named for what passes it, such as `kind:story`. A job that may not pass is parked there: it is out of the order
-- of its queue, and keeps the place that it had.

local any_pause -- whether anything is paused at all; most often nothing is
local stirred = {} -- queues to whose order parked jobs have come back

-- The first of these gates that somebody has paused.
local function paused(...)
  if any_pause == nil then any_pause = redis.call('EXISTS', PAUSES) == 1 end
  if not any_pause then return nil end
  local gates = { ... }
  for position, pause in ipairs(redis.call('HMGET', PAUSES, ...)) do
    if pause then return gates[position] end
  end
end

-- The gate that is closed to a job of this kind; nil when it may run.
local function gate_before(job)
  return paused('kind:' .. job.kind)
end

-- Takes a job from one of its queue's sets to another, with the time since when it is queued.
local function move(id, queue, from, to)
  local since = redis.call('ZSCORE', QUEUE .. queue .. from, id)
  redis.call('ZREM', QUEUE .. queue .. from, id)
  redis.call('ZADD', QUEUE .. queue .. to, since, id)
end

local function park(id, job, place, gate)
  redis.call('ZREM', QUEUE .. job.queue .. ORDER, id)
  redis.call('ZADD', PARKED .. gate, place, id)
  move(id, job.queue, WAITING, HELD)
  set(id, { parked_at = gate })
end

-- Lets parked jobs back into the order of their queues, so many at most; returns whether there are more.
local function open(gate, most)
  local function come_back(id, place)
    redis.call('ZREM', PARKED .. gate, id)
    local queue = get(id, 'queue').queue
    redis.call('ZADD', QUEUE .. queue .. ORDER, place, id)
    move(id, queue, HELD, WAITING)
    unset(id, 'parked_at')
    stirred[queue] = true
  end
  local next = redis.call('ZRANGE', PARKED .. gate, 0, most - 1, 'WITHSCORES')
  for i = 1, #next, 2 do isolated(next[i], come_back, next[i + 1]) end
  local more = #next / 2 == most
  redis.call(more and 'SADD' or 'SREM', OPENING, gate)
  return more
end
