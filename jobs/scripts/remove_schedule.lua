-- remove_schedule: forgets a schedule. Its jobs go on.
-- ARGV    schedule_id
-- RETURN  {1}, or {0} when there is no such schedule
local job = redis.call('HGET', SCHEDULE .. schedule_id, 'job')
if job then redis.call('SREM', SCHEDULES_OF .. cjson.decode(job).user_id, schedule_id) end
redis.call('ZREM', SCHEDULES, schedule_id)
redis.call('ZREM', SCHEDULES_DUE, schedule_id)
redis.call('UNLINK', SCHEDULE .. schedule_id .. RUNS)
return { redis.call('UNLINK', SCHEDULE .. schedule_id) }
