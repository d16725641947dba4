-- purge: queued -> cancelled, for the jobs of a queue or a kind that were queued by a certain time; some at a time. It is to
-- be sent until all are; should that end early, the sweep goes on with it.
-- ARGV    target      'queue:...' or 'kind:...'
--         queued_by   ms since the epoch
--         by          who purges it
--         why
-- RETURN  {1 when there is more to do, else 0; how many were cancelled so far}
local begun = redis.call('HGET', PURGES, target)
if not begun or cjson.decode(begun).at < queued_by then begin_purge(target, by, why, queued_by) end
local more, cancelled = purge_next(target, now())
return { more and 1 or 0, cancelled }
