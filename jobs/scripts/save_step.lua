-- save_step: keeps the result of a paid step for this and every later attempt, by the holder of the current fence.
-- KEYS    1 steps (hash)
-- ARGV    1 job id   2 fence   3 step   4 result (JSON)   5 what it used (JSON list of usage items)
--         6 what of that was not counted yet (the same, costs in micro-dollars)
-- RETURN  {1}, or {0, state} when the job is no longer this worker's
local mine, state = holds(ARGV[1], ARGV[2])
if not mine then return refuse(state) end
if redis.call('HSET', KEYS[1], ARGV[3], ARGV[4]) == 1 then
  local at, data = now(), { step = ARGV[3] }
  redis.call('HDEL', JOB .. ARGV[1], 'interruptions')
  if ARGV[5] ~= '[]' then data.usage = cjson.decode(ARGV[5]) end
  emit(JOB .. ARGV[1], 'step', at, data)
  count('steps_saved')
  if ARGV[6] ~= '[]' then
    use(ARGV[1], redis.call('HGET', JOB .. ARGV[1], 'user_id'), day_of(at), cjson.decode(ARGV[6]))
  end
end
return { 1 }
