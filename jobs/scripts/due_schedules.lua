-- due_schedules: the schedules whose time has come. Changes nothing.
-- ARGV    most   of them
-- RETURN  {now, ms, then for each {id, due, cron, time zone, interval, created at, how often it was changed}}
local at = now()
local found = { at }
local due = redis.call('ZRANGEBYSCORE', SCHEDULES_DUE, '-inf', at, 'WITHSCORES', 'LIMIT', 0, most)
for i = 1, #due, 2 do
  local timed_by = redis.call('HMGET', SCHEDULE .. due[i], 'cron', 'time_zone', 'interval', 'created_at', 'changes')
  table.insert(found, { due[i], due[i + 1], unpack(timed_by) })
end
return found
