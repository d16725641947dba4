-- pause: no job of a queue or a kind is started from now on. Those that were released are recalled, some at a time: until
-- all are, a claim of one is refused. What runs goes on.
-- ARGV    target   'queue:...' or 'kind:...'
--         by       who pauses it
--         why
-- RETURN  {1 when there may be more to recall, else 0; the pause (JSON)}: with 1, it is to be sent again
local at, known = now(), redis.call('HGET', PAUSES, target)
local pause = cjson.encode({ by = by, why = why, at = known and cjson.decode(known).at or at })
redis.call('HSET', PAUSES, target, pause)
redis.call('SREM', OPENING, target)
return { recall_from(target, at) and 1 or 0, pause }
