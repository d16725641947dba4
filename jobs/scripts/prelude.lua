-- Stands before every script, after the constants that jobs/scripts/__init__.py writes from jobs/keys.py and the policy.
-- A script may be sent twice (a reply was lost on the way): each one answers a repeat as it answered the first.

-- Milliseconds since the epoch by this server's clock, the only clock for leases and dates.
local function now()
  local time = redis.call('TIME')
  return time[1] * 1000 + math.floor(time[2] / 1000)
end

local function count(counter, by)
  redis.call('HINCRBY', STATS, counter, by or 1)
end

-- Adds a duration in ms to the histogram `series` of a kind; the bounds are seconds.
local BOUNDS = { 0.1, 0.5, 1, 5, 15, 60, 300, 900, 3600 }
local function observe(series, kind, ms)
  local bucket = '+Inf'
  for _, bound in ipairs(BOUNDS) do
    if ms <= bound * 1000 then
      bucket = bound
      break
    end
  end
  count(series .. ':' .. kind .. ':' .. bucket)
  count(series .. ':' .. kind .. ':sum', math.floor(ms))
end

-- Appends an event. Entry ids are the job's own sequence, 1-0, 2-0, ..., so that a gap can be seen.
local function emit(id, event, at, data)
  local sequence = redis.call('HINCRBY', JOB .. id, 'events', 1)
  redis.call('XADD', JOB .. id .. EVENTS, 'MAXLEN', '~', MAX_EVENTS, sequence .. '-0',
    'event', event, 'at', at, 'data', cjson.encode(data))
end

-- Puts the job's Celery message on its lane, with a fresh delivery tag; at the head if it has waited its turn before.
local function hint(id, at, head)
  local job = redis.call('HMGET', JOB .. id, 'lane', 'message')
  local tag = id .. ':' .. redis.call('HINCRBY', JOB .. id, 'deliveries', 1)
  local message = string.gsub(job[2], DELIVERY_TAG, tag)
  local order = at
  if head then
    local first = redis.call('ZRANGE', QUEUED .. job[1], 0, 0, 'WITHSCORES')
    if first[2] then order = math.min(at, tonumber(first[2]) - 1) end
    redis.call('RPUSH', job[1], message)
  else
    redis.call('LPUSH', job[1], message)
  end
  redis.call('ZADD', QUEUED .. job[1], order, id)
  redis.call('HSET', JOB .. id, 'hinted_at', at)
end

local FINAL = { completed = true, failed = true, cancelled = true, expired = true }

-- Lets every key of a finished job end, and counts it.
local function close(id, state, at, job)
  redis.call('HDEL', JOB .. id, 'message', 'claim', 'lease_until', 'waiting_for', 'waiting_since')
  redis.call('ZREM', DEADLINES, id)
  redis.call('ZADD', RETAINED, at + KEEP * 1000, table.concat({ id, job.kind, state, job.user_id }, ' '))
  if state == 'failed' then redis.call('ZADD', DEAD, at, id) end
  redis.call('EXPIRE', JOB .. id, KEEP)
  redis.call('EXPIRE', JOB .. id .. EVENTS, KEEP)
  redis.call('EXPIRE', JOB .. id .. STEPS, KEEP)
  if job.user_id ~= '' then redis.call('EXPIRE', INDEX_USER .. job.user_id, INDEX_KEEP) end
  count('finished:' .. job.kind .. ':' .. state)
end

-- The one way from a state to the next: the record, the zset of the old state, the index and the event.
-- `fields` are further hash fields to set, flat.
local function enter(id, state, reason, at, data, fields)
  local held = redis.call('HMGET', JOB .. id, 'state', 'lane', 'kind', 'user_id', 'created_at', 'running_since')
  local job = { state = held[1], lane = held[2], kind = held[3], user_id = held[4], created_at = held[5] }
  redis.call('HSET', JOB .. id, 'state', state, 'state_reason', reason, unpack(fields or {}))
  if job.state == 'queued' then
    redis.call('ZREM', QUEUED .. job.lane, id)
  elseif job.state == 'running' then
    redis.call('ZREM', LEASES, id)
    redis.call('HDEL', JOB .. id, 'lease_until', 'waiting_for', 'waiting_since')
    observe('run_seconds', job.kind, at - held[6])
  elseif job.state == 'scheduled' then
    redis.call('ZREM', SCHEDULED, id)
    redis.call('HDEL', JOB .. id, 'retry_at')
  end
  redis.call('ZREM', INDEX_STATE .. job.state, id)
  redis.call('ZADD', INDEX_STATE .. state, job.created_at, id)
  data.state = state
  if reason ~= '' then data.reason = reason end
  if FINAL[state] then redis.call('HSET', JOB .. id, 'finished_at', at) end
  emit(id, state, at, data)
  if FINAL[state] then close(id, state, at, job) end
end

-- Whether the job runs under this fence; else its state, for the refusal.
local function holds(id, fence)
  local job = redis.call('HMGET', JOB .. id, 'state', 'fence')
  return job[1] == 'running' and job[2] == fence, job[1], job[2]
end

-- The answer to a holder that is none any more.
local function refuse(state)
  count('writes_refused')
  return { 0, state or 'gone' }
end

-- running -> queued at the head, or failed when its attempts are used up.
local function lose(id, at)
  local job = redis.call('HMGET', JOB .. id, 'attempt', 'max_attempts')
  if tonumber(job[1]) < tonumber(job[2]) then
    enter(id, 'queued', 'worker_lost', at, { attempt = tonumber(job[1]) })
    hint(id, at, true)
  else
    local message = 'The worker was lost in attempt ' .. job[1] .. ' of ' .. job[2] .. '.'
    local failure = { reason = 'worker_lost', message = message }
    enter(id, 'failed', 'worker_lost', at, { error = failure }, { 'error', cjson.encode(failure) })
  end
end
