-- Stands before every script, after the constants that jobs/scripts/__init__.py writes from jobs/keys.py, jobs/record.py
-- and the settings. No key is declared to Redis: one server holds all of them, as Celery's broker needs it anyway.
-- A script may be sent twice (a reply was lost on the way): a repeat does no harm, and is answered as the first was. The
-- answers of three differ, and nobody needs the first: settle says that it is settled; sweep and expand_batch do what is
-- left.

-- -- Time, counters, events -----------------------------------------------------------------------------------------------

-- Milliseconds since the epoch by this server's clock, the only clock for leases and dates.
local function now()
  local time = redis.call('TIME')
  return time[1] * 1000 + math.floor(time[2] / 1000)
end

-- The day, UTC, as a number since the epoch.
local function day_of(at)
  return string.format('%d', math.floor(at / 86400000))
end

local function count(counter, by)
  redis.call('HINCRBY', STATS, counter, by or 1)
end

-- Adds a duration in ms to the histogram `series` of a kind; BOUNDS are seconds.
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

-- Event number `sequence` of the job or batch that is kept at `key`.
local function append(key, sequence, event, at, data)
  redis.call('XADD', key .. EVENTS, 'MAXLEN', '~', MAX_EVENTS, sequence .. '-0',
    'event', event, 'at', at, 'data', cjson.encode(data))
end

-- Its next event. The numbers are its own, 1, 2, 3, ..., so that a gap can be seen.
local function emit(key, event, at, data)
  append(key, redis.call('HINCRBY', key, 'events', 1), event, at, data)
end

-- The next event of a job. Its first one, that it was queued, is written with the second: most wait for that for long.
local function emit_job(id, event, at, data)
  local key = JOB .. id
  local sequence = redis.call('HINCRBY', key, 'events', 1)
  if sequence == 1 then
    append(key, 1, 'queued', redis.call('HGET', key, 'created_at'), { state = 'queued' })
    sequence = redis.call('HINCRBY', key, 'events', 1)
  end
  append(key, sequence, event, at, data)
end

-- -- The record of a job: only fields of jobs/record.py ---------------------------------------------------------------------

local IS_FIELD = {}
for _, name in ipairs(FIELDS) do IS_FIELD[name] = true end
for _, name in ipairs(FAMILIES) do IS_FIELD[name .. ':'] = true end

local function checked(name)
  if IS_FIELD[name] or IS_FIELD[string.match(name, '^[^:]*:?')] then return name end
  error('a job has no field ' .. name)
end

-- The named fields, by name; false for one that is not there and has no default.
local function get(id, ...)
  local names, found = { ... }, {}
  for _, name in ipairs(names) do checked(name) end
  local values = redis.call('HMGET', JOB .. id, ...)
  for position, name in ipairs(names) do found[name] = values[position] or DEFAULTS[name] or false end
  return found
end

local function set(id, fields)
  local flat = {}
  for name, value in pairs(fields) do
    table.insert(flat, checked(name))
    table.insert(flat, value)
  end
  if #flat > 0 then redis.call('HSET', JOB .. id, unpack(flat)) end
end

local function add(id, name, by)
  return redis.call('HINCRBY', JOB .. id, checked(name), by)
end

local function unset(id, ...)
  for _, name in ipairs({ ... }) do checked(name) end
  redis.call('HDEL', JOB .. id, ...)
end

-- -- The order of a queue (docs/decisions/0016) ------------------------------------------------------------------------------

local URGENCY = 2 ^ 49 -- between the places of two priorities
local TURN_LENGTH = 1000 -- that a user of weight 1 is served for
local RELEASED_AT_ONCE = 100

local function turn_length(user)
  return math.max(1, math.floor(TURN_LENGTH / (WEIGHTS[user] or 1)))
end

