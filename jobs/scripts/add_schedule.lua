-- add_schedule: takes on a schedule, to be fired first when it is due.
-- ARGV    schedule_id
--         fields         of its hash
--         due            ms
--         owner          its jobs' user_id, or ''
--         most           schedules that an owner may have
--         remembered_as  the key of the request's Idempotency-Key
--         fingerprint    of the request; '' without an Idempotency-Key
--         remember       s
-- RETURN  {'created', id}, {'replayed', id}, {'conflict', id of what was made under the same key}, or {'full', how many the owner
--         has}
local key = SCHEDULE .. schedule_id
if redis.call('EXISTS', key) == 1 then return { 'created', schedule_id } end
if fingerprint ~= '' then
  local made, known = made_before(remembered_as)
  if made then return { known == fingerprint and 'replayed' or 'conflict', made } end
end
local owned = redis.call('SCARD', SCHEDULES_OF .. owner)
if owned >= most then return { 'full', owned } end
note_made(remembered_as, schedule_id, fingerprint, remember)
redis.call('HSET', key, 'id', schedule_id)
for name, value in pairs(fields) do redis.call('HSET', key, name, value) end
redis.call('ZADD', SCHEDULES, 0, schedule_id)
redis.call('SADD', SCHEDULES_OF .. owner, schedule_id)
redis.call('ZADD', SCHEDULES_DUE, due, schedule_id)
return { 'created', schedule_id }
