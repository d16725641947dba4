-- fire_schedule: makes the job of a schedule whose time has come, and moves the schedule to its next time; if nobody else has.
-- ARGV    schedule_id
--         due         the time that has come, ms
--         following   the next one, ms; nothing when there is none
--         job_id      always the same for this schedule and time
-- RETURN  {'made'}; {'left out'} when the job of the run before has not ended, and no other is to be made then; or {''} when
--         that was done before, or the schedule was paused, resumed or removed
local MOST_RUNS = 10
local key, at = SCHEDULE .. schedule_id, now()
if tonumber(redis.call('ZSCORE', SCHEDULES_DUE, schedule_id) or 0) ~= due or due > at then return { '' } end
if following then
  redis.call('ZADD', SCHEDULES_DUE, following, schedule_id)
else
  redis.call('ZREM', SCHEDULES_DUE, schedule_id)
end

if redis.call('EXISTS', JOB .. job_id) == 1 then return { '' } end

local function note(outcome, run)
  run.due, run.at = due, at
  redis.call('LPUSH', key .. RUNS, cjson.encode(run))
  redis.call('LTRIM', key .. RUNS, 0, MOST_RUNS - 1)
  redis.call('HINCRBY', key, outcome, 1)
  count('schedule_runs_' .. outcome)
end

local schedule = redis.call('HMGET', key, 'job', 'start_within', 'overlap', 'last_job')
local job, within, overlap, last = cjson.decode(schedule[1]), schedule[2], schedule[3], schedule[4]
local state = last and get(last, 'state').state
if state and not FINAL[state] then
  if overlap == 'skip' then
    note('left_out', {})
    return { 'left out' }
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
