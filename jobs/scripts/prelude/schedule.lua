-- -- The order of a queue (docs/decisions/0016) ------------------------------------------------------------------------------

local URGENCY = 2 ^ 49 -- between the places of two priorities
local TURN_LENGTH = 1000 -- that a user of weight 1 is served for
local RELEASED_AT_ONCE = 100
local RECALLED_AT_ONCE = 50

local function turn_length(user)
  return math.max(1, math.floor(TURN_LENGTH / (WEIGHTS[user] or 1)))
end

-- Stands at its place in the order, or parked at a gate.
local function stand(id, job, place)
  local gate = gate_before(id, job, place)
  if gate then
    park(id, job, place, gate)
  else
    redis.call('ZADD', QUEUE .. job.queue .. ORDER, place, id)
  end
end

-- Takes a place: behind the last job of the same user, and not before the turn that is served now.
local function join(id, job)
  local queue, tenant = QUEUE .. job.queue, job.priority .. ':' .. job.user_id
  local served = tonumber(redis.call('HGET', queue .. TURN, job.priority) or job.priority * URGENCY)
  local place = math.max(served, tonumber(redis.call('ZSCORE', queue .. TENANTS, tenant) or 0))
  redis.call('ZADD', queue .. TENANTS, place + turn_length(job.user_id), tenant)
  redis.call('SADD', QUEUES, job.queue)
  stand(id, job, place)
end

-- Takes the place again that it had when it was released: nobody who came later is before it.
local function rejoin(id, job)
  stand(id, job, tonumber(job.turn or job.priority * URGENCY))
end

local function lane_of(queue, priority)
  return queue .. LANES[priority + 1]
end

local function text_of(id, job)
  return message(id, job.kind, job.queue, job.priority, id .. ':' .. job.deliveries)
end

-- The turn at `place` has come.
local function serve(queue, priority, place)
  local served = redis.call('HGET', queue .. TURN, priority)
  if not served or tonumber(served) < place then
    redis.call('HSET', queue .. TURN, priority, string.format('%.0f', place))
  end
end

-- Puts the message of a job on Celery's list: at the tail; at the head if it comes back, for it has waited its turn.
local function send(id, job, place, at)
  local queue = QUEUE .. job.queue
  local comes_back = job.turn
  job.deliveries = add(id, 'deliveries', 1)
  set(id, { turn = string.format('%.0f', place) })
  redis.call('ZREM', queue .. ORDER, id)
  redis.call('ZADD', queue .. RELEASED, at, id)
  redis.call(comes_back and 'RPUSH' or 'LPUSH', lane_of(job.queue, job.priority), text_of(id, job))
  serve(queue, job.priority, place)
  hold_fast(id, job)
end

-- How many jobs of the queue its workers could run at once.
local function slots_of(queue, at)
  local key, since = QUEUE .. queue .. SLOTS, at - WORKER_KEEP * 1000
  local slots = redis.call('ZCOUNT', key, since, '+inf')
  for _, share in ipairs(redis.call('SMEMBERS', QUEUE .. queue .. SHARES)) do
    slots = slots + (share - 1) * redis.call('ZCOUNT', key .. ':' .. share, since, '+inf')
  end
  return slots
end

-- How many messages may be out: those that could be taken now.
local function window(queue, at)
  if RELEASE_WINDOW > 0 then return RELEASE_WINDOW end
  return slots_of(queue, at) - redis.call('SCARD', QUEUE .. queue .. RUNNING)
end

-- Takes a job that was released back to its place, and its message off the list.
local function recall(id, job)
  local queue = QUEUE .. job.queue
  if redis.call('ZREM', queue .. RELEASED, id) == 0 then return end
  redis.call('LREM', lane_of(job.queue, job.priority), 1, text_of(id, job))
  rejoin(id, job)
end

-- What decides when a queued job runs, with the gate that is closed to it at this place.
local function weighed(id, place)
  local job = waiting(id)
  job.gate = gate_before(id, job, place)
  return job
end

