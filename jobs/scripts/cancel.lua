-- cancel: any state that is not final -> cancelled, and a running job's worker is told at once.
-- KEYS    1 job (hash)   2 signal (list)
-- ARGV    1 job id
-- RETURN  {1, state} with the state the job is in now, or {0} when there is no such job
local id = ARGV[1]
local state = redis.call('HGET', KEYS[1], 'state')
if not state then return { 0 } end
if FINAL[state] then return { 1, state } end
enter(id, 'cancelled', 'user_request', now(), {})
if state == 'running' then
  redis.call('LPUSH', KEYS[2], 'cancelled')
  redis.call('EXPIRE', KEYS[2], 60)
end
return { 1, 'cancelled' }
