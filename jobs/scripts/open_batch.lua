-- open_batch: takes on a batch whose jobs are staged on its pending list, or removes them.
-- ARGV    batch_id
--         user_id        or ''
--         total          jobs on the pending list
--         remembered_as  the key of the request's Idempotency-Key
--         fingerprint    of the request; '' without an Idempotency-Key
--         remember       s
-- RETURN  {'created', id}, {'replayed', id}, {'conflict', id of what was made under the same key},
--         {'incomplete', id} when the pending list has not as many jobs as it should
local key, at = BATCH .. batch_id, now()
if redis.call('EXISTS', key) == 1 then return { 'created', batch_id } end

-- What was staged is of no use then.
local function decline(outcome, made)
  redis.call('UNLINK', key .. PENDING, key .. MEMBERS)
  return { outcome, made }
end
if fingerprint ~= '' then
  local made, known = made_before(remembered_as)
  if made then return decline(known == fingerprint and 'replayed' or 'conflict', made) end
end
if redis.call('LLEN', key .. PENDING) ~= total then return decline('incomplete', batch_id) end
note_made(remembered_as, batch_id, fingerprint, remember)
redis.call('PERSIST', key .. PENDING)
redis.call('PERSIST', key .. MEMBERS)
redis.call('HSET', key, 'id', batch_id, 'state', 'running', 'user_id', user_id, 'created_at', at,
  'total', total, 'pending', total, 'unfinished', total)
redis.call('ZADD', EXPANDING, at, batch_id)
emit(key, 'running', at, { state = 'running', total = total })
return { 'created', batch_id }
