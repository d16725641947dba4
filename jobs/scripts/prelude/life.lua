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

-- The key under which a user's job is known that has this dedup key.
local function dedup_of(user, key)
  return DEDUP .. user .. ' ' .. key
end

-- Lets every key of a finished job end, and counts it. `job` has the kind, the user_id, the dedup_key, the
-- retention and whether it has booked.
local function close(id, state, at, job)
  if job.booked then give_back_places(id, at) end
  local keep = math.min(KEEP, tonumber(job.retention or KEEP))
  unset(id, 'turn', 'deliveries', 'lease_until', 'waiting_for', 'waiting_since', 'waiting_until')
  redis.call('ZREM', DEADLINES, id)
  redis.call('ZADD', RETAINED, at + keep * 1000, table.concat({ id, job.kind, state, job.user_id }, ' '))
  if state == 'failed' then redis.call('ZADD', DEAD, at, id) end
  local known_as = job.dedup_key and dedup_of(job.user_id, job.dedup_key)
  if known_as and redis.call('TTL', known_as) == -1 and redis.call('GET', known_as) == id then
    redis.call('DEL', known_as)
  end
  for _, suffix in ipairs({ '', INPUT, EVENTS, STEPS, FILES }) do redis.call('EXPIRE', JOB .. id .. suffix, keep) end
  if job.user_id ~= '' then redis.call('EXPIRE', INDEX_USER .. job.user_id, INDEX_KEEP) end
  count('finished:' .. job.kind .. ':' .. state)
end

-- The one way from a state to the next: the record, the sets of the old state, the index and the event.
-- `data` goes into the event, `fields` into the record. One that is queued again joins the end of its user's jobs, or
-- rejoins at the place that it had. Returns the queue, which has room or work for `release` then.
local function enter(id, state, reason, at, data, fields, rejoins)
  local job = get(id, 'state', 'queue', 'priority', 'turn', 'deliveries', 'kind', 'user_id', 'created_at',
    'running_since', 'batch', 'dedup_key', 'retention', 'parked_at', 'concurrency_key', 'concurrency_limit', 'slots', 'models',
    'booked')
  -- Before the first write, for nothing takes one back.
  assert(job.state and job.queue and job.kind and LANES[(tonumber(job.priority) or -1) + 1] and tonumber(job.created_at)
    and (job.state ~= 'running' or tonumber(job.running_since)), 'its record lacks what every job has')
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
    if state == 'completed' or state == 'failed' then learn(job, at - job.running_since) end
  elseif job.state == 'scheduled' then
    redis.call('ZREM', SCHEDULED, id)
    unset(id, 'retry_at')
  end
  if state ~= 'running' and not (job.state == 'running' and rejoins) then unbook(id, job) end
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
  elseif state == 'queued' then
    set(id, { queued_at = at })
    redis.call('ZADD', queue .. WAITING, at, id)
    if rejoins then
      rejoin(id, job)
    else
      unset(id, 'turn')
      join(id, job)
    end
  end
  return job.queue
end

-- Any state that is not final -> cancelled; the process that runs the job is told at once. Returns the queue to release.
local function cancel(id, state, reason, at, data)
  local queue = enter(id, 'cancelled', reason, at, data)
  if state == 'running' then
    local signal = SIGNAL .. string.match(get(id, 'claim').claim or '', '^[^:]*')
    redis.call('LPUSH', signal, id)
    redis.call('EXPIRE', signal, 60)
  end
  return queue
end

-- -- Making jobs ------------------------------------------------------------------------------------------------------------

-- What a request under the same Idempotency-Key has made, and its fingerprint; nil when that is no longer kept.
local function made_before(key)
  local made, fingerprint = unpack(redis.call('HMGET', key, 'job', 'fingerprint'), 1, 2)
  if made and redis.call('EXISTS', JOB .. made, BATCH .. made, SCHEDULE .. made) > 0 then return made, fingerprint end
end

local function note_made(key, made, fingerprint, seconds)
  if fingerprint == '' then return end
  redis.call('HSET', key, 'job', made, 'fingerprint', fingerprint)
  redis.call('EXPIRE', key, seconds)
