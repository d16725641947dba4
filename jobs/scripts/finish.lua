-- finish: running -> completed or failed, by the holder of the current fence.
-- KEYS    1 job (hash)
-- ARGV    1 job id   2 fence   3 completed | failed   4 reason, or ''   5... further fields, name and value:
--         result, progress, error, files, reused (JSON)
-- RETURN  {1}, or {0, state} when the job is no longer this worker's
local id, fence, state = ARGV[1], ARGV[2], ARGV[3]
local mine, current, holder = holds(id, fence)
if not mine then
  if current == state and holder == fence then return { 1 } end
  return refuse(current)
end
local data = {}
for i = 5, #ARGV, 2 do
  if ARGV[i] == 'error' then data.error = cjson.decode(ARGV[i + 1]) end
end
-- What an earlier attempt failed of is no longer this job's error.
if state == 'completed' then redis.call('HDEL', KEYS[1], 'error') end
enter(id, state, ARGV[4], now(), data, { unpack(ARGV, 5) })
return { 1 }
