-- fire_schedule: makes the job of a schedule whose time has come, and moves the schedule to its next time, if nobody else has;
-- or makes one out of turn.
-- ARGV    schedule_id
--         due         the time that has come, ms; nothing for a run out of turn, which leaves the times as they are
--         following   the next one, ms; nothing when there is none
--         seen        how often the schedule had been changed when these times were worked out
--         job_id      always the same for this schedule and time, or request
-- RETURN  {'made'}; {'left out', job} when the job of the run before has not ended, and no other is to be made then; {'made
--         before'}; or {''} when the schedule was fired, paused, resumed, changed or removed
local MOST_RUNS = 10
local key, at = SCHEDULE .. schedule_id, now()
local schedule = redis.call('HMGET', key, 'job', 'start_within', 'overlap', 'last_job', 'changes')
if not schedule[1] then return { '' } end
if due then
  if tonumber(redis.call('ZSCORE', SCHEDULES_DUE, schedule_id) or 0) ~= due or due > at then return { '' } end
  if tonumber(schedule[5] or 0) ~= seen then return { '' } end
  if following then
    redis.call('ZADD', SCHEDULES_DUE, following, schedule_id)
  else
    redis.call('ZREM', SCHEDULES_DUE, schedule_id)
  end
end

if redis.call('EXISTS', JOB .. job_id) == 1 then return { 'made before' } end

local function note(outcome, run)
  run.due, run.at = due or at, at
  redis.call('LPUSH', key .. RUNS, cjson.encode(run))
  redis.call('LTRIM', key .. RUNS, 0, MOST_RUNS - 1)
  redis.call('HINCRBY', key, outcome, 1)
  count('schedule_runs_' .. outcome)
end

local job, within, overlap, last = cjson.decode(schedule[1]), schedule[2], schedule[3], schedule[4]
local state = last and get(last, 'state').state
if state and not FINAL[state] then
  if overlap == 'skip' then
    note('left_out', {})
    return { 'left out', last }
  elseif overlap == 'cancel_running' then
    release(cancel(last, state, 'superseded', at, { by = job_id }), at)
  end
end
job.schedule = schedule_id
make_job(job_id, at, within, job)
redis.call('HSET', key, 'last_job', job_id)
note('made', { job = job_id })
release(job.queue, at)
return { 'made' }
