-- cancel_batch: no further job of the batch is made; those that were are cancelled one by one, by `cancel`, and by the sweep
-- if whoever began that does not end it.
-- ARGV    batch_id
-- RETURN  {1, state}, or {0} when there is no such batch
local key = BATCH .. batch_id
local state = redis.call('HGET', key, 'state')
if not state then return { 0 } end
if FINAL[state] then return { 1, state } end
local at = now()
redis.call('HSETNX', key, 'cancelled_at', at)
local pending = redis.call('LLEN', key .. PENDING)
redis.call('HSETNX', key, 'unmade', pending)
redis.call('UNLINK', key .. PENDING)
redis.call('ZREM', EXPANDING, batch_id)
redis.call('ZADD', CANCELLING, 0, batch_id)
if pending > 0 then recount(batch_id, 'pending', 'cancelled', pending, at) end
return { 1, redis.call('HGET', key, 'state') }
