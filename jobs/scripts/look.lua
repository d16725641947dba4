-- look: a job as it is now. Changes nothing.
-- ARGV    job_id
-- RETURN  {the record (flat), the input, its outlook}: that of a queued job says what it waits for, see prelude/outlook.lua, and
--         others have an empty one
local job = get(job_id, 'state', 'queue', 'kind', 'user_id', 'models', 'parked_at')
local found = job.state == 'queued' and outlook(job_id, job, now()) or {}
return { redis.call('HGETALL', JOB .. job_id), redis.call('GET', JOB .. job_id .. INPUT), found }
