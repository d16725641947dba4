-- report: a worker is there, and takes the jobs of these queues, so many at once.
-- ARGV    worker
--         report    what it says of itself (JSON)
--         queues
--         slots     jobs that it runs at once
--         dropped   messages that it has dropped since it last reported
-- RETURN  {messages on its queues' lanes}
local at, messages = now(), 0
redis.call('ZADD', WORKERS, at, worker)
redis.call('SET', WORKER .. worker, report, 'EX', WORKER_KEEP)
if dropped > 0 then count('messages_dropped', dropped) end
for _, queue in ipairs(queues) do
  redis.call('ZADD', QUEUE .. queue .. SLOTS, at, worker)
  if slots > 1 then
    redis.call('ZADD', QUEUE .. queue .. SLOTS .. ':' .. slots, at, worker)
    redis.call('SADD', QUEUE .. queue .. SHARES, slots)
  end
  release(queue, at)
  for _, lane in ipairs(LANE_SUFFIXES) do messages = messages + redis.call('LLEN', queue .. lane) end
end
return { messages }