-- Takes a place: behind the last job of the same user, and not before the turn that is served now.
local function join(id, job)
  local queue, tenant = QUEUE .. job.queue, job.priority .. ':' .. job.user_id
  local served = tonumber(redis.call('HGET', queue .. TURN, job.priority) or job.priority * URGENCY)
  local place = math.max(served, tonumber(redis.call('ZSCORE', queue .. TENANTS, tenant) or 0))
  redis.call('ZADD', queue .. TENANTS, place + turn_length(job.user_id), tenant)
  redis.call('ZADD', queue .. ORDER, place, id)
  redis.call('SADD', QUEUES, job.queue)
end

-- Takes the place again that it had when it was released: nobody who came later is before it.
local function rejoin(id, job)
  redis.call('ZADD', QUEUE .. job.queue .. ORDER, job.turn or job.priority * URGENCY, id)
end

local function lane_of(queue, priority)
  return queue .. LANES[priority + 1]
end

local function text_of(id, job)
  return message(id, job.kind, job.queue, job.priority, id .. ':' .. job.deliveries)
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
  local served = redis.call('HGET', queue .. TURN, job.priority)
  if not served or tonumber(served) < place then
    redis.call('HSET', queue .. TURN, job.priority, string.format('%.0f', place))
  end
end

-- How many messages may be out: those that idle workers could take now.
local function window(queue, at)
  if RELEASE_WINDOW > 0 then return RELEASE_WINDOW end
  local workers = redis.call('ZCOUNT', QUEUE .. queue .. SLOTS, at - WORKER_KEEP * 1000, '+inf')
  return workers - redis.call('SCARD', QUEUE .. queue .. RUNNING)
end

-- Decides which jobs of the queue may run now. Returns whether there is room for more of those that wait.
local function release(queue, at)
  local room = window(queue, at) - redis.call('ZCARD', QUEUE .. queue .. RELEASED)
  if room <= 0 then return false end
  local most = math.min(room, RELEASED_AT_ONCE)
  local next = redis.call('ZRANGE', QUEUE .. queue .. ORDER, 0, most - 1, 'WITHSCORES')
  local new = {}
  -- Of those that go to the head, the first is put there last.
  for i = #next - 1, 1, -2 do
    local id, place = next[i], tonumber(next[i + 1])
    local job = get(id, 'kind', 'queue', 'priority', 'turn')
    if job.turn then send(id, job, place, at) else table.insert(new, { id, job, place }) end
  end
  for i = #new, 1, -1 do send(new[i][1], new[i][2], new[i][3], at) end
  if #next / 2 < most then
    redis.call('UNLINK', QUEUE .. queue .. TENANTS)
    return false
  end
  return room > most
end

-- A job that is no longer queued, but in `state`. One that never will run gives its turn back and leaves no message.
local function leave(id, job, state)
  local queue = QUEUE .. job.queue
  redis.call('ZREM', queue .. WAITING, id)
  local place = redis.call('ZSCORE', queue .. ORDER, id)
  if place then
    redis.call('ZREM', queue .. ORDER, id)
    if state == 'running' then
      set(id, { turn = place })
    else
      redis.call('ZADD', queue .. TENANTS, 'XX', 'INCR', -turn_length(job.user_id), job.priority .. ':' .. job.user_id)
    end
  elseif redis.call('ZREM', queue .. RELEASED, id) == 1 and state ~= 'running' then
    redis.call('LREM', lane_of(job.queue, job.priority), 1, text_of(id, job))
  end
end

-- -- Usage ------------------------------------------------------------------------------------------------------------------

-- Counts what calls used of models: for the job, for the day, and for the user on that day. `items` are usage items, costs
-- in micro-dollars and left out where no price is known.
local COUNTS = { 'calls', 'input_tokens', 'output_tokens', 'images', 'cost' }
local function use(id, user, day, items)
  for _, hash in ipairs({ JOB .. id, USAGE .. day, USAGE .. day .. ':' .. user }) do
    for _, item in ipairs(items) do
      local model = ':' .. item.provider .. '/' .. item.model
      for _, name in ipairs(COUNTS) do
        if (item[name] or 0) > 0 then redis.call('HINCRBY', hash, 'usage:' .. name .. model, item[name]) end
      end
      if not item.cost then redis.call('HINCRBY', hash, 'usage:unpriced' .. model, item.calls) end
    end
    if hash ~= JOB .. id then redis.call('EXPIRE', hash, USAGE_KEEP) end
  end
