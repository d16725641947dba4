-- sweep: whatever time has done to jobs: leases that ended, retries that are due, messages that were lost, start deadlines
-- that passed, batches left half made, retention that is over. It only enqueues or ends jobs; it starts none. Any number
-- of workers may call it. When there is more than one sweep may do, the next one need not wait.
-- ARGV    pause   until the next sweep, ms
--         grace   before a missing message counts as lost, ms
--         most    jobs of each sort
-- RETURN  {leases ended, retries due, messages lost, deadlines passed, 1 when there is more to do or 0}, or {} when another
--         worker swept just now
if not redis.call('SET', SWEEPING, '1', 'NX', 'PX', pause) then return {} end
local at = now()

local more = false
local function due(key)
  local found = redis.call('ZRANGEBYSCORE', key, '-inf', at, 'LIMIT', 0, most)
  more = more or #found == most
  return found
end

local ended = due(LEASES)
-- Each goes to the head of its lane: the one that ended first is put there last, and so runs first.
for i = #ended, 1, -1 do lose_worker(ended[i], at) end

-- A retry joins the end of its queue. A job whose booked slot has come goes to the head: the slot does not wait.
local retries = due(SCHEDULED)
local booked = {}
for _, id in ipairs(retries) do
  local reason = get(id, 'state_reason').state_reason
  enter(id, 'queued', reason, at, {})
  if reason == 'rate_limited' then table.insert(booked, id) else send(id, at) end
end
for i = #booked, 1, -1 do send(booked[i], at, true) end

local expired = due(DEADLINES)
for _, id in ipairs(expired) do enter(id, 'expired', 'start_deadline', at, {}) end

-- The order number of the next message a worker will pop, math.huge when no queued job has one, nil when unknown.
local SCAN = 50
local function frontier(lane)
  local messages = redis.call('LRANGE', lane, -SCAN, -1)
  for i = #messages, 1, -1 do
    local id = string.match(messages[i], '"correlation_id": "([^"]+)"')
    local order = id and redis.call('ZSCORE', QUEUED .. lane, id)
    if order then return tonumber(order) end
  end
  if #messages < SCAN then return math.huge end
end

-- A job that stands before the next message on its lane has none: popped by a worker that is about to claim the job, or
-- died with it. It counts as lost when it has been seen missing for the grace.
-- A message too many costs a refused claim; so that they cannot pile up, none is pushed on a lane that is already longer
-- than its jobs are many.
local lost = 0
for _, lane in ipairs(redis.call('SMEMBERS', LANES)) do
  local waiting = redis.call('ZCARD', QUEUED .. lane)
  local next = waiting > 0 and redis.call('LLEN', lane) < waiting + most and frontier(lane)
  if next then
    local first = redis.call('ZRANGEBYSCORE', QUEUED .. lane, '-inf', '(' .. next, 'LIMIT', 0, most)
    for i = #first, 1, -1 do
      local since = get(first[i], 'missing_since').missing_since
      if not since then
        set(first[i], { missing_since = at })
      elseif since + grace < at then
        send(first[i], at, true)
        lost = lost + 1
      end
    end
  end
end

for _, batch in ipairs(redis.call('ZRANGE', EXPANDING, 0, 0)) do more = expand(batch, at, most) > 0 or more end

for _, member in ipairs(due(RETAINED)) do
  local id, kind, state, user = string.match(member, '^(%S+) (%S+) (%S+) (%S*)$')
  redis.call('ZREM', RETAINED, member)
  redis.call('ZREM', DEAD, id)
  redis.call('ZREM', INDEX_ALL, id)
  redis.call('ZREM', INDEX_STATE .. state, id)
  redis.call('ZREM', INDEX_KIND .. kind, id)
  if user ~= '' then redis.call('ZREM', INDEX_USER .. user, id) end
end
redis.call('ZREMRANGEBYSCORE', WORKERS, '-inf', at - WORKER_KEEP * 1000)

if #ended > 0 then count('leases_expired', #ended) end
if lost > 0 then count('messages_lost', lost) end
more = more or lost >= most
if more then redis.call('DEL', SWEEPING) end
return { #ended, #retries, lost, #expired, more and 1 or 0 }