end

-- No worker of version 0.1 sweeps for a day: it would end or queue these jobs in its own way, and leave them in pieces.
local DAY = 86400
local function hold_off_old_sweeps()
  redis.call('SET', OLD_SWEEPING, '1', 'EX', DAY)
end

-- nothing -> queued, or scheduled when it is to run later: a record of these fields, to be started within so many ms of
-- when it is queued. Returns the state. The queue is to be released from then.
local function make_job(id, at, within, fields)
  hold_off_old_sweeps()
  redis.call('SET', JOB .. id .. INPUT, fields.input)
  fields.input = nil
  if fields.delay then fields.run_at = at + fields.delay end
  local due = math.max(at, tonumber(fields.run_at or at))
  local state = due > at and 'scheduled' or 'queued'
  if state == 'queued' then fields.run_at = nil end
  for name, default in pairs(DEFAULTS) do
    fields[name] = fields[name] or default
  end
  redis.call('ZADD', INDEX_ALL, at, id)
  redis.call('ZADD', INDEX_STATE .. state, at, id)
  redis.call('ZADD', INDEX_KIND .. fields.kind, at, id)
  if fields.user_id ~= '' then
    redis.call('ZADD', INDEX_USER .. fields.user_id, at, id)
    redis.call('EXPIRE', INDEX_USER .. fields.user_id, INDEX_KEEP)
  end
  if state == 'queued' then
    redis.call('ZADD', DEADLINES, at + within, id)
    redis.call('ZADD', QUEUE .. fields.queue .. WAITING, at, id)
    join(id, fields)
  else
    redis.call('ZADD', SCHEDULED, due, id)
    emit(JOB .. id, state, at, { state = state, run_at = due })
  end
  count('created:' .. fields.kind)
  for name, default in pairs(DEFAULTS) do
    if fields[name] == default then fields[name] = nil end
  end
  set(id, fields)
  set(id, { state = state, created_at = at, deadline = due + within })
  return state
end

-- Makes the next jobs of a batch, so many at most; returns how many are still to be made. Each stands on the pending list
-- as its id, the ms to start it in, and the fields of its record, name and value; version 0.1 added some that are none now.
local function expand(batch, at, most)
  local key, queues, made = BATCH .. batch, {}, {}
  local next = redis.call('LPOP', key .. PENDING, most) or {}
  local function make(item)
    local job, fields = cjson.decode(item), {}
    for i = 3, #job, 2 do
      if IS_FIELD[job[i]] then fields[job[i]] = job[i + 1] end
    end
    assert(fields.queue and fields.kind and fields.input and fields.user_id, 'a staged job has no kind, queue, user or input')
    queues[fields.queue] = true
    return make_job(job[1], at, job[2], fields)
  end
  for _, item in ipairs(next) do
    local well, state = pcall(make, item)
    if not well then
      note_fault(batch, state)
      state = 'failed'
    end
    made[state] = (made[state] or 0) + 1
  end
  for state, jobs in pairs(made) do recount(batch, 'pending', state, jobs, at) end
  local left = redis.call('LLEN', key .. PENDING)
  if left == 0 then redis.call('ZREM', EXPANDING, batch) end
  for queue in pairs(queues) do release(queue, at) end
  return left
end

-- -- Leases -----------------------------------------------------------------------------------------------------------------

-- Whether the job runs under this fence and this claim; else its state, and whether it was the last to run: then its write
-- may be a repeat. The claim's token is asked for as well, because a replica that was promoted may have missed claims, and
-- gives their fences a second time.
local function holds(id, fence, claim)
  local job = get(id, 'state', 'fence', 'claim')
  local last = tonumber(job.fence) == fence and job.claim == claim
  return last and job.state == 'running', job.state, last
end

-- The answer to a worker that no longer holds the job.
local function refuse(state)
  count('writes_refused')
  return { 0, state or 'gone' }
end

