-- create: nothing -> queued, with its Celery message on the broker, or nothing at all.
-- KEYS    1 job (hash)   2 idempotency (hash)   3 job to retry (hash)   4 its steps (hash)   5 this job's steps (hash)
-- ARGV    1 job id   2 fingerprint of the request, '' without an Idempotency-Key   3 time to remember it, s
--         4 time to start in, ms   5 '1' if this retries the job of KEYS 3   6... the record's fields, name and value
-- RETURN  {'created', id, created at, ms}, {'replayed', id}, {'conflict', id of the job made under the same key},
--         {'not_final', state} when the job to retry has not failed, been cancelled or expired
local id, at = ARGV[1], now()
local repeated = redis.call('HGET', KEYS[1], 'created_at')
if repeated then return { 'created', id, repeated } end

if ARGV[2] ~= '' then
  local before = redis.call('HMGET', KEYS[2], 'job', 'fingerprint')
  if before[1] then return { before[2] == ARGV[2] and 'replayed' or 'conflict', before[1] } end
end
if ARGV[5] == '1' then
  local source = redis.call('HMGET', KEYS[3], 'state', 'retried_as')
  if source[2] then return { 'replayed', source[2] } end
  if not FINAL[source[1]] or source[1] == 'completed' then return { 'not_final', source[1] or 'gone' } end
  redis.call('HSET', KEYS[3], 'retried_as', id)
  redis.call('COPY', KEYS[4], KEYS[5])
  redis.call('PERSIST', KEYS[5])
end
if ARGV[2] ~= '' then
  redis.call('HSET', KEYS[2], 'job', id, 'fingerprint', ARGV[2])
  redis.call('EXPIRE', KEYS[2], ARGV[3])
end

bear(id, at, ARGV[4], { unpack(ARGV, 6) })
return { 'created', id, string.format('%d', at) }
