-- hand_back: running -> queued at the head, by the holder of the current fence. The attempt is not used up.
-- KEYS    1 job (hash)
-- ARGV    1 job id   2 fence
-- RETURN  {1}, or {0, state} when the job is no longer this worker's
local id, at = ARGV[1], now()
local mine, current, holder = holds(id, ARGV[2])
if not mine then
  if current == 'queued' and holder == ARGV[2] then return { 1 } end
  return refuse(current)
end
local attempt = redis.call('HINCRBY', KEYS[1], 'attempt', -1)
enter(id, 'queued', 'interrupted', at, { attempt = attempt })
hint(id, at, true)
count('interrupted')
return { 1 }