-- running -> queued at the head, or failed when its attempts are used up. Returns the new state, and the queue to release.
local function run_again(id, at, reason, message)
  local job = get(id, 'attempt', 'max_attempts')
  if tonumber(job.attempt) < tonumber(job.max_attempts) then
    return 'queued', enter(id, 'queued', reason, at, { attempt = tonumber(job.attempt) }, {}, true)
  end
  local failure = { reason = reason, message = message }
  return 'failed', enter(id, 'failed', reason, at, { error = failure }, { error = cjson.encode(failure) })
end

local function lose_worker(id, at)
  local job = get(id, 'attempt', 'max_attempts')
  return run_again(id, at, 'worker_lost',
    string.format('The worker was lost in attempt %s of %s.', job.attempt, job.max_attempts))
end

-- Cancels the next jobs of a batch that is being cancelled, so many at most. Returns whether there are more.
local function go_on_cancelling(batch, most, at)
  local from = tonumber(redis.call('ZSCORE', CANCELLING, batch))
  local next = redis.call('LRANGE', BATCH .. batch .. MEMBERS, from, from + most - 1)
  for _, member in ipairs(next) do
    isolated(string.match(member, '^%S+'), function(id)
      local state = get(id, 'state').state
      if state and not FINAL[state] then release(cancel(id, state, 'user_request', at, {}), at) end
    end)
  end
  if #next == most then
    redis.call('ZADD', CANCELLING, from + most, batch)
    return true
  end
  redis.call('ZREM', CANCELLING, batch)
  return false
end

-- What a claim is answered with.
local function claimed(id)
  return { 1, id, redis.call('HGETALL', JOB .. id), redis.call('GET', JOB .. id .. INPUT),
    redis.call('HLEN', JOB .. id .. STEPS) }
end

-- queued -> running under the next fence; nil, and the state, when there is nothing to claim: 'newer' for a record that only
-- a worker of a later version can read, to which its message goes after the grace; 'held' for a job that may not run. That goes back to its place, or is parked; its message is gone.
local function start(id, at, holder, token, lease)
  local job = get(id, 'state', 'kind', 'queued_at', 'created_at', 'deadline', 'started_at', 'queue', 'priority', 'turn',
    'deliveries', 'user_id', 'parked_at', 'concurrency_key', 'concurrency_limit', 'slots', 'models', 'format')
  if tonumber(job.format or FORMAT) > FORMAT then return nil, 'newer' end
  if job.state ~= 'queued' or (not job.started_at and at > tonumber(job.deadline)) then return nil, job.state end
  local whole = paused('queue:' .. job.queue)
  local gate = job.parked_at or not whole and gate_before(id, job, FAST)
  if whole or gate then
    local place = redis.call('ZSCORE', QUEUE .. job.queue .. ORDER, id)
    if place and gate then park(id, job, place, gate) else recall(id, job) end
    return nil, 'held'
  end
  hold_fast(id, job)
  local attempt = add(id, 'attempt', 1)
  add(id, 'fence', 1)
  if not job.started_at then set(id, { started_at = at }) end
  redis.call('ZREM', DEADLINES, id)
  enter(id, 'running', '', at, { attempt = attempt, worker = holder },
    { worker = holder, claim = token, running_since = at, lease_until = at + lease })
  redis.call('ZADD', LEASES, at + lease, id)
  observe('wait_seconds', job.kind, at - (job.queued_at or job.created_at))
  local saved = redis.call('HLEN', JOB .. id .. STEPS)
  if saved > 0 then count('steps_reused', saved) end
  return true
end

-- running -> completed or failed, by the holder of the fence. Returns the queue to release; nil and the refusal, when the
-- job is no longer this worker's; nil alone when that was done before.
local function finish(id, fence, claim, state, reason, outcome, at)
  local mine, current, was_mine = holds(id, fence, claim)
  if not mine then
    if current == state and was_mine then return nil end
    return nil, refuse(current)
  end
  -- What an earlier attempt failed of is no longer this job's error.
  if state == 'completed' then unset(id, 'error') end
  local queue = enter(id, state, reason, at, { error = outcome.error and cjson.decode(outcome.error) }, outcome)
  open_freed()
  return queue
end
