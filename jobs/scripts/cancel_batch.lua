-- cancel_batch: no further job of the batch is made; those that were are cancelled one by one, by `cancel`.
-- KEYS    1 batch (hash)   2 pending (list)
-- ARGV    1 batch id
-- RETURN  {1, state}, or {0} when there is no such batch
local state = redis.call('HGET', KEYS[1], 'state')
if not state then return { 0 } end
if FINAL[state] then return { 1, state } end
local at = now()
redis.call('HSETNX', KEYS[1], 'cancelled_at', at)
local pending = redis.call('LLEN', KEYS[2])
redis.call('HSETNX', KEYS[1], 'unmade', pending)
redis.call('DEL', KEYS[2])
redis.call('ZREM', FEEDING, ARGV[1])
if pending > 0 then move(ARGV[1], 'pending', 'cancelled', pending, at) end
return { 1, redis.call('HGET', KEYS[1], 'state') }