end

-- -- States -----------------------------------------------------------------------------------------------------------------

local FINAL = { completed = true, failed = true, cancelled = true, expired = true }

-- Takes so many jobs of a batch from one count to another; when the last one has ended, so has the batch.
local function recount(batch, from, to, by, at)
  local key = BATCH .. batch
  redis.call('HINCRBY', key, from, -by)
  redis.call('HINCRBY', key, to, by)
  if not FINAL[to] or redis.call('HINCRBY', key, 'unfinished', -by) > 0 then return end
  local state = redis.call('HGET', key, 'cancelled_at') and 'cancelled' or 'completed'
  redis.call('HSET', key, 'state', state, 'finished_at', at)
  emit(key, state, at, { state = state })
  for _, suffix in ipairs({ '', EVENTS, MEMBERS }) do redis.call('EXPIRE', key .. suffix, KEEP) end
end

-- A job of a batch has entered a state.
local function count_in_batch(batch, id, from, to, at)
  if FINAL[to] then
    emit(BATCH .. batch, 'job', at, { job = id, custom_id = get(id, 'custom_id').custom_id, state = to })
  end
  recount(batch, from, to, 1, at)
end

-- Lets every key of a finished job end, and counts it. `job` has the kind and the user_id.
local function close(id, state, at, job)
  unset(id, 'turn', 'deliveries', 'claim', 'lease_until', 'waiting_for', 'waiting_since', 'waiting_until')
  redis.call('ZREM', DEADLINES, id)
  redis.call('ZADD', RETAINED, at + KEEP * 1000, table.concat({ id, job.kind, state, job.user_id }, ' '))
  if state == 'failed' then redis.call('ZADD', DEAD, at, id) end
  for _, suffix in ipairs({ '', INPUT, EVENTS, STEPS, FILES }) do redis.call('EXPIRE', JOB .. id .. suffix, KEEP) end
  if job.user_id ~= '' then redis.call('EXPIRE', INDEX_USER .. job.user_id, INDEX_KEEP) end
  count('finished:' .. job.kind .. ':' .. state)
end

-- The one way from a state to the next: the record, the sets of the old state, the index and the event.
-- `data` goes into the event, `fields` into the record. One that is queued again joins the end of its user's jobs, or
-- rejoins at the place that it had.
local function enter(id, state, reason, at, data, fields, rejoins)
  local job = get(id, 'state', 'queue', 'priority', 'turn', 'deliveries', 'kind', 'user_id', 'created_at',
    'running_since', 'batch')
  local queue = QUEUE .. job.queue
  set(id, fields or {})
  set(id, { state = state, state_reason = reason })
  if job.state == 'queued' then
    leave(id, job, state)
  elseif job.state == 'running' then
    redis.call('ZREM', LEASES, id)
    redis.call('SREM', queue .. RUNNING, id)
    unset(id, 'lease_until', 'waiting_for', 'waiting_since', 'waiting_until')
    observe('run_seconds', job.kind, at - job.running_since)
  elseif job.state == 'scheduled' then
    redis.call('ZREM', SCHEDULED, id)
    unset(id, 'retry_at')
  end
  redis.call('ZREM', INDEX_STATE .. job.state, id)
  redis.call('ZADD', INDEX_STATE .. state, job.created_at, id)
  data.state = state
  if reason ~= '' then data.reason = reason end
  if FINAL[state] then set(id, { finished_at = at }) end
  emit_job(id, state, at, data)
  if FINAL[state] then close(id, state, at, job) end
  if job.batch and job.batch ~= '' then count_in_batch(job.batch, id, job.state, state, at) end
  if state == 'running' then
    redis.call('SADD', queue .. RUNNING, id)
    return
  end
  if state == 'queued' then
    set(id, { queued_at = at })
    redis.call('ZADD', queue .. WAITING, at, id)
    if rejoins then
      rejoin(id, job)
    else
      unset(id, 'turn')
      join(id, job)
    end
  end
  release(job.queue, at)
