-- time_schedule: pauses a schedule, or lets a paused one go on.
-- ARGV    schedule_id
--         due           the time of its next run, ms; nothing to pause it
-- RETURN  {1}, or {0} when there is no such schedule
local key = SCHEDULE .. schedule_id
if redis.call('EXISTS', key) == 0 then return { 0 } end
if not due then
  redis.call('HSETNX', key, 'paused_at', now())
  redis.call('ZREM', SCHEDULES_DUE, schedule_id)
elseif redis.call('HDEL', key, 'paused_at') == 1 then
  redis.call('ZADD', SCHEDULES_DUE, due, schedule_id)
end
return { 1 }
