-- lift: what was struck runs again, and is accepted. Some jobs go back into the order at once, the others with the next sweeps.
-- ARGV    target   'kind:...', 'user:...', 'provider:...' or 'model:...'
-- RETURN  {1 when it was struck, else 0}
local was_struck = redis.call('HDEL', STRIKES, target)
redis.call('HDEL', PURGES, 'running ' .. target)
open(target)
release_stirred(now())
return { was_struck }
