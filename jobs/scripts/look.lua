-- look: a job as it is now. Changes nothing.
-- ARGV    job_id
-- RETURN  {the record (flat), the input, how many jobs are before it in its queue, 0 when an idle
--         worker is about to take it, what is paused that it waits for, who paused that (JSON)}; nothing where there is none
local job = get(job_id, 'state', 'queue', 'kind')
local position, pause
if job.state == 'queued' then
  local queue = QUEUE .. job.queue
  local rank = redis.call('ZRANK', queue .. ORDER, job_id)
  position = rank and redis.call('ZCARD', queue .. RELEASED) + rank or 0
  pause = paused('queue:' .. job.queue, 'kind:' .. job.kind)
end
return { redis.call('HGETALL', JOB .. job_id), redis.call('GET', JOB .. job_id .. INPUT), position, pause,
  pause and redis.call('HGET', PAUSES, pause) }
