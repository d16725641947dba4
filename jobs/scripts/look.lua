-- look: a job as it is now. Changes nothing.
-- ARGV    job_id
-- RETURN  {the record (flat), the input, how many jobs are before it in its queue, 0 when an idle
--         worker is about to take it}; nothing where there is none
local job = get(job_id, 'state', 'queue')
local position
if job.state == 'queued' then
  local queue = QUEUE .. job.queue
  local rank = redis.call('ZRANK', queue .. ORDER, job_id)
  position = rank and redis.call('ZCARD', queue .. RELEASED) + rank or 0
end
return { redis.call('HGETALL', JOB .. job_id), redis.call('GET', JOB .. job_id .. INPUT), position }
