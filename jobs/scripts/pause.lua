-- pause: no job of a queue or a kind is started from now on. Those that were released are recalled, some at a time: until
-- all are, a claim of one is refused. What runs goes on.
-- ARGV    target   'queue:...' or 'kind:...'
--         by       who pauses it
--         why
-- RETURN  {1 when there may be more to recall, else 0; the pause (JSON)}: with 1, it is to be sent again
local known = redis.call('HGET', PAUSES, target)
local at = known and cjson.decode(known).at or now()
local pause = cjson.encode({ by = by, why = why, at = at })
redis.call('HSET', PAUSES, target, pause)
redis.call('SREM', OPENING, target)
local queue, more = string.match(target, '^queue:(.*)$'), false
for _, name in ipairs(queue and { queue } or redis.call('SMEMBERS', QUEUES)) do more = recall_paused(name) or more end
return { more and 1 or 0, pause }
