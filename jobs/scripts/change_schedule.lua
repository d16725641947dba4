-- change_schedule: other times, another job or another overlap for a schedule, unless it was changed since it was read.
-- ARGV    schedule_id
--         fields   of its hash
--         due      the time of its next run, ms; nothing to leave that as it is
--         seen     how often it had been changed when it was read
-- RETURN  {1}; {0} when there is no such schedule, {-1} when it was changed since
local key = SCHEDULE .. schedule_id
if redis.call('EXISTS', key) == 0 then return { 0 } end
if tonumber(redis.call('HGET', key, 'changes') or 0) ~= seen then return { -1 } end
redis.call('HINCRBY', key, 'changes', 1)
for name, value in pairs(fields) do redis.call('HSET', key, name, value) end
if due and redis.call('HEXISTS', key, 'paused_at') == 0 then redis.call('ZADD', SCHEDULES_DUE, due, schedule_id) end
return { 1 }