-- Recalls the jobs that were released before a pause or a strike. Returns whether there may be more.
local function recall_closed(queue)
  local whole, recalled = paused('queue:' .. queue), 0
  for _, id in ipairs(redis.call('ZRANGE', QUEUE .. queue .. RELEASED, 0, 4 * RECALLED_AT_ONCE - 1)) do
    local readable, job = isolated(id, waiting)
    if readable and (whole or paused('kind:' .. job.kind) or struck(job)) then
      isolated(id, recall, job)
      recalled = recalled + 1
      if recalled == RECALLED_AT_ONCE then return true end
    end
  end
  return false
end

-- Releases the next jobs of the queue, so many at most; parks those that may not run. Returns how many it looked at, and
-- how many of them it parked.
local function release_next(queue, most, at)
  local next = redis.call('ZRANGE', QUEUE .. queue .. ORDER, 0, most - 1, 'WITHSCORES')
  local new, parked = {}, 0
  -- Of those that go to the head, the first is put there last.
  for i = #next - 1, 1, -2 do
    local id, place = next[i], tonumber(next[i + 1])
    local readable, job = isolated(id, weighed, place)
    if readable and job.gate then
      isolated(id, park, job, place, job.gate)
      parked = parked + 1
    elseif readable and job.turn then
      isolated(id, send, job, place, at)
    elseif readable then
      table.insert(new, { id, job, place })
    end
  end
  for i = #new, 1, -1 do isolated(new[i][1], send, new[i][2], new[i][3], at) end
  return #next / 2, parked
end

local function release_from(queue, at)
  if paused('queue:' .. queue) then return recall_closed(queue) end
  local room = window(queue, at) - redis.call('ZCARD', QUEUE .. queue .. RELEASED)
  local may_look_at = RELEASED_AT_ONCE
  while room > 0 and may_look_at > 0 do
    local most = math.min(room, may_look_at)
    local looked_at, parked = release_next(queue, most, at)
    if looked_at < most then
      redis.call('UNLINK', QUEUE .. queue .. TENANTS)
      return false
    end
    room = room - looked_at + parked
    may_look_at = may_look_at - looked_at
  end
  return room > 0
end

-- Decides which jobs of the queue, and of those that others have come back to, may run now. Returns whether there is room
-- for more of those that wait.
local function release(queue, at)
  open_freed()
  local more = release_from(queue, at)
  for other in pairs(stirred) do
    if other ~= queue then more = release_from(other, at) or more end
  end
  stirred = {}
  return more
end

-- Releases those that have come back into the order of any queue.
local function release_stirred(at)
  open_freed()
  for queue in pairs(stirred) do release(queue, at) end
end

-- Recalls, of a queue or of all, what was released before it was closed. Returns whether there may be more.
local function recall_from(target, at)
  local queue, more = string.match(target, '^queue:(.*)$'), false
  for _, name in ipairs(queue and { queue } or redis.call('SMEMBERS', QUEUES)) do more = recall_closed(name) or more end
  release_stirred(at)
  return more
end

-- Goes on with one of the gates that are open again. Returns whether there is more to do.
local function go_on_opening(at)
  local gate = redis.call('SRANDMEMBER', OPENING)
  if not gate then return false end
  open(gate)
  release_stirred(at)
  return redis.call('EXISTS', OPENING) == 1
end

-- A job that is no longer queued, but in `state`. One that never will run gives its turn back and leaves no message.
local function leave(id, job, state)
  local queue = QUEUE .. job.queue
  redis.call('ZREM', queue .. WAITING, id)
  if job.parked_at then
    redis.call('ZREM', PARKED .. job.parked_at, id)
    redis.call('ZREM', queue .. HELD, id)
    unset(id, 'parked_at')
  end
  local place = redis.call('ZSCORE', queue .. ORDER, id)
  if place or job.parked_at then
    redis.call('ZREM', queue .. ORDER, id)
    if state == 'running' then
      set(id, { turn = place })
      serve(queue, job.priority, tonumber(place))
    else
      redis.call('ZADD', queue .. TENANTS, 'XX', 'INCR', -turn_length(job.user_id), job.priority .. ':' .. job.user_id)
    end
  elseif redis.call('ZREM', queue .. RELEASED, id) == 1 and state ~= 'running' then
    redis.call('LREM', lane_of(job.queue, job.priority), 1, text_of(id, job))
  end
end
