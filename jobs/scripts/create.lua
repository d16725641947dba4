-- create: nothing -> queued, with its Celery message on the broker, or nothing at all.
-- KEYS    1 job (hash)   2 idempotency (hash)   3 job to retry (hash)   4 its steps (hash)   5 this job's steps (hash)
-- ARGV    1 job id   2 fingerprint of the request, '' without an Idempotency-Key   3 time to remember it, s
--         4 time to start in, ms   5 field in which the job of KEYS 3 names its retry, '' if this is none
--         6 how many of its steps are left out   7... their names, then the record's fields, name and value
-- RETURN  {'created', id, created at, ms}, {'replayed', id}, {'conflict', id of the job made under the same key},
--         {'not_final', state} when the job to retry has not ended, or completed and no step is left out
local id, at = ARGV[1], now()
local left_out = tonumber(ARGV[6])
local repeated = redis.call('HGET', KEYS[1], 'created_at')
if repeated then return { 'created', id, repeated } end

if ARGV[2] ~= '' then
  local made, fingerprint = made_before(KEYS[2])
  if made then return { fingerprint == ARGV[2] and 'replayed' or 'conflict', made } end
end
if ARGV[5] ~= '' then
  local source = redis.call('HMGET', KEYS[3], 'state', ARGV[5])
  if source[2] then
    remember(KEYS[2], source[2], ARGV[2], ARGV[3])
    return { 'replayed', source[2] }
  end
  if not FINAL[source[1]] or (source[1] == 'completed' and left_out == 0) then
    return { 'not_final', source[1] or 'gone' }
  end
  redis.call('HSET', KEYS[3], ARGV[5], id)
  redis.call('COPY', KEYS[4], KEYS[5])
  for i = 7, 6 + left_out do redis.call('HDEL', KEYS[5], ARGV[i]) end
  redis.call('PERSIST', KEYS[5])
end

remember(KEYS[2], id, ARGV[2], ARGV[3])
bear(id, at, ARGV[4], { unpack(ARGV, 7 + left_out) })
return { 'created', id, string.format('%d', at) }
