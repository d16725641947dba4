-- claim: queued -> running under the next fence. The one door into running.
-- KEYS    1 job (hash)   2 steps (hash)
-- ARGV    1 job id   2 worker   3 claim token (a repeat of the same claim gets the same answer)   4 lease, ms
-- RETURN  {1, the record (flat), the saved steps (flat)}, or {0, state} when there is nothing to claim
local id, at = ARGV[1], now()
local job = redis.call('HMGET', KEYS[1], 'state', 'claim', 'kind', 'queued_at', 'deadline', 'started_at')
if job[1] == 'running' and job[2] == ARGV[3] then
  return { 1, redis.call('HGETALL', KEYS[1]), redis.call('HGETALL', KEYS[2]) }
end
local late = not job[6] and at > tonumber(job[5] or 0)
if job[1] ~= 'queued' or late then
  count('claims_refused')
  return { 0, job[1] or 'gone' }
end

local attempt = redis.call('HINCRBY', KEYS[1], 'attempt', 1)
redis.call('HINCRBY', KEYS[1], 'fence', 1)
redis.call('HSETNX', KEYS[1], 'started_at', at)
redis.call('ZREM', DEADLINES, id)
enter(id, 'running', '', at, { attempt = attempt, worker = ARGV[2] },
  { 'worker', ARGV[2], 'claim', ARGV[3], 'running_since', at, 'lease_until', at + ARGV[4] })
redis.call('ZADD', LEASES, at + ARGV[4], id)
observe('wait_seconds', job[3], at - job[4])
local reused = redis.call('HLEN', KEYS[2])
if reused > 0 then count('steps_reused', reused) end
return { 1, redis.call('HGETALL', KEYS[1]), redis.call('HGETALL', KEYS[2]) }
