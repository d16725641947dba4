-- open_batch: takes on a batch whose jobs lie on its pending list, or removes them; whoever feeds it makes them.
-- KEYS    1 batch (hash)   2 idempotency (hash)   3 pending (list)   4 members (list)
-- ARGV    1 batch id   2 fingerprint of the request, '' without an Idempotency-Key   3 time to remember it, s
--         4 user id, or ''   5 jobs on the pending list
-- RETURN  {'created', id}, {'replayed', id}, {'conflict', id of what was made under the same key},
--         {'incomplete', id} when the pending list has not as many jobs as it should
local id, at = ARGV[1], now()
if redis.call('EXISTS', KEYS[1]) == 1 then return { 'created', id } end

-- What was laid down is of no use then.
local function decline(outcome, made)
  redis.call('UNLINK', KEYS[3], KEYS[4])
  return { outcome, made }
end
if ARGV[2] ~= '' then
  local made, fingerprint = made_before(KEYS[2])
  if made then return decline(fingerprint == ARGV[2] and 'replayed' or 'conflict', made) end
end
if redis.call('LLEN', KEYS[3]) ~= tonumber(ARGV[5]) then return decline('incomplete', id) end
remember(KEYS[2], id, ARGV[2], ARGV[3])
redis.call('PERSIST', KEYS[3])
redis.call('PERSIST', KEYS[4])
redis.call('HSET', KEYS[1], 'id', id, 'state', 'running', 'user_id', ARGV[4], 'created_at', at,
  'total', ARGV[5], 'pending', ARGV[5], 'unfinished', ARGV[5])
redis.call('ZADD', FEEDING, at, id)
emit(KEYS[1], 'running', at, { state = 'running', total = tonumber(ARGV[5]) })
return { 'created', id }
