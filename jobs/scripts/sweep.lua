-- sweep: whatever time has done to jobs: leases that ended, jobs that are due, messages that were lost, start deadlines
-- that passed, batches left half made or half cancelled, retention that is over. It only enqueues or ends jobs; it starts
-- none. Any number of workers may call it. When there is more than one sweep may do, the next one need not wait. One bad record
-- stops nothing else: it is put aside.
-- ARGV    pause     until the next sweep, ms
--         grace     before a missing message counts as lost, ms
--         most      jobs of each sort
--         lease     how long a lease is, ms
--         elapsed   since this sweeper last asked, ms by its own clock; nothing if it never has
-- RETURN  {leases ended, jobs due, messages lost, deadlines passed, 1 when there is more to do or 0}, or {} when another
--         worker swept just now
local at, last = now(), tonumber(redis.call('GET', SWEPT) or nil)
local STEADY = lease / 4 -- ms that the clock may be off without doing harm: a lease has more left, if its holder lives
local since = last and at - last or pause
if since < pause and since > -STEADY then return {} end
redis.call('SET', SWEPT, at)
hold_off_old_sweeps()

-- The clock has jumped: back, to before the last sweep; or forward, if more has passed by it since then than by the clock of
-- this sweeper, who has asked before, when that sweep was no more than a pause ago. What was to end has not, or seems to have
-- ended. So all leases begin anew: whose holder lives is renewed in time, and all others end one lease from now.
if since <= -STEADY or elapsed and since - elapsed > pause + STEADY then
  count('clock_jumps')
  for _, id in ipairs(redis.call('ZRANGE', LEASES, 0, -1)) do redis.call('ZADD', LEASES, at + lease, id) end
  -- Workers that reported in the future would be believed to live for as long.
  local reports = { WORKERS }
  for _, queue in ipairs(redis.call('SMEMBERS', QUEUES)) do
    local slots = QUEUE .. queue .. SLOTS
    table.insert(reports, slots)
    for _, share in ipairs(redis.call('SMEMBERS', QUEUE .. queue .. SHARES)) do table.insert(reports, slots .. ':' .. share) end
  end
  for _, key in ipairs(reports) do
    for _, worker in ipairs(redis.call('ZRANGEBYSCORE', key, at, '+inf')) do redis.call('ZADD', key, at, worker) end
  end
end

local more = false
local function due(key)
  local found = redis.call('ZRANGEBYSCORE', key, '-inf', at, 'LIMIT', 0, most)
  more = more or #found == most
  return found
end

-- Changes each of these, and returns of how many that went well.
local function each(ids, change)
  local well = 0
  for _, id in ipairs(ids) do
    if isolated(id, change, at) then well = well + 1 end
  end
  return well
end

local ended = each(due(LEASES), lose_worker)

-- A job that is due joins the end of its user's jobs; from then on it has to be started in time. One whose booked slot has
-- come rejoins: the slot does not wait.
local come = each(due(SCHEDULED), function(id)
  local job = get(id, 'state_reason', 'started_at', 'deadline')
  if not job.started_at then redis.call('ZADD', DEADLINES, job.deadline, id) end
  enter(id, 'queued', job.state_reason, at, {}, {}, job.state_reason == 'rate_limited')
end)

local expired = each(due(DEADLINES), function(id) enter(id, 'expired', 'start_deadline', at, {}) end)

-- The jobs that have a message on one of the queue's lanes; nil when those are too long to be looked through.
local SCAN = 2000
local function jobs_with_a_message(queue)
  local found = {}
  for _, lane in ipairs(LANE_SUFFIXES) do
    local messages = redis.call('LRANGE', queue .. lane, -SCAN, -1)
    if #messages == SCAN then return nil end
    for _, text in ipairs(messages) do
      local id = string.match(text, '"correlation_id": "([^"]+)"')
      if id then found[id] = true end
    end
  end
  return found
end

-- One that a worker of 0.1 has claimed meanwhile, by a message of its own, only leaves the queue.
local function send_again(id, queue)
  if get(id, 'state').state == 'queued' then
    rejoin(id, waiting(id))
  else
    redis.call('ZREM', queue .. WAITING, id)
  end
end

