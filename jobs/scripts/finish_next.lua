-- finish_next: finishes a job as `finish` does, and claims the next one, as `claim` does: one round trip from a job to the
-- next. That is the most urgent of what waits in the worker's queues; one that has its message already comes before one of
-- the same priority that has not, and its message is taken off the lane: so no worker gets it that was sent to another, and
-- none stays behind. Nothing is passed over: a job that is not for this worker now is left to Celery, with all behind it.
-- A repeat gets the same next job.
-- ARGV    job_id
--         fence
--         claim     its token
--         state     completed | failed
--         reason    or ''
--         outcome   fields of the record: result, progress, error, files, reused (each JSON)
--         holder    the worker
--         token     of the next claim
--         lease     ms
--         queues    that the worker takes jobs of; of equally urgent jobs that of an earlier queue is taken
--         kinds     that it may run now
-- RETURN  {1, job id, the record (flat), the input, how many steps are saved} of the next job, {1} when there is none for this
--         worker, or {0, state} when the job is no longer this worker's

-- The message that the queue's next worker will pop, as its job's id, the job and the lane. Those of jobs that are no longer
-- queued are dropped on the way; what is no message of ours is left to the worker that counts such.
local function first_released(queue)
  if redis.call('ZCARD', QUEUE .. queue .. RELEASED) == 0 then return nil end
  for _, suffix in ipairs(LANE_SUFFIXES) do
    local lane = queue .. suffix
    for _ = 1, RELEASED_AT_ONCE do
      local id = string.match(redis.call('LINDEX', lane, -1) or '', '"correlation_id": "([^"]+)"')
      if not id then break end
      if get(id, 'state').state == 'queued' then
        local readable, job = isolated(id, waiting)
        if readable then return id, job, lane end
      end
      redis.call('RPOP', lane)
      count('claims_refused')
    end
  end
end

local function first_of(queue)
  if paused('queue:' .. queue) then return nil end
  local id, job, lane = first_released(queue)
  for _ = 1, RELEASED_AT_ONCE do
    local next = redis.call('ZRANGE', QUEUE .. queue .. ORDER, 0, 0)[1]
    if not next then break end
    local readable, other = isolated(next, waiting)
    if readable then
      if id and tonumber(job.priority) <= tonumber(other.priority) then break end
      return next, other
    end
  end
  return id, job, lane
end

-- The most urgent of the jobs that wait, and the lane that its message is on, if it has one.
local function first_of_all()
  local first, found, lane
  for _, queue in ipairs(queues) do
    local id, job, its_lane = first_of(queue)
    if id and (not first or tonumber(job.priority) < tonumber(found.priority)) then
      first, found, lane = id, job, its_lane
    end
  end
  return first, found, lane
end

-- Claims the next job. One that turns out to be held is parked, and the one after it is looked at.
local function start_next(at)
  local may_run, tried = {}, nil
  for _, kind in ipairs(kinds) do may_run[kind] = true end
  for _ = 1, RELEASED_AT_ONCE do
    local next, job, lane = first_of_all()
    if not next or next == tried or not may_run[job.kind] then return nil end
    local _, started = isolated(next, start, at, holder, token, lease)
    if started then
      if lane then redis.call('RPOP', lane) end
      return next
    end
    tried = next
  end
end

local at = now()
local queue, refusal = finish(job_id, fence, claim, state, reason, outcome, at)
if refusal then return refusal end
if not queue then
  local next = get(job_id, 'next').next
  local found = next and get(next, 'state', 'claim')
  if found and found.state == 'running' and found.claim == token then return claimed(next) end
  return { 1 }
end
local next = start_next(at)
if next then set(job_id, { next = next }) end
release(queue, at)
if next then return claimed(next) end
return { 1 }
