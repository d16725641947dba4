-- strike: no job of a kind, a user, a provider or a model is started from now on, and none is accepted, if so chosen. Those
-- that run go on or are cancelled, some at a time: it is to be sent until all are, and the sweep goes on with it.
-- ARGV    target    'kind:...', 'user:...', 'provider:...' or 'model:...'
--         by        who strikes it
--         why
--         new       reject | wait: what happens to new ones
--         running   go_on | cancel
-- RETURN  {1 when there may be more to do, else 0; the strike (JSON)}
local at, known = now(), redis.call('HGET', STRIKES, target)
local strike = cjson.encode({ by = by, why = why, new = new, running = running,
  at = known and cjson.decode(known).at or at })
redis.call('HSET', STRIKES, target, strike)
redis.call('SREM', OPENING, target)
local more = recall_from(target, at)
local ending = 'running ' .. target
if running == 'cancel' then
  if not known or cjson.decode(known).running ~= running then begin_purge(ending, by, why, at) end
  more = purge_next(ending, at) or more
end
return { more and 1 or 0, strike }