-- A released job without a message was popped by a worker that is about to claim it, or died with it; or somebody purged
-- the list. It counts as lost when it has been seen missing for the grace.
local function send_lost_again(queue)
  local key, lost = QUEUE .. queue, 0
  local released = redis.call('ZRANGE', key .. RELEASED, 0, SCAN - 1, 'WITHSCORES')
  local there = #released > 0 and jobs_with_a_message(queue)
  if not there then return 0 end
  for i = 1, #released, 2 do
    local id, seen = released[i], tonumber(released[i + 1])
    if there[id] then
      redis.call('ZADD', key .. RELEASED, at, id)
    elseif seen > 0 or -seen > at then
      redis.call('ZADD', key .. RELEASED, -at, id)
    elseif -seen + grace < at and lost < most then
      redis.call('ZREM', key .. RELEASED, id)
      if isolated(id, send_again, key) then lost = lost + 1 end
    end
  end
  return lost
end

local lost = 0
each(redis.call('SMEMBERS', QUEUES), function(queue)
  local key = QUEUE .. queue
  lost = lost + send_lost_again(queue)
  redis.call('ZREMRANGEBYSCORE', key .. SLOTS, '-inf', at - WORKER_KEEP * 1000)
  for _, share in ipairs(redis.call('SMEMBERS', key .. SHARES)) do
    redis.call('ZREMRANGEBYSCORE', key .. SLOTS .. ':' .. share, '-inf', at - WORKER_KEEP * 1000)
    if redis.call('EXISTS', key .. SLOTS .. ':' .. share) == 0 then redis.call('SREM', key .. SHARES, share) end
  end
  more = release(queue, at) or more
  -- Users whose last turn has ended are as if they had never been.
  local served = redis.call('HGETALL', key .. TURN)
  for i = 1, #served, 2 do
    local over = redis.call('ZRANGEBYSCORE', key .. TENANTS, served[i] * URGENCY, served[i + 1], 'LIMIT', 0, most)
    if #over > 0 then redis.call('ZREM', key .. TENANTS, unpack(over)) end
  end
end)

more = go_on_opening(at) or more
more = go_on_purging(at) or more

-- Jobs that version 0.1 queued, in the order in which they waited; the most urgent lane first.
local lanes = redis.call('SMEMBERS', OLD_LANES)
table.sort(lanes)
for _, lane in ipairs(lanes) do
  local found = redis.call('ZRANGE', OLD_QUEUED .. lane, 0, most - 1)
  each(found, function(id)
    redis.call('ZREM', OLD_QUEUED .. lane, id)
    local job = get(id, 'state', 'kind', 'queue', 'priority', 'user_id', 'queued_at', 'created_at')
    if job.state == 'queued' then
      redis.call('ZADD', QUEUE .. job.queue .. WAITING, job.queued_at or job.created_at, id)
      join(id, job)
    end
  end)
  more = more or #found == most
end
if #lanes > 0 and redis.call('TTL', OLD_LANES) == -1 then redis.call('EXPIRE', OLD_LANES, DAY) end

each(redis.call('ZRANGE', EXPANDING, 0, 0), function(batch) more = expand(batch, at, most) > 0 or more end)
each(redis.call('ZRANGE', CANCELLING, 0, 0), function(batch) more = go_on_cancelling(batch, most, at) or more end)

each(due(RETAINED), function(member)
  local id, kind, state, user = string.match(member, '^(%S+) (%S+) (%S+) (%S*)$')
  redis.call('ZREM', RETAINED, member)
  redis.call('ZREM', DEAD, id)
  redis.call('ZREM', INDEX_ALL, id)
  redis.call('ZREM', INDEX_STATE .. state, id)
  redis.call('ZREM', INDEX_KIND .. kind, id)
  if user ~= '' then redis.call('ZREM', INDEX_USER .. user, id) end
end)
redis.call('ZREMRANGEBYSCORE', WORKERS, '-inf', at - WORKER_KEEP * 1000)

if ended > 0 then count('leases_expired', ended) end
if lost > 0 then count('messages_lost', lost) end
if more then redis.call('SET', SWEPT, at - pause) end
return { ended, come, lost, expired, more and 1 or 0 }
