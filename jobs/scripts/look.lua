-- look: a job as it is now. Changes nothing.
-- ARGV    job_id
-- RETURN  {the record (flat), the input, how many jobs are before it in its queue, 0 when an idle
--         worker is about to take it and nothing when it is parked, what is paused or struck that it waits for, by whom (JSON)};
--         nothing where there is none
local job = get(job_id, 'state', 'queue', 'kind', 'user_id', 'models', 'parked_at')
local position, closed, order
if job.state == 'queued' then
  local queue = QUEUE .. job.queue
  local rank = redis.call('ZRANK', queue .. ORDER, job_id)
  position = rank and redis.call('ZCARD', queue .. RELEASED) + rank or not job.parked_at and 0
  closed = paused('queue:' .. job.queue, 'kind:' .. job.kind)
  order = closed and redis.call('HGET', PAUSES, closed)
  if not closed then closed, order = struck(job) end
end
return { redis.call('HGETALL', JOB .. job_id), redis.call('GET', JOB .. job_id .. INPUT), position, closed, order }
