-- outlooks: what each of some jobs waits for. Changes nothing.
-- ARGV    job_ids
-- RETURN  {the outlook of each, see prelude/outlook.lua}; an empty one for a job that is not queued, or cannot be read
local at = now()
local function outlook_of(id)
  local job = get(id, 'state', 'queue', 'kind', 'user_id', 'models', 'parked_at')
  return job.state == 'queued' and outlook(id, job, at) or {}
end

local found = {}
for position, id in ipairs(job_ids) do
  local readable, its_own = pcall(outlook_of, id)
  found[position] = readable and its_own or {}
end
return found