end

-- -- Making jobs ------------------------------------------------------------------------------------------------------------

-- What a request under the same Idempotency-Key has made, and its fingerprint; nil when that is no longer kept.
local function made_before(key)
  local made, fingerprint = unpack(redis.call('HMGET', key, 'job', 'fingerprint'), 1, 2)
  if made and redis.call('EXISTS', JOB .. made, BATCH .. made) > 0 then return made, fingerprint end
end

local function note_made(key, made, fingerprint, seconds)
  if fingerprint == '' then return end
  redis.call('HSET', key, 'job', made, 'fingerprint', fingerprint)
  redis.call('EXPIRE', key, seconds)
end

-- nothing -> queued: a record of these fields, to be started within so many ms. Its queue is to be released from then.
local function make_job(id, at, within, fields)
  redis.call('SET', JOB .. id .. INPUT, fields.input)
  fields.input = nil
  for name, default in pairs(DEFAULTS) do
    fields[name] = fields[name] or default
  end
  redis.call('ZADD', INDEX_ALL, at, id)
  redis.call('ZADD', INDEX_STATE .. 'queued', at, id)
  redis.call('ZADD', INDEX_KIND .. fields.kind, at, id)
  if fields.user_id ~= '' then
    redis.call('ZADD', INDEX_USER .. fields.user_id, at, id)
    redis.call('EXPIRE', INDEX_USER .. fields.user_id, INDEX_KEEP)
  end
  redis.call('ZADD', DEADLINES, at + within, id)
  redis.call('ZADD', QUEUE .. fields.queue .. WAITING, at, id)
  join(id, fields)
  count('created:' .. fields.kind)
  for name, default in pairs(DEFAULTS) do
    if fields[name] == default then fields[name] = nil end
  end
  set(id, fields)
  set(id, { state = 'queued', created_at = at, deadline = at + within })
end

-- Makes the next jobs of a batch, so many at most; returns how many are still to be made. Each stands on the pending list
-- as its id, the ms to start it in, and the fields of its record, name and value; version 0.1 added some that are none now.
local function expand(batch, at, most)
  local key, queues = BATCH .. batch, {}
  local next = redis.call('LPOP', key .. PENDING, most) or {}
  for _, item in ipairs(next) do
    local job, fields = cjson.decode(item), {}
    for i = 3, #job, 2 do
      if IS_FIELD[job[i]] then fields[job[i]] = job[i + 1] end
    end
    queues[fields.queue] = true
    make_job(job[1], at, job[2], fields)
  end
  if #next > 0 then recount(batch, 'pending', 'queued', #next, at) end
  local left = redis.call('LLEN', key .. PENDING)
  if left == 0 then redis.call('ZREM', EXPANDING, batch) end
  for queue in pairs(queues) do release(queue, at) end
  return left
end

-- -- Leases -----------------------------------------------------------------------------------------------------------------

-- Whether the job runs under this fence; else its state and the current fence, for the refusal.
local function holds(id, fence)
  local job = get(id, 'state', 'fence')
  return job.state == 'running' and tonumber(job.fence) == fence, job.state, tonumber(job.fence)
end

-- The answer to a worker that no longer holds the job.
local function refuse(state)
  count('writes_refused')
  return { 0, state or 'gone' }
end

-- running -> queued at the head, or failed when its attempts are used up. Returns the new state.
local function run_again(id, at, reason, message)
  local job = get(id, 'attempt', 'max_attempts')
  if tonumber(job.attempt) < tonumber(job.max_attempts) then
    enter(id, 'queued', reason, at, { attempt = tonumber(job.attempt) }, {}, true)
    return 'queued'
  end
  local failure = { reason = reason, message = message }
  enter(id, 'failed', reason, at, { error = failure }, { error = cjson.encode(failure) })
  return 'failed'
end

local function lose_worker(id, at)
  local job = get(id, 'attempt', 'max_attempts')
  return run_again(id, at, 'worker_lost',
    string.format('The worker was lost in attempt %s of %s.', job.attempt, job.max_attempts))
end

