-- progress: notes how far the job is, by the holder of the current fence.
-- KEYS    1 job (hash)
-- ARGV    1 job id   2 fence   3 progress (JSON object)
-- RETURN  {1}, or {0, state} when the job is no longer this worker's
local mine, state = holds(ARGV[1], ARGV[2])
if not mine then return refuse(state) end
if redis.call('HGET', KEYS[1], 'progress') == ARGV[3] then return { 1 } end
redis.call('HSET', KEYS[1], 'progress', ARGV[3])
emit(JOB .. ARGV[1], 'progress', now(), cjson.decode(ARGV[3]))
return { 1 }
