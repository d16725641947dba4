-- lose: running -> queued at the head, or failed when its attempts are used up, for a holder that is known to be dead.
-- KEYS    1 job (hash)
-- ARGV    1 job id   2 the dead holder's fence
-- RETURN  {1, new state}, or {0, state} when the job is no longer under that fence
local id = ARGV[1]
local mine, current, holder = holds(id, ARGV[2])
if not mine then
  if holder == ARGV[2] and (current == 'queued' or current == 'failed') then return { 1, current } end
  return refuse(current)
end
count('children_lost')
return { 1, lose(id, now()) }
