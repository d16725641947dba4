-- resume: what was paused runs again. Of a kind, some jobs go back into the order at once, the others with the next sweeps.
-- ARGV    target   'queue:...' or 'kind:...'
-- RETURN  {1 when it was paused, else 0}
local was_paused = redis.call('HDEL', PAUSES, target)
local at, queue = now(), string.match(target, '^queue:(.*)$')
if queue then
  release(queue, at)
else
  open(target)
  release_stirred(at)
end
return { was_paused }
